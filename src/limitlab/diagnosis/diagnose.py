"""From vectors and relevance to a diagnosis, through the ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.checks import choice, whole
from limitlab._core.errors import InvalidArgument
from limitlab._core.files import content_hash
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import Stopwatch
from limitlab._core.status import Status
from limitlab.data import Dataset, read_hits
from limitlab.diagnosis import served
from limitlab.diagnosis.best_query import FOUND, OWN, SEPARATED, best_queries
from limitlab.diagnosis.depth import PARTS, Depth, Given, depth, skipped
from limitlab.diagnosis.dimension import dimension_answer
from limitlab.diagnosis.index import IndexSpec, index_lists, parse_index
from limitlab.diagnosis.matching import matching
from limitlab.diagnosis.platform import OF_THE_LIST, REASONS, Hits, run_findings
from limitlab.diagnosis.remedies.bench import Bench, Serving
from limitlab.diagnosis.remedies.measured import measured_remedies, remedy_sentence
from limitlab.diagnosis.remedies.plan import RemedyPlan
from limitlab.diagnosis.result import Diagnosis
from limitlab.diagnosis.scratch import Scratch
from limitlab.diagnosis.standing import list_depth
from limitlab.diagnosis.subject import WHO, Subject, subject
from limitlab.diagnosis.verdict import verdict
from limitlab.diagnosis.waterfall import Stage, counted, cut_set
from limitlab.engine import Engine, using
from limitlab.ledger import Cell, Ledger, running
from limitlab.relevance import RelevanceMatrix
from limitlab.retrieval import build
from limitlab.search import SearchResult, exact_search
from limitlab.search.chunk_ids import chunk_mapping

KIND = "diagnose"


def diagnose(
    data: Dataset | RelevanceMatrix,
    *,
    docs: np.ndarray | None = None,
    queries: np.ndarray | None = None,
    model: str | None = None,
    doc_ids: Sequence[str] | None = None,
    query_ids: Sequence[str] | None = None,
    k: int = 10,
    similarity: str = "cosine",
    dim: int | None = None,
    renormalise: bool = True,
    dtype: str | None = None,
    query_dtype: str = "float32",
    index: str | None = None,
    run: str | Path | Hits | Mapping[str, Mapping[str, float]] | None = None,
    chunk_separator: str | None = None,
    chunk_pattern: str | None = None,
    ties: str = "trec",
    min_relevance: int = 1,
    skip: Sequence[str] = (),
    notes: Mapping[str, int | str] | None = None,
    remedies: RemedyPlan | str | Sequence[str] | None = None,
    ledger: Ledger | None = None,
    title: str | None = None,
    command: Sequence[str] | None = None,
    engine: str | Engine | None = None,
    progress: Progress = SILENT,
) -> Diagnosis:
    """Where recall is lost: cut, dimension, document vectors, query encoder, truncation, quantisation, index, platform.

    Each level retains some of the relevant documents of each query. What a level does not retain and the level before did is its loss, what it
    brings back its gain; a document that is missing at the end is assigned to the last level that lost it.

    Parameters
    ----------
    data
        A Dataset, or a RelevanceMatrix.
    docs, queries
        (n_docs, dim), (n_queries, dim), real, finite; memory maps and Shards (see ``open_shards``) are read in blocks. Or give ``model``, which encodes the dataset's texts.
    model
        A dense retriever's name, see ``limitlab.retrieval.build``.
    doc_ids, query_ids
        Ids of the rows; default: rows are in the order of ``data``.
    k
        The cut, in [1, n_docs].
    similarity
        "cosine" or "dot".
    dim
        Served dimension: the first so many values. None: all.
    renormalise
        Whether truncated vectors are scaled to unit length again (cosine only).
    dtype, query_dtype
        Type in which documents are served: float16, bfloat16, fp8-e4m3, fp8-e5m2, int8, int8-per-dim, binary, or ``pq:M``; and queries
        (not int8-per-dim, pq).
    index
        ``hnsw:m=32,ef_search=64``, ``ivf:nlist=256,nprobe=8``, a faiss index file over the documents as served, in the order of the rows, or a
        vector store: ``qdrant:url=URL,hnsw_ef=64`` gets the documents, ``qdrant:url=URL,collection=NAME,existing=true`` has them.
    run
        The production ranking: a TREC or JSON file, ``{query id: [document id, ...]}``, best first, or ``{query id: {document id: score}}``.
    chunk_separator, chunk_pattern
        How to read the document id from the id of a chunk in the run, see ``chunk_mapping``.
    ties
        "trec" or "st": which of two documents with equal scores comes first.
    min_relevance
        The grade from which a document counts as relevant.
    skip
        Parts beneath the levels that are not measured: "drowning", "gaps", "geometry".
    notes
        More that a reader must know, by name; shown with the counts that the diagnosis makes itself.
    remedies
        Measure these too, on queries they were not trained on: "all", names of ``remedies.REMEDIES``, or a RemedyPlan. They are measured against
        the vectors and the index as served, not against ``run``. None: none.
    ledger
        Where the run is kept; default: LIMITLAB_HOME.
    engine
        Where tasks run: "local", "local:4", "ray", "ray://HOST:PORT", or an Engine. The numbers are the same everywhere. None: as it
        is, see ``limitlab.engine.using``.

    Raises
    ------
    InvalidArgument, DataError, MissingExtra
        Vectors and qrels do not fit together, hold NaN, zero or constant rows; the run names unknown ids; an extra is missing.

    Examples
    --------
    >>> import numpy as np, limitlab as ll
    >>> data = ll.RelevanceMatrix.from_qrels({"q": {"a": 1}}, doc_ids=["a", "b"])
    >>> found = ll.diagnose(data, docs=np.eye(2), queries=np.array([[0.1, 1.0]]), k=1)  # doctest: +SKIP
    >>> found.level("encoder").blamed  # doctest: +SKIP
    1
    """
    if not isinstance(data, (Dataset, RelevanceMatrix)):
        raise InvalidArgument(f"{WHO}: data must be a Dataset or a RelevanceMatrix; got {type(data).__name__}.")
    relevance = data.relevance if isinstance(data, Dataset) else data
    plan = _Plan(
        k=k, dim=dim, renormalise=renormalise, dtype=dtype if dtype is None else served.stored_type(dtype),
        query_dtype=choice(WHO, "query_dtype", query_dtype, served.QUERY_DTYPES), index=None if index is None else parse_index(index),
        chunk_separator=chunk_separator, chunk_pattern=chunk_pattern, similarity=similarity, ties=ties, min_relevance=min_relevance, skip=skipped(skip),
        run=None if run is None else "given" if isinstance(run, Mapping) else Path(run).name,
    )  # fmt: skip
    wanted = None if remedies is None else RemedyPlan.of(remedies)
    mapped, hits = _production(run, chunk_separator, chunk_pattern)
    name = data.name if isinstance(data, Dataset) else "qrels"
    about = {**plan.to_dict(), "model": model, "data": name, "command": list(command) if command else None, **_asked(wanted)}
    with using(engine), Scratch() as scratch, Stopwatch() as watch:
        given = _vectors(data, docs, queries, model, progress)
        told = matching(data, given.docs, given.queries, doc_ids) | dict(notes or {})
        found = subject(
            relevance, given.docs, given.queries, doc_ids=doc_ids, query_ids=query_ids, k=k, similarity=similarity, ties=ties,
            min_relevance=min_relevance, scratch=scratch,
        )  # fmt: skip
        about |= {"n_docs": len(found.docs), "n_queries": len(found.queries), "full_dim": found.docs.shape[1]}
        whole(WHO, "dim", found.docs.shape[1] if dim is None else dim, low=1, high=found.docs.shape[1])
        names = relevance.query_ids if query_ids is None else query_ids
        facts = None if hits is None else run_findings(found, hits, mapped, all_query_ids=names)
        serving = Serving(dim, renormalise, plan.dtype, query_dtype, plan.index)
        bench = None if wanted is None else Bench(found, serving, data, wanted, scratch, progress)
        work = _Levels(found, plan, given, facts, scratch, progress, told, bench)
        return _through_ledger(work, title or f"diagnosis of {name}", name, about, ledger or Ledger(), watch)


def _production(run: Any, chunk_separator: str | None, chunk_pattern: str | None) -> tuple[Any, Any]:
    """(how ids of chunks are read, the run's hits or None)."""
    mapped = chunk_mapping(chunk_separator, chunk_pattern, who=WHO)
    if run is None and (chunk_separator is not None or chunk_pattern is not None):
        raise InvalidArgument(f"{WHO}: chunk_separator and chunk_pattern must come with a run; got none.")
    return mapped, None if run is None else _ordered(run) if isinstance(run, Mapping) else read_hits(run)


def _asked(wanted: RemedyPlan | None) -> dict[str, Any]:
    return {"remedies": wanted.to_dict()} if wanted else {}


@dataclass(frozen=True)
class _Plan:
    """What was asked for, checked."""

    k: int
    dim: int | None
    renormalise: bool
    dtype: str | None
    query_dtype: str
    index: IndexSpec | None
    chunk_separator: str | None
    chunk_pattern: str | None
    similarity: str
    ties: str
    min_relevance: int
    skip: tuple[str, ...]
    run: str | None

    def to_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "index": None if self.index is None else self.index.words, "skip": list(self.skip)}


