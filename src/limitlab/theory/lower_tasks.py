"""Lower bounds of one matrix: counting, traces, singular values."""

from __future__ import annotations

import math
from collections.abc import Callable

from limitlab.theory.dichotomies import dim_lower_cover, sign_rank_lower_cover, sign_rank_typical_warren
from limitlab.theory.matrix import Clock
from limitlab.theory.matrix_work import MatrixWork
from limitlab.theory.spectral import sign_rank_lower_forster, sign_rank_lower_forster_simon, sign_rank_lower_forster_weighted
from limitlab.theory.tasks import Found, Task
from limitlab.theory.trace_bounds import trace_bound
from limitlab.theory.traces import LARGEST, holds

_ANY = "any documents and queries, in real arithmetic"


def counting_lower(work: MatrixWork) -> list[Task]:
    """What the number of distinct rows and columns demands."""
    pairs, columns = work.part.n_row_pairs, work.part.n_cols

    def cover(_: Clock) -> Found:
        best = dim_lower_cover(pairs, columns), f"{pairs:,} divisions of all {columns:,} documents"
        for divisions, _empty, points in work.part_counts:
            value = dim_lower_cover(divisions, points)
            if value > best[0]:
                best = value, f"{divisions:,} divisions of the {points:,} documents that queries divide most"
        return best

    def cover_both(_: Clock) -> Found:
        wanted = max(1, pairs + (1 if work.full.has_constant_rows else 0))
        counts = [
            (sign_rank_lower_cover(wanted, columns), "all documents"),
            (sign_rank_lower_cover(max(1, work.full.n_col_pairs), work.full.n_rows), "all queries"),
        ]
        for divisions, empty, m in work.part_counts:
            counts.append((sign_rank_lower_cover(max(1, divisions + empty), m), f"the {m:,} documents that queries divide most"))
        value, what = max(counts, key=lambda c: c[0])
        return value, f"the most demanding count divides {what}"

    def warren(_: Clock) -> Found:
        return sign_rank_typical_warren(work.full.n_rows, columns), f"random {work.full.n_rows:,} x {columns:,} sign matrices"

    drawn, sources = "a matrix drawn uniformly; all but one in a million", ("Warren1968", "AlonFranklRodl1985")
    return [
        Task("dim", "lower", "theorem", "dim_lower_cover", _ANY, ("Cover1965",), cover, instant=True),
        Task("sign_rank", "lower", "theorem", "sign_rank_lower_cover", _ANY, ("Cover1965",), cover_both, instant=True),
        Task("sign_rank_typical", "lower", "theorem", "sign_rank_typical_warren", drawn, sources, warren, instant=True),
    ]


def trace_lower(work: MatrixWork) -> list[Task]:
    """Radon traces of documents and of queries, and the VC dimension."""

    def traces(kind: str, turned: bool, less: int) -> Callable[[Clock], Found]:
        matrix = work.part if kind == "affine" else work.full

        def run(clock: Clock) -> Found:
            rows = matrix.rows.T.tocsr() if turned else matrix.rows
            upper = [2 * work.half, max(0, work.part.n_cols - 1), *([] if work.changes is None else [work.changes])]
            found, complete = trace_bound(rows, kind, clock, at_most=min(LARGEST, min(upper) + 1))
            if not holds(rows[:, list(found)].toarray().astype(bool), kind):
                return None, "the set found did not pass its check"
            names = "" if turned else f" ({', '.join(matrix.doc_ids[c] for c in found[:8])}{', ...' if len(found) > 8 else ''})"
            end = "no larger one would say more" if complete and len(found) < LARGEST else "the search was not complete"
            return max(0, len(found) - less), f"{len(found)} {'queries' if turned else 'documents'}{names}; {end}"

        return run

    def task(quantity: str, name: str, source: tuple[str, ...], run: Callable[[Clock], Found], share: float) -> Task:
        return Task(quantity, "lower", "theorem", name, _ANY, source, run, share)

    radon, shattered = ("Radon1921", "Wang2026"), ("AlonMoranYehudayoff2016",)
    return [
        task("dim", "dim_lower_radon", radon, traces("affine", False, 1), 0.2),
        task("sign_rank", "sign_rank_lower_radon", radon, traces("linear", False, 0), 0.2),
        task("sign_rank", "sign_rank_lower_radon_queries", radon, traces("linear", True, 0), 0.1),
        task("sign_rank", "sign_rank_lower_vc", shattered, traces("shattered", False, 0), 0.1),
    ]


def spectral_lower(work: MatrixWork) -> list[Task]:
    """Forster's bound, Forster and Simon's, and the latter with weights that are searched for."""

    def forster(clock: Clock) -> Found:
        part = work.spectrum_part(clock)
        value = sign_rank_lower_forster(part)
        return math.ceil(value), f"sqrt(N n) / norm(M) >= {value:.4f} on {work.in_words(part)}"

    def simon(clock: Clock) -> Found:
        part = work.spectrum_part(clock)
        return sign_rank_lower_forster_simon(part), work.in_words(part)

    def weighted(clock: Clock) -> Found:
        value, how = sign_rank_lower_forster_weighted(work.core, clock)
        return value, f"{how}; {work.in_words(work.core)}"

    def task(name: str, source: tuple[str, ...], run: Callable[[Clock], Found]) -> Task:
        safe = run if work.half else lambda _: (1, "no query divides the documents")
        return Task("sign_rank", "lower", "theorem", name, _ANY, source, safe, 0.3)

    return [
        task("sign_rank_lower_forster", ("Forster2002",), forster),
        task("sign_rank_lower_forster_simon", ("ForsterSimon2006",), simon),
        task("sign_rank_lower_forster_weighted", ("Forster2002", "ForsterSimon2006"), weighted),
    ]
