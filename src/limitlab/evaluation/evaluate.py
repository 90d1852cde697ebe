"""Run retrievers on a dataset, dimension by dimension, through the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from limitlab._core.checks import whole
from limitlab._core.errors import InvalidArgument, LimitlabError, ServiceError
from limitlab._core.files import content_hash
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import Stopwatch
from limitlab._core.status import Status
from limitlab.data import Dataset
from limitlab.engine import Engine, using
from limitlab.evaluation.compare import bootstrap
from limitlab.evaluation.config import DEFAULT_MEASURES, EvaluationConfig
from limitlab.evaluation.facts import dataset_facts
from limitlab.evaluation.measures import per_query
from limitlab.evaluation.result import EvaluationResult, Row
from limitlab.evaluation.stored import in_order
from limitlab.ledger import Cell, Ledger, running
from limitlab.retrieval import Retriever, build
from limitlab.search import RelevantSet, SearchResult, tie_order

_NUMERICS = 1  # raised when a change of limitlab changes numbers: part of every cache key


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
    engine: str | Engine | None = None,
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
    engine
        Where tasks run: "local", "local:4", "ray", "ray://HOST:PORT", or an Engine. The numbers are the same everywhere. None: as it
        is, see ``limitlab.engine.using``.

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
        raise InvalidArgument(
            "evaluate(): data must be a Dataset or a non-empty list of them; see limitlab.load() and limitlab.make_limit()."
        )
    if len({d.name for d in datasets}) < len(datasets):
        raise InvalidArgument(f"evaluate(): datasets must have different names; got {', '.join(d.name for d in datasets)}.")
    config = EvaluationConfig(DEFAULT_MEASURES if measures is None else tuple(measures), ties, min_relevance)
    wanted = None if dims is None else tuple(dict.fromkeys(whole("evaluate()", "dim", d, low=1) for d in dims))
    specs = [retrievers] if isinstance(retrievers, str) or not isinstance(retrievers, Sequence) else list(retrievers)
    built = [build(s, precision=precision, max_dim=max(wanted) if wanted else None) for s in specs]
    names = [r.name for r in built]
    if not built or len(set(names)) < len(names):
        raise InvalidArgument(f"evaluate(): retrievers must be given, each once; got {', '.join(names) or 'none'}.")
    with using(engine):
        return _Evaluation(datasets, built, wanted, config, ledger or Ledger(), reuse, progress).run(kind, title, command)


def unmeasured(
    datasets: Sequence[Dataset], retriever: Retriever, *, dims: Sequence[int] | None, measures: Sequence[str], ledger: Ledger
) -> list[Dataset]:
    """Those for which ``evaluate`` with these arguments would not find every row of the retriever in the ledger."""
    asked = _Evaluation(list(datasets), [retriever], tuple(dims) if dims else None, EvaluationConfig(tuple(measures)), ledger, True, SILENT)
    return [d for d in datasets if not asked.known(d, retriever)]


@dataclass(frozen=True)
class _Plan:
    """A retriever's settings and dimensions, or the error that came instead of them."""

    settings: dict[str, Any]
    dims: list[int | None]
    error: ServiceError | None = None


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
        plans = {
            (r.name, d.n_docs): self._plan(r, d.n_docs) for r in self.retrievers for d in self.datasets
        }  # refused before anything runs
        about["dataset_facts"] = [f.to_dict() for f in facts]
        self._say_whole_cuts()
        rows: list[Row] = []
        title = title or f"{', '.join(about['retrievers'])} on {', '.join(about['datasets'])}"
        with running(self.ledger, kind, title, about) as run:
            for dataset in self.datasets:
                for retriever in self.retrievers:
                    for row in self._rows(dataset, retriever, plans[retriever.name, dataset.n_docs]):
                        rows.append(row)
                        self.ledger.add_cell(run.id, Cell(row.key, row.status, row.message, row.to_dict(), row.artefact))
            run.ended(*_ending(rows))
        kept = self.ledger.artefacts.get
        return EvaluationResult(in_order(rows, about), tuple(facts), (run.id,), run.status, run.message, about, run.provenance, kept)

    def _say_whole_cuts(self) -> None:
        if self.config.measures == DEFAULT_MEASURES:  # nobody chose these cuts
            return
        for dataset in self.datasets:
            if beyond := [m.name for m in self.config.parsed if m.k > dataset.n_docs]:
                self.progress.say(f"note: {', '.join(beyond)}: {dataset.name} has {dataset.n_docs:,} documents, so every one counts.")

    def _plan(self, retriever: Retriever, n_docs: int) -> _Plan:
        """What the retriever says of itself; a service that cannot be asked fails its own rows, not those of others."""
        try:
            return _Plan(retriever.config(n_docs), self._dims_of(retriever))
        except ServiceError as error:
            return _Plan({"retriever": retriever.family, "name": retriever.name}, [None], error)

    def _rows(self, dataset: Dataset, retriever: Retriever, plan: _Plan) -> Iterator[Row]:
        """All dimensions of one retriever on one dataset, each as soon as it is measured."""
        settings, dims = plan.settings, plan.dims
        if plan.error is not None:
            yield Row(
                dataset=dataset.name, retriever=retriever.name, label=retriever.label, family=retriever.family, dim=None, config=settings,
                status=Status.FAILED, message=str(plan.error), measures={}, key=self._key(dataset, settings, None),
            )  # fmt: skip
            return
        cacheable = self.reuse and settings.get("cache", True)
        todo: list[int | None] = []
        for dim in dims:
            cell = self.ledger.solved(self._key(dataset, settings, dim)) if cacheable else None
            if cell is not None:
                yield Row.from_dict({**cell.record, "dataset": dataset.name, "retriever": retriever.name, "label": retriever.label})
            else:
                todo.append(dim)
        if todo:
            yield from self._measured(dataset, retriever, settings, todo)

    def known(self, dataset: Dataset, retriever: Retriever) -> bool:
        """Whether the ledger has all rows of a retriever on a dataset."""
        plan = self._plan(retriever, dataset.n_docs)
        cacheable = plan.error is None and plan.settings.get("cache", True)
        return cacheable and all(self.ledger.solved(self._key(dataset, plan.settings, dim)) is not None for dim in plan.dims)

    def _dims_of(self, retriever: Retriever) -> list[int | None]:
        if retriever.max_dim is None:
            return [None]
        return list(self.dims) if self.dims else [retriever.max_dim]

    def _key(self, dataset: Dataset, settings: dict[str, Any], dim: int | None) -> str:
        return content_hash(
            {
                "dataset": dataset.fingerprint(),
                "retriever": settings,
                "dim": dim,
                "evaluation": self.config.to_dict(),
                "numerics": _NUMERICS,
            },
            length=32,
        )

    def _measured(self, dataset: Dataset, retriever: Retriever, settings: dict[str, Any], dims: list[int | None]) -> Iterator[Row]:
        base: dict[str, Any] = {
            "dataset": dataset.name,
            "retriever": retriever.name,
            "label": retriever.label,
            "family": retriever.family,
            "config": settings,
        }
        full = retriever.max_dim
        done: set[int | None] = set()
        fits = [d for d in dims if d is None or full is None or d <= full]

        def without_numbers(dim: int | None, status: Status, message: str) -> Row:
            return Row(**base, dim=dim, status=status, message=message, measures={}, key=self._key(dataset, settings, dim))

        for dim in (d for d in dims if d not in fits):
            yield without_numbers(dim, Status.NOT_SOLVED, f"{retriever.name} has {full} dimensions; {dim} were asked for.")
        if not fits:
            return
        try:
            made = retriever.index(dataset.docs, dataset.queries, progress=self.progress)
            relevant = _relevant_set(dataset)
            cut = getattr(retriever, "truncated", None)
            if cut is not None and len(cut):
                share = np.isin(np.unique(relevant.members), cut).mean()
                made["notes"]["relevant_documents_cut_share"] = round(float(share), 4)
            places = tie_order(dataset.docs.ids, self.config.ties)
            for dim in fits:
                with Stopwatch() as watch:
                    found = retriever.search(k=self.config.depth, places=places, relevant=relevant, dim=dim, progress=self.progress)
                cost = {**made["cost"], "search_seconds": watch.seconds, **found.cost}
                if dim is not None and hasattr(retriever, "bytes_per_doc"):  # not every type takes bytes in proportion to the dimension
                    cost["bytes_per_doc"] = retriever.bytes_per_doc(dim)
                elif dim is not None and full:
                    cost["bytes_per_doc"] = cost.get("bytes_per_doc", 4.0 * full) * dim / full
                yield self._row(dataset, retriever, {**base, "dim": dim, "cost": cost, "notes": {**made["notes"], **found.notes}}, found)
                done.add(dim)
        except LimitlabError as error:
            for dim in (d for d in fits if d not in done):
                yield without_numbers(dim, Status.FAILED, str(error))

    def _row(self, dataset: Dataset, retriever: Retriever, base: dict[str, Any], found: SearchResult) -> Row:
        c = self.config
        assert found.ranks is not None
        values = per_query(c.parsed, dataset.relevance, found.ranks, ties=c.ties, min_relevance=c.min_relevance)
        counted = ~np.isnan(next(iter(values.values())))
        estimates = {n: bootstrap(v[counted], n_resamples=c.n_resamples, seed=c.seed) for n, v in values.items()}
        best, worst = (
            per_query(c.parsed, dataset.relevance, found.ranks, ties=t, min_relevance=c.min_relevance) for t in ("best", "worst")
        )
        depends = np.zeros(counted.size, bool)
        for name in values:
            depends |= np.abs(best[name] - worst[name]) > 1e-12
        sizes = np.unique(dataset.relevance.relevant_counts(c.min_relevance)[counted])
        predicted = {}
        for m in c.parsed:
            value = (
                retriever.predict(m.kind, m.k, n_docs=dataset.n_docs, n_relevant=int(sizes[0]), dim=base["dim"])
                if sizes.size == 1
                else None
            )
            if value is not None:
                predicted[m.name] = value
        artefact = self.ledger.artefacts.put(
            {
                **values,
                "indices": found.indices.astype(np.int32),
                "scores": found.scores,
                "rank": found.ranks.by_id(),
                "rank_indptr": found.ranks.indptr,
            }
        )
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


def _ending(rows: Sequence[Row]) -> tuple[Status, str]:
    unsolved = [r for r in rows if r.status is not Status.SOLVED]
    if not unsolved:
        return Status.SOLVED, Status.SOLVED.value
    status = Status.FAILED if any(r.status is Status.FAILED for r in unsolved) else Status.NOT_SOLVED
    return status, f"{len(unsolved)} of {len(rows)} rows have no number: {unsolved[0].name}: {unsolved[0].message}"


def _relevant_set(dataset: Dataset) -> RelevantSet:
    positive = dataset.relevance.binary()
    return RelevantSet(positive.indptr, positive.indices)