def _ordered(run: Mapping[str, Sequence[str] | Mapping[str, float]]) -> Hits:
    """Lists of ids, best first; those with scores by score, equal ones in the order given."""
    return {q: sorted(row, key=lambda d: -row[d]) if isinstance(row, Mapping) else list(row) for q, row in run.items()}


def _vectors(
    data: Dataset | RelevanceMatrix, docs: np.ndarray | None, queries: np.ndarray | None, model: str | None, progress: Progress
) -> Given:
    given = docs is not None or queries is not None
    if given == (model is not None) or (docs is None) != (queries is None):
        raise InvalidArgument(f"{WHO}: docs and queries, or a model, must be given; got {'both' if given and model else 'one or none'}.")
    if docs is not None and queries is not None:
        return Given(docs, queries)
    retriever = build(model or "")
    if not isinstance(data, Dataset) or not hasattr(retriever, "encoded"):
        what = "a Dataset with texts" if hasattr(retriever, "encoded") else f"a dense model; {model} has no vectors of that kind"
        raise InvalidArgument(f"{WHO}: a model must be given with {what}. Or pass docs and queries.")
    docs, queries = retriever.encoded(data.docs, data.queries, progress=progress)
    limit = getattr(retriever, "token_limit", None)
    return Given(docs, queries, getattr(retriever, "truncated", None) if limit else None, limit)


