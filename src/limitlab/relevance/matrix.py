"""The relevance matrix: which documents answer which query."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from limitlab._core.errors import DataError, RangeError, ShapeError, first_examples


class RelevanceMatrix:
    """Queries x documents, sparse (CSR), immutable, ids kept.

    An entry is a grade: positive means relevant, zero or negative means judged and not relevant. Pairs without an
    entry were not judged. Row ``i`` belongs to ``query_ids[i]``, column ``j`` to ``doc_ids[j]``.

    Parameters
    ----------
    indptr, indices, grades
        CSR arrays: (n_queries + 1,), (nnz,), (nnz,). Columns ascend within a row and do not repeat. Whole grades.
    query_ids, doc_ids
        Distinct ids; ``range`` objects or None stand for "0", "1", ... without holding them.

    Raises
    ------
    ShapeError
        The arrays do not describe a CSR matrix, or ids repeat or do not fit.

    Examples
    --------
    >>> from limitlab import RelevanceMatrix
    >>> A = RelevanceMatrix.from_qrels({"q1": {"a": 1, "b": 1}, "q2": {"b": 2}})
    >>> A.n_queries, A.n_docs, A.n_relevant
    (2, 2, 3)
    """

    __slots__ = ("_cache", "doc_ids", "grades", "indices", "indptr", "query_ids")

    query_ids: Sequence[str]
    doc_ids: Sequence[str]
    indptr: np.ndarray
    indices: np.ndarray
    grades: np.ndarray
    _cache: dict[str, Any]

    def __init__(
        self,
        indptr: np.ndarray,
        indices: np.ndarray,
        grades: np.ndarray | None = None,
        *,
        query_ids: Sequence[str] | None = None,
        doc_ids: Sequence[str] | None = None,
        n_docs: int | None = None,
    ) -> None:
        who = "RelevanceMatrix()"
        indptr = _whole_array(who, "indptr", indptr, np.int64)
        indices = _whole_array(who, "indices", indices, np.int32)
        grades = np.ones(indices.size, np.int32) if grades is None else _whole_array(who, "grades", grades, np.int32)
        if indptr.ndim != 1 or indptr.size < 1 or indptr[0] != 0 or indptr[-1] != indices.size or (np.diff(indptr) < 0).any():
            raise ShapeError(
                f"{who}: indptr must ascend from 0 to the number of entries; got {indptr.size} values, {indices.size} entries."
            )
        if grades.shape != indices.shape:
            raise ShapeError(f"{who}: grades must have one value per entry; got {grades.size} for {indices.size} entries.")
        columns = n_docs if n_docs is not None else (len(doc_ids) if doc_ids is not None else int(indices.max(initial=-1)) + 1)
        if indices.size and (indices.min() < 0 or indices.max() >= columns):
            raise ShapeError(f"{who}: columns must be in [0, {columns}); got {int(indices.min())} to {int(indices.max())}.")
        inside = np.ones(indices.size, bool)
        inside[indptr[:-1][np.diff(indptr) > 0]] = False
        if (np.diff(indices, prepend=-1)[inside] <= 0).any():
            raise ShapeError(f"{who}: the columns of a row must ascend and not repeat.")
        for array in (indptr, indices, grades):
            array.setflags(write=False)
        values = {
            "query_ids": _ids(who, "query_ids", query_ids, indptr.size - 1),
            "doc_ids": _ids(who, "doc_ids", doc_ids, columns),
            "indptr": indptr,
            "indices": indices,
            "grades": grades,
            "_cache": {},
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"RelevanceMatrix is immutable; {name} cannot be set")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as it was made, so that what comes back is checked and immutable too."""
        return _remade, (self.indptr, self.indices, self.grades, self.query_ids, self.doc_ids)

    # -- building ------------------------------------------------------------------------------------------------

    @classmethod
    def from_qrels(
        cls,
        qrels: Mapping[str, Mapping[str, int]],
        *,
        query_ids: Sequence[str] | None = None,
        doc_ids: Sequence[str] | None = None,
    ) -> RelevanceMatrix:
        """From ``{query id: {document id: grade}}``.

        ``query_ids`` and ``doc_ids`` fix the order and the extent; by default both follow the qrels' own order.

        Raises
        ------
        DataError
            The qrels name ids that are not in ``query_ids`` or ``doc_ids``, or a grade is not a whole number.
        """
        triples = ((q, d, g) for q, row in qrels.items() for d, g in row.items())
        if query_ids is None:
            query_ids = list(qrels)
        return cls.from_triples(triples, query_ids=query_ids, doc_ids=doc_ids)

    @classmethod
    def from_triples(
        cls,
        triples: Iterable[tuple[str, str, int]],
        *,
        query_ids: Sequence[str] | None = None,
        doc_ids: Sequence[str] | None = None,
    ) -> RelevanceMatrix:
        """From (query id, document id, grade) in any order. A pair given twice is refused."""
        rows = {q: i for i, q in enumerate(query_ids)} if query_ids is not None else {}
        columns = {d: j for j, d in enumerate(doc_ids)} if doc_ids is not None else {}
        r: list[int] = []
        c: list[int] = []
        g: list[int] = []
        for q, d, grade in triples:
            i = rows.get(q) if query_ids is not None else rows.setdefault(q, len(rows))
            j = columns.get(d) if doc_ids is not None else columns.setdefault(d, len(columns))
            if i is None or j is None:
                raise DataError(f"qrels: every id must be known; query {q!r} or document {d!r} is not.")
            if not isinstance(grade, (int, float, np.integer, np.floating)) or not np.isfinite(grade) or grade != int(grade):
                raise DataError(f"qrels: grades must be whole numbers; query {q!r}, document {d!r} has {grade!r}.")
            r.append(i)
            c.append(j)
            g.append(int(grade))
        query_ids = list(rows) if query_ids is None else query_ids
        doc_ids = list(columns) if doc_ids is None else doc_ids
        return cls.from_pairs(
            np.asarray(r, np.int64), np.asarray(c, np.int64), np.asarray(g, np.int64), query_ids=query_ids, doc_ids=doc_ids
        )

    @classmethod
    def from_pairs(
        cls, rows: np.ndarray, columns: np.ndarray, grades: np.ndarray | None = None, *, query_ids: Sequence[str], doc_ids: Sequence[str]
    ) -> RelevanceMatrix:
        """From parallel arrays of row numbers, column numbers and grades, in any order."""
        grades = np.ones(rows.size, np.int64) if grades is None else grades
        if rows.size and not (0 <= rows.min() <= rows.max() < len(query_ids)):
            raise ShapeError(f"RelevanceMatrix: rows must be in [0, {len(query_ids)}); got {rows.min()} to {rows.max()}.")
        order = np.lexsort((columns, rows))
        rows, columns, grades = rows[order], columns[order], grades[order]
        twice = np.flatnonzero((np.diff(rows) == 0) & (np.diff(columns) == 0))
        if twice.size:
            pairs = first_examples([(query_ids[int(rows[t])], doc_ids[int(columns[t])]) for t in twice[:4]])
            raise DataError(f"qrels: a (query, document) pair must be judged once; {twice.size} pairs are repeated: {pairs}.")
        indptr = np.zeros(len(query_ids) + 1, np.int64)
        np.cumsum(np.bincount(rows, minlength=len(query_ids)), out=indptr[1:])
        return cls(indptr, columns, grades, query_ids=query_ids, doc_ids=doc_ids)

    # -- reading -------------------------------------------------------------------------------------------------

    @property
    def n_queries(self) -> int:
        """Number of rows."""
        return self.indptr.size - 1

    @property
    def n_docs(self) -> int:
        """Number of columns."""
        return len(self.doc_ids)

    @property
    def shape(self) -> tuple[int, int]:
        """(n_queries, n_docs)."""
        return self.n_queries, self.n_docs

    @property
    def n_judged(self) -> int:
        """Number of entries, relevant or not."""
        return self.indices.size

    @property
    def n_relevant(self) -> int:
        """Number of entries with a positive grade."""
        return int((self.grades > 0).sum())

    def binary(self, min_relevance: int = 1) -> RelevanceMatrix:
        """The same rows and columns with only the entries of grade >= ``min_relevance``, all graded 1."""
        if min_relevance < 1:
            raise RangeError.of("RelevanceMatrix.binary()", "min_relevance", ">= 1", min_relevance=min_relevance)
        keep = self.grades >= min_relevance
        indptr = np.concatenate([[0], np.cumsum(_row_sums(keep, self.indptr))])
        return RelevanceMatrix(indptr, self.indices[keep], None, query_ids=self.query_ids, doc_ids=self.doc_ids)

    def relevant_counts(self, min_relevance: int = 1) -> np.ndarray:
        """(n_queries,) int64: relevant documents of each query."""
        return _row_sums(self.grades >= min_relevance, self.indptr)

    def row(self, query: int) -> np.ndarray:
        """Columns of grade >= 1 of one row, ascending."""
        if not 0 <= query < self.n_queries:
            raise RangeError(f"RelevanceMatrix.row(): query must be in [0, {self.n_queries}); got {query}.")
        span = slice(self.indptr[query], self.indptr[query + 1])
        return self.indices[span][self.grades[span] > 0]

    def select(self, queries: np.ndarray | Sequence[int]) -> RelevanceMatrix:
        """The given rows in the given order, all columns kept."""
        rows = np.asarray(queries, np.int64)
        if rows.size and not (0 <= rows.min() <= rows.max() < self.n_queries):
            raise RangeError(f"RelevanceMatrix.select(): queries must be in [0, {self.n_queries}); got {rows.min()} to {rows.max()}.")
        counts = np.diff(self.indptr)[rows]
        take = np.concatenate([np.arange(self.indptr[i], self.indptr[i + 1]) for i in rows]) if rows.size else np.zeros(0, np.int64)
        return RelevanceMatrix(
            np.concatenate([[0], np.cumsum(counts)]),
            self.indices[take],
            self.grades[take],
            query_ids=[self.query_ids[int(i)] for i in rows],
            doc_ids=self.doc_ids,
        )

    def to_csr(self) -> sparse.csr_matrix:
        """A SciPy CSR matrix of grades (int32)."""
        return sparse.csr_matrix((self.grades.copy(), self.indices.copy(), self.indptr.copy()), shape=self.shape)

    def to_qrels(self) -> dict[str, dict[str, int]]:
        """``{query id: {document id: grade}}``."""
        out: dict[str, dict[str, int]] = {}
        for i, q in enumerate(self.query_ids):
            span = slice(self.indptr[i], self.indptr[i + 1])
            out[q] = {self.doc_ids[int(j)]: int(g) for j, g in zip(self.indices[span], self.grades[span])}
        return out

    def fingerprint(self) -> str:
        """16 hex digits of the content (ids, entries, grades); equal matrices have equal fingerprints."""
        if "fingerprint" not in self._cache:
            digest = hashlib.sha256()
            for array in (self.indptr, self.indices, self.grades):
                digest.update(np.ascontiguousarray(array).tobytes())
            for ids in (self.query_ids, self.doc_ids):
                for name in ids:  # with its length, or ids that hold a separator could be cut elsewhere
                    raw = name.encode("utf-8", "surrogatepass")
                    digest.update(b"%d:" % len(raw) + raw)
                digest.update(b";")
            self._cache["fingerprint"] = digest.hexdigest()[:16]
        return self._cache["fingerprint"]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RelevanceMatrix) and self.shape == other.shape and self.fingerprint() == other.fingerprint()

    def __hash__(self) -> int:
        return hash(self.fingerprint())

    def __repr__(self) -> str:
        return f"RelevanceMatrix(n_queries={self.n_queries}, n_docs={self.n_docs}, n_relevant={self.n_relevant})"


