"""Run retrievers on a dataset, dimension by dimension, through the ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from limitlab._core.checks import choice, whole
from limitlab._core.errors import InvalidArgument, LimitlabError
from limitlab._core.files import content_hash
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import Stopwatch, provenance
from limitlab._core.status import Status
from limitlab.data import Dataset
from limitlab.evaluation.compare import bootstrap
from limitlab.evaluation.measures import Measure, parse_measures, per_query
from limitlab.evaluation.result import DatasetFacts, EvaluationResult, Row
from limitlab.ledger import Cell, Ledger
from limitlab.relevance import query_graph
from limitlab.retrieval import Retriever, build
from limitlab.search import TIE_RULES, RelevantSet, SearchResult, tie_order

_NUMERICS = 1  # raised when a change of limitlab changes numbers: part of every cache key
_LISTED = 100  # ranked documents kept a query at least
DEFAULT_MEASURES = ("recall@2", "recall@10", "recall@20", "recall@100", "all_relevant@2", "ndcg@10", "mrr@10")


@dataclass(frozen=True)
class EvaluationConfig:
    """What is measured and how; together with the dataset and the retriever it is the cache key.

    Attributes
    ----------
    measures
        Names such as "recall@2", "all_relevant@10", "ndcg@10", "mrr@10".
    ties
        trec | st | worst | best | expected.
    min_relevance
        The grade from which a document counts as relevant (ndcg uses the grades).
    n_resamples, seed
        Of the bootstrap intervals.
    """

    measures: tuple[str, ...] = DEFAULT_MEASURES
    ties: str = "trec"
    min_relevance: int = 1
    n_resamples: int = 2_000
    seed: int = 0
    parsed: tuple[Measure, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        who = "evaluate()"
        choice(who, "ties", self.ties, TIE_RULES)
        whole(who, "min_relevance", self.min_relevance, low=1)
        whole(who, "n_resamples", self.n_resamples, low=100)
        whole(who, "seed", self.seed, low=0)
        parsed = parse_measures(self.measures)
        if not parsed:
            raise InvalidArgument("evaluate(): at least one measure is needed, such as recall@10.")
        object.__setattr__(self, "parsed", parsed)
        object.__setattr__(self, "measures", tuple(m.name for m in parsed))

    @property
    def depth(self) -> int:
        """Ranked documents asked of a retriever."""
        return max(_LISTED, *(m.k for m in self.parsed))

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"measures": list(self.measures), "ties": self.ties, "min_relevance": self.min_relevance, "n_resamples": self.n_resamples, "seed": self.seed}


def evaluate(
    data: Dataset | Sequence[Dataset],
    retrievers: Sequence[str | Retriever | Callable[..., Any]] | str = ("bm25", "minilm"),
    *,
    dims: Sequence[int] | None = None,
    measures: Sequence[str] | None = None,
    ties: str = "trec",
    min_relevance: int = 1,
    precision: str = "auto",
    ledger: Ledger | None = None,
    reuse: bool = True,
    title: str | None = None,
    command: Sequence[str] | None = None,
    kind: str = "eval",
    progress: Progress = SILENT,
) -> EvaluationResult:
    """Recall and the like of retrievers on datasets, at every dimension asked for.

    One encoding serves every dimension (the first values, renormalised). Search is exact. Rows that were measured
    before with the same data, retriever and settings come from the ledger.

    Parameters
    ----------
    data
        One Dataset, or several.
    retrievers
        Names ("bm25", "minilm", "token-sums", a sentence-transformers id or folder), Retriever objects, or functions
        ``search(query_texts, k)``.
    dims
        Dimensions for retrievers that have one; None: the full one. A model with fewer dimensions than asked for gets a
        row that says so.
    measures
        Default: recall@2, @10, @20, @100, all_relevant@2, ndcg@10, mrr@10. Cuts beyond the corpus count the whole corpus.
    ties, min_relevance
        See EvaluationConfig.
    precision
        For dense models: auto | float32 | bfloat16.
    ledger
        Where runs are kept; default: LIMITLAB_HOME.
    reuse
        Whether rows solved before are taken from the ledger.

    Returns
    -------
    EvaluationResult with one row per (dataset, retriever, dimension).

    Raises
    ------
    InvalidArgument, DataError, MissingExtra
        Before anything runs, for wrong arguments; a retriever that fails while running gives a failed row and the others go on.

    Examples
    --------
    >>> import limitlab as ll
    >>> result = ll.evaluate(ll.make_limit(small=True), ["bm25"])  # doctest: +SKIP
    >>> result.row("bm25").measures["recall@2"].mean  # doctest: +SKIP
    1.0
    """
    datasets = [data] if isinstance(data, Dataset) else list(data)
    if not datasets or not all(isinstance(d, Dataset) for d in datasets):
        raise InvalidArgument("evaluate(): data must be a Dataset or a non-empty list of them; see limitlab.load() and limitlab.make_limit().")
    if len({d.name for d in datasets}) < len(datasets):
        raise InvalidArgument(f"evaluate(): datasets must have different names; got {', '.join(d.name for d in datasets)}.")
    config = EvaluationConfig(DEFAULT_MEASURES if measures is None else tuple(measures), ties, min_relevance)
    wanted = None if dims is None else tuple(dict.fromkeys(whole("evaluate()", "dim", d, low=1) for d in dims))
    specs = [retrievers] if isinstance(retrievers, str) or not isinstance(retrievers, Sequence) else list(retrievers)
    built = [build(s, precision=precision, max_dim=max(wanted) if wanted else None) for s in specs]
    names = [r.name for r in built]
    if not built or len(set(names)) < len(names):
        raise InvalidArgument(f"evaluate(): retrievers must be given, each once; got {', '.join(names) or 'none'}.")
    return _Evaluation(datasets, built, wanted, config, ledger or Ledger(), reuse, progress).run(kind, title, command)


@dataclass
class _Evaluation:
    datasets: list[Dataset]
    retrievers: list[Retriever]
    dims: tuple[int, ...] | None
    config: EvaluationConfig
    ledger: Ledger
    reuse: bool
    progress: Progress

    def run(self, kind: str, title: str | None, command: Sequence[str] | None) -> EvaluationResult:
        about = {
            **self.config.to_dict(),
            "datasets": [d.name for d in self.datasets],
            "retrievers": [r.name for r in self.retrievers],
            "dims": list(self.dims) if self.dims else None,
            "command": list(command) if command else None,
        }
        facts = [dataset_facts(d, self.config.min_relevance) for d in self.datasets]
        about["dataset_facts"] = [f.to_dict() for f in facts]
        run_id = self.ledger.start(kind, title or f"{', '.join(about['retrievers'])} on {', '.join(about['datasets'])}", about)
        rows: list[Row] = []
        status, message = Status.FAILED, ""
        with Stopwatch() as watch:
            try:
                for dataset in self.datasets:
                    for retriever in self.retrievers:
                        for row in self._rows(dataset, retriever):
                            rows.append(row)
                            self.ledger.add_cell(run_id, Cell(row.key, row.status, row.message, row.to_dict(), row.artefact))
                unsolved = [r for r in rows if r.status is not Status.SOLVED]
                status = Status.SOLVED if not unsolved else Status.FAILED if any(r.status is Status.FAILED for r in unsolved) else Status.NOT_SOLVED
                message = status.value if not unsolved else f"{len(unsolved)} of {len(rows)} rows have no number: {unsolved[0].name}: {unsolved[0].message}"
            except KeyboardInterrupt:
                status, message = Status.STOPPED, Status.STOPPED.value
                raise
            except LimitlabError as error:
                message = str(error)
                raise
            finally:
                made = provenance(wall_seconds=watch.so_far())
                self.ledger.finish(run_id, status, message, made)
        return EvaluationResult(tuple(rows), tuple(facts), (run_id,), status, message, about, made, self.ledger.artefacts.get)

    def _rows(self, dataset: Dataset, retriever: Retriever) -> list[Row]:
        """All dimensions of one retriever on one dataset."""
        settings = retriever.config(dataset.n_docs)
        cacheable = self.reuse and settings.get("cache", True)
        done: dict[int | None, Row] = {}
        todo: list[int | None] = []
        for dim in self._dims_of(retriever):
            cell = self.ledger.solved(self._key(dataset, settings, dim)) if cacheable else None
            if cell is not None:
                done[dim] = Row.from_dict({**cell.record, "dataset": dataset.name, "retriever": retriever.name, "label": retriever.label})
            else:
                todo.append(dim)
        if todo:
            done |= self._measured(dataset, retriever, settings, todo)
        return [done[dim] for dim in self._dims_of(retriever)]

    def _dims_of(self, retriever: Retriever) -> list[int | None]:
        if retriever.max_dim is None:
            return [None]
        return list(self.dims) if self.dims else [retriever.max_dim]

    def _key(self, dataset: Dataset, settings: dict[str, Any], dim: int | None) -> str:
        return content_hash({"dataset": dataset.fingerprint(), "retriever": settings, "dim": dim, "evaluation": self.config.to_dict(), "numerics": _NUMERICS}, length=32)

    def _measured(self, dataset: Dataset, retriever: Retriever, settings: dict[str, Any], dims: list[int | None]) -> dict[int | None, Row]:
        base = {"dataset": dataset.name, "retriever": retriever.name, "label": retriever.label, "family": retriever.family, "config": settings}
        full = retriever.max_dim
        rows: dict[int | None, Row] = {}
        fits = [d for d in dims if d is None or full is None or d <= full]
        for dim in (d for d in dims if d not in fits):
            rows[dim] = Row(**base, dim=dim, status=Status.NOT_SOLVED, message=f"{retriever.name} has {full} dimensions; {dim} were asked for.", measures={}, key=self._key(dataset, settings, dim))
        if not fits:
            return rows
        try:
            made = retriever.index(dataset.docs, dataset.queries, progress=self.progress)
            relevant = _relevant_set(dataset)
            places = tie_order(dataset.docs.ids, self.config.ties)
            for dim in fits:
                with Stopwatch() as watch:
                    found = retriever.search(k=self.config.depth, places=places, relevant=relevant, dim=dim, progress=self.progress)
                cost = {**made["cost"], "search_seconds": watch.seconds}
                if dim is not None and full:
                    cost["bytes_per_doc"] = cost.get("bytes_per_doc", 4.0 * full) * dim / full
                rows[dim] = self._row(dataset, retriever, {**base, "dim": dim, "cost": cost, "notes": made["notes"]}, found)
        except LimitlabError as error:
            for dim in (d for d in fits if d not in rows):
                rows[dim] = Row(**base, dim=dim, status=Status.FAILED, message=str(error), measures={}, key=self._key(dataset, settings, dim))
        return rows

    def _row(self, dataset: Dataset, retriever: Retriever, base: dict[str, Any], found: SearchResult) -> Row:
        c = self.config
        assert found.ranks is not None
        values = per_query(c.parsed, dataset.relevance, found.ranks, ties=c.ties, min_relevance=c.min_relevance)
        counted = ~np.isnan(next(iter(values.values())))
        estimates = {n: bootstrap(v[counted], n_resamples=c.n_resamples, seed=c.seed) for n, v in values.items()}
        best, worst = (per_query(c.parsed, dataset.relevance, found.ranks, ties=t, min_relevance=c.min_relevance) for t in ("best", "worst"))
        depends = np.zeros(counted.size, bool)
        for name in values:
            depends |= np.abs(best[name] - worst[name]) > 1e-12
        sizes = np.unique(dataset.relevance.relevant_counts(c.min_relevance)[counted])
        predicted = {}
        for m in c.parsed:
            value = retriever.predict(m.kind, m.k, n_docs=dataset.n_docs, n_relevant=int(sizes[0]), dim=base["dim"]) if sizes.size == 1 else None
            if value is not None:
                predicted[m.name] = value
        artefact = self.ledger.artefacts.put({**values, "indices": found.indices.astype(np.int32), "scores": found.scores, "rank": found.ranks.by_id(), "rank_indptr": found.ranks.indptr})
        return Row(
            **base,
            status=Status.SOLVED,
            message=Status.SOLVED.value,
            measures=estimates,
            tie_rate=float(depends[counted].mean()),
            predicted=predicted,
            key=self._key(dataset, base["config"], base["dim"]),
            artefact=artefact,
        )


def dataset_facts(dataset: Dataset, min_relevance: int = 1) -> DatasetFacts:
    """Sizes, query graph and notes of a dataset; refused when no query has a document of grade ``min_relevance``."""
    counts = dataset.relevance.relevant_counts(min_relevance)
    if not (counts > 0).any():
        raise InvalidArgument(f"evaluate(): some document must have grade >= min_relevance={min_relevance}; in {dataset.name} none has.")
    notes = dict(dataset.notes)
    if (counts == 0).any():
        notes["queries_below_min_relevance"] = int((counts == 0).sum())
    if dataset.relevance.grades.size and dataset.relevance.grades.max() > 1:
        notes["greatest_grade"] = int(dataset.relevance.grades.max())
    made = dataset.origin.get("config") or {}
    published = None
    if dataset.origin.get("generator") == "limit" and made.get("k") == 2 and made.get("split") == "test" and not made.get("synonyms") and made.get("n_queries") == 1000:
        published = "LIMIT-small" if made.get("small") else "LIMIT" if made.get("n_docs") == 50_000 and made.get("pattern") == "dense" else None
    if published == "LIMIT-small" and made.get("pattern") != "dense":
        published = None
    return DatasetFacts(
        name=dataset.name,
        fingerprint=dataset.fingerprint(),
        n_docs=dataset.n_docs,
        n_queries=int((counts > 0).sum()),
        n_relevant=int(counts.sum()),
        pattern=dataset.origin.get("pattern"),
        published_as=published,
        query_graph=query_graph(dataset.relevance, min_relevance=min_relevance).to_dict(),
        notes=notes,
    )


def load_result(run_id: str = "last", *, ledger: Ledger | None = None) -> EvaluationResult:
    """A stored evaluation by run id, a unique start of one, or "last".

    Raises
    ------
    UnknownName
        There is no such run.
    """
    ledger = ledger or Ledger()
    run = ledger.run(run_id)
    rows = tuple(Row.from_dict(cell.record) for cell in ledger.cells(run.id))
    facts = tuple(DatasetFacts(**d) for d in run.config.get("dataset_facts", ()))
    return EvaluationResult(rows, facts, (run.id,), run.status, run.message, run.config, run.provenance, ledger.artefacts.get)


def _relevant_set(dataset: Dataset) -> RelevantSet:
    positive = dataset.relevance.binary()
    return RelevantSet(positive.indptr, positive.indices)