def _through_ledger(work: _Levels, title: str, name: str, about: dict[str, Any], ledger: Ledger, watch: Stopwatch) -> Diagnosis:
    """Measure inside a run of the ledger."""
    with running(ledger, KIND, title, about) as run:
        stages, reasons, complete = work.measured()
        levels, queries = counted(work.subject, stages, reasons)
        deep = work.depth()
        if deep.gaps is not None:
            queries = [replace(q, gap=gap) for q, gap in zip(queries, deep.gaps.per_query)]
        sizes = {"k": work.subject.k, "n_queries": len(queries), "n_relevant": int(work.subject.relevant.members.size)}
        says = verdict(levels, complete_queries=complete, **sizes)
        cures = measured_remedies(work.bench) if work.bench is not None else ()
        sentence = remedy_sentence(cures, work.subject.k)
        run.made(wall_seconds=watch.so_far())  # with what came before the run: vectors read and compared
        notes = {**work.notes, **work.subject.notes}
        told = (*says, sentence) if sentence else says
        found = Diagnosis(
            name, tuple(levels), tuple(queries), told, notes, about, run.provenance, (run.id,), depth=deep, remedies=cures
        )  # fmt: skip
        table = np.frombuffer(json.dumps([q.to_dict() for q in queries]).encode(), np.uint8)
        artefact = ledger.artefacts.put({"queries": table})
        ledger.add_cell(
            run.id, Cell(content_hash({"run": run.id}, length=32), Status.SOLVED, Status.SOLVED.value, found.summary(), artefact)
        )
        run.ended()
    return found