class _NumberIds(Sequence[str]):
    """Ids "0", "1", ... without holding them."""

    def __init__(self, count: int, prefix: str = "") -> None:
        self._count, self._prefix = count, prefix

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, position: Any) -> Any:
        if isinstance(position, slice):
            return [f"{self._prefix}{i}" for i in range(*position.indices(self._count))]
        if not -self._count <= position < self._count:
            raise IndexError(position)
        return f"{self._prefix}{position % self._count}"


def _remade(
    indptr: np.ndarray, indices: np.ndarray, grades: np.ndarray, query_ids: Sequence[str], doc_ids: Sequence[str]
) -> RelevanceMatrix:
    return RelevanceMatrix(indptr, indices, grades, query_ids=query_ids, doc_ids=doc_ids)


def _ids(who: str, name: str, ids: Sequence[str] | None, count: int) -> Sequence[str]:
    if ids is None:
        return _NumberIds(count)
    if len(ids) != count:
        raise ShapeError(f"{who}: {name} must have one id per position; got {len(ids)} ids for {count}.")
    if not isinstance(ids, _NumberIds) and len(set(ids)) != count:
        seen: set[str] = set()
        twice = [i for i in ids if i in seen or seen.add(i)]  # type: ignore[func-returns-value]
        raise ShapeError(f"{who}: {name} must be distinct; {len(twice)} repeat: {first_examples(twice)}.")
    if isinstance(ids, range):
        return _NumberIds(count) if ids == range(count) else tuple(map(str, ids))
    return ids if isinstance(ids, (_NumberIds, tuple)) else tuple(ids)


def _whole_array(who: str, name: str, values: Any, kind: type) -> np.ndarray:
    """A copy as whole numbers of this kind; fractions and numbers that do not fit are refused, not cut."""
    given = np.asarray(values)
    with np.errstate(invalid="ignore"):
        out: np.ndarray = np.array(given, dtype=kind)
    if given.size and not np.array_equal(out, given):
        raise ShapeError(f"{who}: {name} must be whole numbers that fit {np.dtype(kind).name}; got {given.dtype} values that are not.")
    return out


def _row_sums(mask: np.ndarray, indptr: np.ndarray) -> np.ndarray:
    total = np.concatenate([[0], np.cumsum(mask, dtype=np.int64)])
    return total[indptr[1:]] - total[indptr[:-1]]
