"""What an evaluation returns: rows of (dataset, retriever, dimension) with measures, costs and where they came from."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from limitlab._core.errors import DataError, InvalidArgument, UnknownName
from limitlab._core.files import canonical_json, read_json, write_text
from limitlab._core.optional import require
from limitlab._core.status import Status
from limitlab.evaluation.measures import Measure

if TYPE_CHECKING:
    from limitlab.evaluation.compare import Comparison

SCHEMA = "limitlab.evaluation/1"


@dataclass(frozen=True)
class Estimate:
    """A mean over queries with its 95 % bootstrap interval; all in [0, 1]."""

    mean: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """Plain values."""
        return {"mean": self.mean, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class DatasetFacts:
    """What a result says about its dataset, without any of its text.

    Attributes
    ----------
    name, fingerprint
        Name shown, and hash of ids, texts and grades.
    n_docs, n_queries, n_relevant
        Sizes; ``n_queries`` counts the evaluated ones (with at least one relevant document).
    pattern
        dense | random | cycle | disjoint, or None when it was not generated from one.
    published_as
        Name of the same dataset in the published tables ("LIMIT", "LIMIT-small"), or None.
    query_graph
        Density and mean query strength.
    notes
        Counts that a reader must know: queries without relevant documents, empty documents, ...
    """

    name: str
    fingerprint: str
    n_docs: int
    n_queries: int
    n_relevant: int
    pattern: str | None = None
    published_as: str | None = None
    query_graph: dict[str, float] = field(default_factory=dict)
    notes: dict[str, int | float | str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class Row:
    """One retriever at one dimension on one dataset.

    Attributes
    ----------
    dataset, retriever, label, dim
        Which; ``retriever`` is the name given by the user, ``label`` the one shown, ``dim`` None for retrievers without one.
    status, message
        Only ``Status.SOLVED`` has measures.
    measures
        ``{"recall@2": Estimate, ...}``.
    predicted
        ``{"recall@2": value}`` where a closed form predicts the measure (random token sums).
    tie_rate
        Share of queries for which some measure depends on the order of equal scores, in [0, 1].
    cost
        Seconds and bytes: encode_seconds, index_seconds, search_seconds, docs_per_second, bytes_per_doc; absent ones were not paid.
    config
        Everything that decides the numbers; its hash is ``key``.
    artefact
        Content hash of the per-query values and lists in the ledger.
    family
        lexical | dense | sparse | multi-vector | untrained | other: what kind of retriever it is.
    """

    dataset: str
    retriever: str
    label: str
    dim: int | None
    status: Status
    message: str
    measures: dict[str, Estimate]
    tie_rate: float = 0.0
    predicted: dict[str, float] = field(default_factory=dict)
    cost: dict[str, float] = field(default_factory=dict)
    notes: dict[str, int | float | str] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    artefact: str | None = None
    family: str = "other"

    @property
    def name(self) -> str:
        """``minilm@128`` or ``bm25``: how a row is addressed."""
        return self.retriever if self.dim is None else f"{self.retriever}@{self.dim}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        out = dict(self.__dict__)
        out["status"] = self.status.key
        out["measures"] = {name: estimate.to_dict() for name, estimate in self.measures.items()}
        return out

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Row:
        """The inverse of ``to_dict``."""
        measures = {name: Estimate(**e) for name, e in record["measures"].items()}
        return cls(**{**record, "status": Status.of(record["status"]), "measures": measures})


@dataclass(frozen=True)
class EvaluationResult:
    """All rows of one or several evaluations.

    Attributes
    ----------
    rows, datasets
        The numbers, and the facts about the datasets they were measured on.
    run_ids
        The ledger's runs they come from.
    status, message
        SOLVED only when every row is.
    config, provenance
        What was asked for; versions, machine, commit, wall time, peak memory.
    """

    rows: tuple[Row, ...]
    datasets: tuple[DatasetFacts, ...]
    run_ids: tuple[str, ...] = ()
    status: Status = Status.SOLVED
    message: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    load_arrays: Callable[[str], dict[str, np.ndarray]] | None = field(default=None, repr=False, compare=False)

    # -- reading -------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def row(self, name: str, *, dataset: str | None = None) -> Row:
        """The row named ``minilm@128`` or ``bm25``; ``dataset`` is needed when there are several.

        Raises
        ------
        UnknownName
            There is no such row, or there is one on several datasets and none was named.
        """
        found = [r for r in self.rows if r.name == name and dataset in (None, r.dataset)]
        if len(found) == 1:
            return found[0]
        if found:
            if len(there := sorted({r.dataset for r in found})) == 1:
                raise UnknownName(f"row {name!r} is there {len(found)} times on {there[0]}, with other settings; take it from its own run.")
            raise UnknownName(f"row {name!r} is there for several datasets; pass dataset= one of {', '.join(there)}.")
        raise UnknownName.of("EvaluationResult.row()", "row", name, {r.name for r in self.rows if dataset in (None, r.dataset)})

    @property
    def measure_names(self) -> list[str]:
        """Measures that occur: recall, all_relevant, ndcg, mrr, each by ascending cut."""
        return [m.name for m in sorted({Measure.parse(name) for row in self.rows for name in row.measures}, key=Measure.order)]

    def per_query(self, row: Row | str, measure: str, *, dataset: str | None = None) -> np.ndarray:
        """(n_queries,) float64: a measure's value for every query, in the dataset's order.

        Raises
        ------
        DataError
            The per-query values are not stored any more.
        """
        row = self.row(row, dataset=dataset) if isinstance(row, str) else row
        if measure not in row.measures:
            raise UnknownName.of("EvaluationResult.per_query()", "measure", measure, row.measures)
        if self.load_arrays is None or row.artefact is None:
            raise DataError(f"per-query values of {row.name} are not at hand; load the run from the ledger that holds it.")
        return self.load_arrays(row.artefact)[measure]

    def compare(self, first: str, second: str, measure: str, *, dataset: str | None = None, seed: int = 0) -> Comparison:
        """Paired randomisation test of two rows on the same queries; see ``limitlab.evaluation.compare``."""
        from limitlab.evaluation.compare import compare_paired

        a, b = self.row(first, dataset=dataset), self.row(second, dataset=dataset)
        if a.dataset != b.dataset:
            raise InvalidArgument(f"compare(): both rows must be on one dataset; got {a.dataset} and {b.dataset}.")
        return compare_paired(
            self.per_query(a, measure), self.per_query(b, measure), first=a.name, second=b.name, measure=measure, seed=seed
        )

    # -- writing -------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Plain values with a schema version; no document or query text."""
        return {
            "schema": SCHEMA,
            "status": self.status.key,
            "message": self.message or self.status.value,
            "run_ids": list(self.run_ids),
            "datasets": [d.to_dict() for d in self.datasets],
            "rows": [r.to_dict() for r in self.rows],
            "config": self.config,
            "provenance": self.provenance,
        }

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> EvaluationResult:
        """The inverse of ``to_dict``; DataError when the schema is another."""
        schema = record.get("schema") if isinstance(record, dict) else None
        if schema != SCHEMA:
            raise DataError(f"evaluation result: schema must be {SCHEMA!r}; got {schema!r}.")
        return cls(
            rows=tuple(Row.from_dict(r) for r in record["rows"]),
            datasets=tuple(DatasetFacts(**d) for d in record["datasets"]),
            run_ids=tuple(record["run_ids"]),
            status=Status.of(record["status"]),
            message=record["message"],
            config=record["config"],
            provenance=record["provenance"],
        )

    def save(self, path: str | Path) -> Path:
        """Write ``to_dict()`` as JSON."""
        return write_text(path, canonical_json(self.to_dict()) + "\n")

    @classmethod
    def load(cls, path: str | Path) -> EvaluationResult:
        """Read what ``save`` wrote."""
        return cls.from_dict(read_json(path))

    def flat(self) -> list[dict[str, Any]]:
        """One flat record a row: dataset, retriever, dim, status, each measure with _low and _high, tie_rate, costs."""
        names = self.measure_names
        costs = list(dict.fromkeys(c for row in self.rows for c in row.cost))
        records = []
        for row in self.rows:
            record: dict[str, Any] = {"dataset": row.dataset, "retriever": row.retriever, "dim": row.dim, "status": row.status.key}
            for name in names:
                e = row.measures.get(name)
                record |= {name: e and e.mean, f"{name}_low": e and e.low, f"{name}_high": e and e.high}
            record["tie_rate"] = row.tie_rate if row.status is Status.SOLVED else None
            record |= {c: row.cost.get(c) for c in costs}
            records.append(record)
        return records

    def to_csv(self, path: str | Path | None = None) -> str:
        """The flat records as CSV text, also written to ``path`` when given."""
        records = self.flat()
        out = io.StringIO()
        writer = csv.DictWriter(out, fieldnames=list(records[0]) if records else ["dataset"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
        if path is not None:
            write_text(path, out.getvalue())
        return out.getvalue()

    def to_pandas(self) -> Any:
        """The flat records as a pandas DataFrame (extra: pandas)."""
        return require("pandas", extra="pandas", what="to_pandas()").DataFrame(self.flat())

    def to_mteb(self, folder: str | Path, *, language: str = "eng-Latn") -> list[Path]:
        """Write rows as MTEB keeps results, one file a row; see ``limitlab.evaluation.mteb_files.write_mteb``."""
        from limitlab.evaluation.mteb_files import write_mteb

        return write_mteb(self, folder, language=language)

    def report(self, path: str | Path = "report.html", **options: Any) -> Path:
        """Write the self-contained HTML report; options as in ``limitlab.report.write_report``."""
        import importlib

        # The report is drawn on a higher floor; it is looked up by name so that this room does not depend on it.
        return importlib.import_module("limitlab.report").write_report(self, path, **options)


def merged(results: Iterable[EvaluationResult]) -> EvaluationResult:
    """Rows of several results side by side; of identical rows (same key) the last one stays."""
    results = list(results)
    if len(results) == 1:
        return results[0]
    rows: dict[tuple[str, str], Row] = {}
    loaders: dict[str, Callable[[str], dict[str, np.ndarray]]] = {}
    for number, result in enumerate(results):
        for row in result.rows:
            rows[(row.dataset, row.key or f"{number}:{row.name}")] = row
            if row.artefact is not None and result.load_arrays is not None:
                loaders[row.artefact] = result.load_arrays
    datasets: dict[str, DatasetFacts] = {}
    for facts in (d for result in results for d in result.datasets):
        known = datasets.setdefault(facts.name, facts)
        if known.fingerprint != facts.fingerprint:
            raise InvalidArgument(
                f"merged(): datasets of one name must be the same; two different ones are named {facts.name!r}. Evaluate one of them under another name."
            )
    severity = [Status.SOLVED, Status.NOT_SOLVED, Status.STOPPED, Status.RUNNING, Status.FAILED]
    worst = max(reversed(results), key=lambda r: severity.index(r.status))
    return replace(
        worst,
        rows=tuple(rows.values()),
        datasets=tuple(datasets.values()),
        run_ids=tuple(dict.fromkeys(i for result in results for i in result.run_ids)),
        config={"merged": [result.config for result in results]},
        load_arrays=lambda sha: loaders[sha](sha),
    )