@dataclass
class _Levels:
    """The levels of one subject, from the vectors outwards."""

    subject: Subject
    plan: _Plan
    given: Given
    run: Any
    scratch: Scratch
    progress: Progress
    notes: dict[str, int | str]
    bench: Bench | None = None

    def measured(self) -> tuple[list[Stage], list[str], int]:
        """(stages in order, reason of every pair, queries for which all that fits can be retrieved)."""
        s = self.subject
        deep = s.k if len(self.plan.skip) == len(PARTS) else list_depth(s)
        own = exact_search(s.docs, s.queries, k=deep, places=s.places, normalise=False, relevant=s.relevant, progress=self.progress)
        self._own = own
        encoder = Stage("encoder", "query encoder", "measured", "your query vectors, exact float32 search", self._within(own))
        outer = [encoder, *self._served(encoder.kept)]
        best = best_queries(s, own, progress=self.progress)
        complete = int((s.per_query(best.kept) == s.targets).sum())
        documents = self._documents(best.kept, best.how, complete)
        answer = dimension_answer(s, complete=complete == len(s.queries))
        later = [stage.kept for stage in (documents, *outer) if stage.kept is not None]
        assert own.ranks is not None
        room = cut_set(s, later, own.ranks.by_id())
        over = int((s.sizes > s.k).sum())
        cut = Stage("cut", "cut", "measured", f"{over:,} queries have more than k = {s.k} relevant documents", room)
        dimension = Stage("dimension", "dimension", answer.status, answer.sentence, room)
        reasons = [REASONS[r] for r in self.run.reasons] if self.run is not None else [""] * room.size
        return [cut, dimension, documents, *outer], reasons, complete

    def depth(self) -> Depth:
        """What lies beneath the levels; after ``measured``."""
        if len(self.plan.skip) == len(PARTS):
            return Depth()
        return depth(self.subject, self._own, self.given, skip=self.plan.skip, progress=self.progress)

    def _documents(self, kept: np.ndarray, how: np.ndarray, complete: int) -> Stage:
        n = len(self.subject.queries)
        counts = {code: int((how == code).sum()) for code in (OWN, SEPARATED, FOUND)}
        note = (
            f"best query vector against your documents: {counts[OWN]:,} queries need no other than their own, {counts[SEPARATED]:,} can be "
        )
        note += f"separated exactly, {counts[FOUND]:,} were searched for"
        if complete == n:
            return Stage("documents", "document vectors", "measured", note, kept)
        note += f"; for {n - complete:,} the best found is a lower bound"
        return Stage("documents", "document vectors", "lower bound", note, kept)

    def _served(self, kept: np.ndarray | None) -> list[Stage]:
        """Truncation, quantisation, index, platform."""
        s, plan = self.subject, self.plan
        docs, queries = s.docs, s.queries
        stages, scaled = [], s.cosine
        if plan.dim is not None and plan.dim < docs.shape[1]:
            scaled = plan.renormalise and s.cosine
            docs, queries = (served.truncated(a, plan.dim, renormalise=scaled, scratch=self.scratch) for a in (docs, queries))
            words = (
                f"the first {plan.dim:,} of {s.docs.shape[1]:,} values{', scaled to unit length again' if scaled else ', not scaled again'}"
            )
            kept = self._searched(docs, queries)
            stages.append(Stage("truncation", "truncation", "measured", words, kept))
        else:
            stages.append(_not_given("truncation", "truncation"))
        if plan.dtype is not None or plan.query_dtype != "float32":
            docs = docs if plan.dtype is None else served.quantised(docs, plan.dtype, scratch=self.scratch)
            queries = queries if plan.query_dtype == "float32" else served.quantised(queries, plan.query_dtype, scratch=self.scratch)
            words = f"documents {plan.dtype or 'float32'}, queries {plan.query_dtype}, exact search"
            kept = self._searched(docs, queries)
            stages.append(Stage("quantisation", "quantisation", "measured", words, kept))
        else:
            stages.append(_not_given("quantisation", "quantisation"))
        if plan.index is not None:
            lists, words = index_lists(plan.index, docs, queries, k=s.k, ids=s.doc_ids, cosine=scaled)
            kept = np.array([m in row for row, a, b in self._lists(lists) for m in s.relevant.members[a:b].tolist()], bool)
            stages.append(Stage("index", "index", "measured", words, kept))
        return [*stages, *self._platform(kept)]

    def _platform(self, kept: np.ndarray | None) -> list[Stage]:
        index = [] if self.plan.index is not None else [_not_given("index", "index")]
        if self.run is None:
            return [*index, _not_given("platform", "platform")]
        facts = "; ".join(f"{count:,} {what}" for what, count in self.run.facts.items())
        words = f"run {self.plan.run}" + (f": {facts}" if facts else "")
        if index:
            # Without an index of its own the run is taken apart: what its lists do not hold, and what happened to the lists.
            assert kept is not None
            of_list = kept & ~np.isin(self.run.reasons, OF_THE_LIST)
            index = [
                Stage(
                    "index", "index or run", "measured", "what the run's lists do not hold though they are full, or rank below k", of_list
                )
            ]
        return [*index, Stage("platform", "platform", "measured", words, self.run.kept)]

    def _lists(self, lists: np.ndarray):
        indptr = self.subject.relevant.indptr
        return ((set(row.tolist()), a, b) for row, a, b in zip(lists, indptr, indptr[1:]))

    def _searched(self, docs: np.ndarray, queries: np.ndarray) -> np.ndarray:
        s = self.subject
        return self._within(
            exact_search(docs, queries, k=s.k, places=s.places, normalise=False, relevant=s.relevant, progress=self.progress)
        )

    def _within(self, found: SearchResult) -> np.ndarray:
        assert found.ranks is not None
        rank = found.ranks.by_id()
        return (rank > 0) & (rank <= self.subject.k)


def _not_given(key: str, label: str) -> Stage:
    return Stage(key, label, "not given", "not given", None)
