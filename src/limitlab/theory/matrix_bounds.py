"""Every bound that is computed for a given relevance matrix, quick ones first."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

from limitlab.theory.bound import Bound
from limitlab.theory.counting import count_text
from limitlab.theory.crossings import Changes, best_order, changes_of
from limitlab.theory.dichotomies import dim_lower_cover, sign_rank_lower_cover, sign_rank_typical_warren
from limitlab.theory.exact_dimension import dim_exact_subsets, sign_rank_exact_subsets
from limitlab.theory.matrix import Clock, SignMatrix
from limitlab.theory.matrix_rank import rank_upper
from limitlab.theory.moment_curve import MAX_PRODUCTS, moment_curve
from limitlab.theory.spectral import sign_rank_lower_forster, sign_rank_lower_forster_simon, sign_rank_lower_forster_weighted
from limitlab.theory.tasks import Found, Task
from limitlab.theory.trace_bounds import trace_bound
from limitlab.theory.traces import LARGEST, holds

_CORE = 300
_RANK_CELLS = 1_000_000
_ANY = "any documents and queries, in real arithmetic"


class MatrixBounds:
    """The tasks of one matrix; what several of them need is computed once.

    Parameters
    ----------
    matrix
        Distinct rows and columns; constant rows count for threshold 0 and for one threshold, not for a threshold of every query.
    """

    def __init__(self, matrix: SignMatrix) -> None:
        self.full = matrix
        self.part = matrix.varying
        self._order: tuple[np.ndarray, str, Changes] | None = None

    @cached_property
    def all_subsets(self) -> int | None:
        """k where the rows that vary are all k-subsets of the columns."""
        sizes = np.unique(self.part.sizes)
        if sizes.size != 1:
            return None
        k = int(sizes[0])
        return k if self.part.n_cols <= self.part.n_rows and math.comb(self.part.n_cols, k) == self.part.n_rows else None

    def exact(self) -> list[Bound]:
        """The closed forms where the matrix is all k-subsets."""
        k, n = self.all_subsets, self.part.n_cols
        if k is None:
            return []
        note = f"the {count_text(n, k)} distinct rows are all {k}-subsets of {n:,} distinct columns"
        found = [dim_exact_subsets(n, k), dim_exact_subsets(n, k, norm="unit")]
        found += [] if self.full.has_constant_rows else [sign_rank_exact_subsets(n, k)]
        return [Bound(**{**b.to_dict(), "citation": b.citation, "note": note}) for b in found]

    def tasks(self) -> list[Task]:
        """In the order in which they are to be done."""
        return [*self._trivial(), *self._counting(), *self._curves(), *self._traces(), *self._spectral(), *self._ranks()]

    # -- upper bounds ----------------------------------------------------------------------------------------------

    def _trivial(self) -> list[Task]:
        half = int(self.part.half_sizes.max(initial=0))
        most = int(self.part.sizes.max(initial=0))
        curve = ("Wang2026", "AlonFranklRodl1985", "Grivas2024")
        given = "the documents in any order on the trigonometric moment curve"

        def constant(value: int, note: str):  # type: ignore[no-untyped-def]
            return lambda _: (value, note)

        sizes = f"at most {half:,} documents are on the smaller side of a query"
        out = [
            Task("dim", "upper", "construction", "dim_upper_curve", given, curve, constant(2 * half, sizes), instant=True),
            Task("dim_cosine", "upper", "construction", "dim_cosine_upper_curve", given, curve, constant(2 * half, sizes), instant=True),
        ]
        if half:
            runs = f"at most {most:,} documents are relevant to a query that has others"
            out += [
                Task("global_threshold_rank", "upper", "construction", "global_threshold_rank_upper_curve",
                     "documents on a short arc of the trigonometric curve", curve, constant(2 * most, runs), instant=True),
                Task("dim_euclidean", "upper", "construction", "dim_euclidean_upper_curve",
                     "the curve seen from one more point of it", curve, constant(2 * most - 1, runs), instant=True),
            ]  # fmt: skip
        columns, rows = self.part.n_cols, self.part.n_row_pairs if self.part.n_rows else 0
        simplex = f"{columns:,} distinct documents"
        return [
            *out,
            Task("dim", "upper", "construction", "dim_upper_simplex", "a regular simplex", ("Wang2026",),
                 constant(columns - 1 if half else 0, simplex), instant=True),
            Task("dim_cosine", "upper", "construction", "dim_cosine_upper_simplex", "a regular simplex", ("Wang2026",),
                 constant(columns - 1 if half else 0, simplex), instant=True),
            Task("dim", "upper", "construction", "dim_upper_rows", "one coordinate a query", (),
                 constant(rows, f"{rows:,} distinct queries, opposite ones counted once"), instant=True),
        ]  # fmt: skip

    def order(self, clock: Clock) -> tuple[np.ndarray, str, Changes]:
        """The best order found and its changes, over the rows that vary."""
        if self._order is None:
            order, name = best_order(self.part, clock)
            self._order = order, name, changes_of(self.part, order)
        return self._order

    def _curves(self) -> list[Task]:
        given = "documents in the order found, on the moment curve"
        cited = ("AlonMoranYehudayoff2016",)

        def changes(clock: Clock) -> Found:
            order, name, found = self.order(clock)
            shown = self._shown(order, found)
            told = f"{name}: at most {found.changes} changes in a row; {shown or 'the vectors did not check'}"
            return (found.changes if shown else None), told

        def circular(clock: Clock) -> Found:
            _, name, found = self.order(clock)
            return found.circular, f"{name}: at most {found.circular} changes in a row around the circle, counted exactly"

        def runs(clock: Clock) -> Found:
            _, name, found = self.order(clock)
            return 2 * max(1, found.runs), f"{name}: at most {found.runs} runs of relevant documents in a row, counted exactly"

        def euclidean(clock: Clock) -> Found:
            _, name, found = self.order(clock)
            return max(0, 2 * found.runs - 1), f"{name}: at most {found.runs} runs of relevant documents in a row, counted exactly"

        trig = "documents in the order found, on the trigonometric curve"
        tasks = [
            Task("dim", "upper", "construction", "dim_upper_order", given, cited, changes, 0.25),
            Task("dim_cosine", "upper", "construction", "dim_cosine_upper_order", trig, cited, circular, 0.25),
        ]
        if self.part.n_rows:
            tasks += [
                Task("global_threshold_rank", "upper", "construction", "global_threshold_rank_upper_order", trig, cited, runs, 0.25),
                Task("dim_euclidean", "upper", "construction", "dim_euclidean_upper_order", trig, cited, euclidean, 0.25),
            ]
        return tasks

    def _shown(self, order: np.ndarray, found: Changes) -> str:
        """How the order was checked; empty where its vectors do not show the matrix."""
        size = self.part.n_rows * self.part.n_cols * found.changes
        if size > MAX_PRODUCTS:
            return "counted exactly, vectors not expanded"
        return "vectors made and checked in whole numbers" if moment_curve(self.part, order).shows(self.part) else ""

    # -- lower bounds ----------------------------------------------------------------------------------------------

    def _counting(self) -> list[Task]:
        pairs, columns = self.part.n_row_pairs if self.part.n_rows else 0, self.part.n_cols
        wanted = pairs + (1 if self.full.has_constant_rows else 0)
        turned = self.full.n_col_pairs

        def cover(_: Clock) -> Found:
            best = dim_lower_cover(pairs, columns), f"{pairs:,} divisions of all {columns:,} documents"
            for divisions, _empty, points in self._part_counts:
                value = dim_lower_cover(divisions, points)
                if value > best[0]:
                    best = value, f"{divisions:,} divisions of the {points:,} documents that queries divide most"
            return best

        def cover_queries(_: Clock) -> Found:
            counts = [
                (sign_rank_lower_cover(max(1, wanted), columns), "all documents"),
                (sign_rank_lower_cover(max(1, turned), self.full.n_rows), "all queries"),
                *(
                    (sign_rank_lower_cover(max(1, d + e), m), f"the {m:,} documents that queries divide most")
                    for d, e, m in self._part_counts
                ),
            ]
            value, what = max(counts, key=lambda c: c[0])
            return value, f"the most demanding count divides {what}"

        def warren(_: Clock) -> Found:
            return sign_rank_typical_warren(self.full.n_rows, columns), f"random {self.full.n_rows:,} x {columns:,} sign matrices"

        return [
            Task("dim", "lower", "theorem", "dim_lower_cover", _ANY, ("Cover1965",), cover, instant=True),
            Task("sign_rank", "lower", "theorem", "sign_rank_lower_cover", _ANY, ("Cover1965",), cover_queries, instant=True),
            Task("sign_rank_typical", "lower", "theorem", "sign_rank_typical_warren", "a matrix drawn uniformly; all but one in a million",
                 ("Warren1968", "AlonFranklRodl1985"), warren, instant=True),
        ]  # fmt: skip

    @cached_property
    def _part_counts(self) -> list[tuple[int, int, int]]:
        """Of the 4, 8, ..., 64 most divided documents: divisions that occur, whether the empty one does, documents."""
        balance = np.minimum(self.full.degrees, self.full.n_rows - self.full.degrees)
        order = np.argsort(-balance, kind="stable")[:64]
        block = self.full.rows[:, order].toarray().astype(np.uint64)
        out = []
        for m in (4, 8, 16, 32, 64):
            if m < self.full.n_cols:
                codes = block[:, :m] @ (np.uint64(1) << np.arange(m, dtype=np.uint64))
                full = np.uint64((1 << m) - 1)
                kinds = np.unique(np.minimum(codes, full ^ codes))
                empty = int(kinds[0] == 0)
                out.append((kinds.size - empty, empty, m))
        return out

    def _traces(self) -> list[Task]:
        upper = [2 * int(self.part.half_sizes.max(initial=0)), self.part.n_cols - 1]
        if self._order is not None:
            upper.append(self._order[2].changes)
        at_most = min(LARGEST, max(0, min(upper)) + 1)

        def traces(kind: str, turned: bool, less: int):  # type: ignore[no-untyped-def]
            matrix = self.part if kind == "affine" else self.full
            rows = matrix.rows.T.tocsr() if turned else matrix.rows

            def run(clock: Clock) -> Found:
                most = at_most if self._order is None else min(at_most, self._order[2].changes + 1)
                found, complete = trace_bound(rows, kind, clock, at_most=most)
                if not holds(rows[:, list(found)].toarray().astype(bool), kind):
                    return None, "the set found did not pass its check"
                names = "" if turned else f" ({', '.join(matrix.doc_ids[c] for c in found[:8])}{', ...' if len(found) > 8 else ''})"
                end = "no larger one would say more" if complete and len(found) < LARGEST else "the search was not complete"
                return max(0, len(found) - less), f"{len(found)} {'queries' if turned else 'documents'}{names}; {end}"

            return run

        radon, shattered = ("Radon1921", "Wang2026"), ("AlonMoranYehudayoff2016",)
        return [
            Task("dim", "lower", "theorem", "dim_lower_radon", _ANY, radon, traces("affine", False, 1), 0.2),
            Task("sign_rank", "lower", "theorem", "sign_rank_lower_radon", _ANY, radon, traces("linear", False, 0), 0.2),
            Task("sign_rank", "lower", "theorem", "sign_rank_lower_radon_queries", _ANY, radon, traces("linear", True, 0), 0.1),
            Task("sign_rank", "lower", "theorem", "sign_rank_lower_vc", _ANY, shattered, traces("shattered", False, 0), 0.1),
        ]

    @cached_property
    def core(self) -> np.ndarray:
        """The part that the spectral bounds look at: all of a small matrix."""
        if self.part.n_rows <= 4 * _CORE and self.part.n_cols <= _CORE:
            return self.part.dense()
        return self.part.core(_CORE)

    def on_core(self) -> str:
        """Which part of the matrix ``core`` is, in words."""
        whole = self.core.shape == (self.part.n_rows, self.part.n_cols)
        size = f"{self.core.shape[0]:,} queries x {self.core.shape[1]:,} documents"
        return f"all {size}" if whole else f"a part of {size}"

    def _spectral(self) -> list[Task]:
        def forster(_: Clock) -> Found:
            if not self.core.size:
                return 1, "no query divides the documents"
            value = sign_rank_lower_forster(self.core)
            return math.ceil(value), f"sqrt(N n) / |M| >= {value:.4f} on {self.on_core()}"

        def simon(_: Clock) -> Found:
            return (sign_rank_lower_forster_simon(self.core), self.on_core()) if self.core.size else (1, "no query divides the documents")

        def weighted(clock: Clock) -> Found:
            if not self.core.size:
                return 1, "no query divides the documents"
            value, how = sign_rank_lower_forster_weighted(self.core, clock)
            return value, f"{how}; {self.on_core()}"

        return [
            Task("sign_rank", "lower", "theorem", "sign_rank_lower_forster", _ANY, ("Forster2002",), forster),
            Task("sign_rank", "lower", "theorem", "sign_rank_lower_forster_simon", _ANY, ("ForsterSimon2006",), simon),
            Task(
                "sign_rank",
                "lower",
                "theorem",
                "sign_rank_lower_forster_weighted",
                _ANY,
                ("Forster2002", "ForsterSimon2006"),
                weighted,
                0.3,
            ),
        ]

    def _ranks(self) -> list[Task]:
        def affine(clock: Clock) -> Found:
            if self.part.n_rows * self.part.n_cols > _RANK_CELLS:
                return None, f"{self.part.n_rows:,} x {self.part.n_cols:,} is too large for exact elimination"
            dense = self.part.dense().astype(np.int8)
            rank = rank_upper(np.vstack([dense, np.ones((1, self.part.n_cols), np.int8)]), clock)
            return (
                (None, "elimination took longer than its time")
                if rank is None
                else (rank - 1, "relevance itself as score, proved modulo primes")
            )

        def signs(clock: Clock) -> Found:
            if self.full.n_rows * self.full.n_cols > _RANK_CELLS:
                return None, f"{self.full.n_rows:,} x {self.full.n_cols:,} is too large for exact elimination"
            rank = rank_upper(np.where(self.full.dense(), 1, -1), clock)
            return (
                (None, "elimination took longer than its time")
                if rank is None
                else (rank, "the sign matrix itself as score, proved modulo primes")
            )

        return [
            Task("dim", "upper", "construction", "dim_upper_rank", "the columns of the matrix as documents", ("Weller2025",), affine, 0.4),
            Task("sign_rank", "upper", "construction", "sign_rank_upper_rank", "the sign matrix as scores", ("Weller2025",), signs, 0.4),
        ]
