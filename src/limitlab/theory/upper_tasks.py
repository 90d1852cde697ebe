"""Upper bounds of one matrix: curves, simplex, orders of few changes, rank."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from limitlab.theory.bound import Bound
from limitlab.theory.counting import count_text
from limitlab.theory.crossings import Changes
from limitlab.theory.exact_dimension import dim_exact_subsets, sign_rank_exact_subsets
from limitlab.theory.matrix import Clock
from limitlab.theory.matrix_rank import rank_upper
from limitlab.theory.matrix_work import MatrixWork
from limitlab.theory.moment_curve import MAX_PRODUCTS, moment_curve
from limitlab.theory.tasks import Found, Task

_RANK_CELLS = 1_000_000


def exact_bounds(work: MatrixWork) -> list[Bound]:
    """The closed forms where the matrix is all k-subsets; nothing otherwise."""
    k, n = work.all_subsets, work.part.n_cols
    if k is None:
        return []
    note = f"the {count_text(n, k)} distinct rows are all {k}-subsets of {n:,} distinct columns"
    found = [dim_exact_subsets(n, k), dim_exact_subsets(n, k, norm="unit")]
    if not work.full.has_constant_rows:
        found.append(sign_rank_exact_subsets(n, k))
    return [b.with_note(note) for b in found]


def quick_upper(work: MatrixWork) -> list[Task]:
    """What follows from the sizes alone."""
    cited = ("Wang2026", "AlonFranklRodl1985", "Grivas2024")
    most = int(work.part.sizes.max(initial=0))
    smaller = f"at most {work.half:,} documents are on the smaller side of a query"
    relevant = f"at most {most:,} documents are relevant to a query that has others"
    columns, rows = work.part.n_cols, work.part.n_row_pairs
    simplex = f"{columns:,} distinct documents"
    curve, arc = "the documents in any order on the trigonometric moment curve", "documents on a short arc of the trigonometric curve"

    def known(quantity: str, name: str, given: str, source: tuple[str, ...], value: int, note: str) -> Task:
        return Task(quantity, "upper", "construction", name, given, source, lambda _: (value, note), instant=True)

    out = [
        known("dim", "dim_upper_curve", curve, cited, 2 * work.half, smaller),
        known("dim_cosine", "dim_cosine_upper_curve", curve, cited, 2 * work.half, smaller),
    ]
    if work.half:
        seen = "the curve seen from one more point of it"
        out += [
            known("global_threshold_rank", "global_threshold_rank_upper_curve", arc, cited, 2 * most, relevant),
            known("dim_euclidean", "dim_euclidean_upper_curve", seen, cited, 2 * most - 1, relevant),
            known("dim", "dim_upper_simplex", "a regular simplex", ("Wang2026",), columns - 1, simplex),
            known("dim_cosine", "dim_cosine_upper_simplex", "a regular simplex", ("Wang2026",), columns - 1, simplex),
        ]
    opposite = f"{rows:,} distinct queries, opposite ones counted once"
    return [*out, known("dim", "dim_upper_rows", "one coordinate a query", (), rows, opposite)]


def order_upper(work: MatrixWork) -> list[Task]:
    """What an order of few changes gives; it is looked for once."""
    trig = "documents in the order found, on the trigonometric curve"

    def counted(value: Callable[[Changes], int], what: Callable[[Changes], str]) -> Callable[[Clock], Found]:
        def run(clock: Clock) -> Found:
            _, name, found = work.order(clock)
            return value(found), f"{name}: at most {what(found)}, counted exactly"

        return run

    def changes(clock: Clock) -> Found:
        order, name, found = work.order(clock)
        shown = _shown(work, order, found)
        told = f"{name}: at most {found.changes} changes in a row; {shown or 'the vectors did not check'}"
        return (found.changes if shown else None), told

    def task(quantity: str, name: str, given: str, run: Callable[[Clock], Found]) -> Task:
        return Task(quantity, "upper", "construction", name, given, ("AlonMoranYehudayoff2016",), run, 0.25)

    circular = counted(lambda c: c.circular, lambda c: f"{c.circular} changes in a row around the circle")
    runs = counted(lambda c: 2 * c.runs, lambda c: f"{c.runs} runs of relevant documents in a row")
    nearest = counted(lambda c: 2 * c.runs - 1, lambda c: f"{c.runs} runs of relevant documents in a row")
    tasks = [
        task("dim", "dim_upper_order", "documents in the order found, on the moment curve", changes),
        task("dim_cosine", "dim_cosine_upper_order", trig, circular),
    ]
    if work.half:
        tasks += [
            task("global_threshold_rank", "global_threshold_rank_upper_order", trig, runs),
            task("dim_euclidean", "dim_euclidean_upper_order", trig, nearest),
        ]
    return tasks


def rank_tasks(work: MatrixWork) -> list[Task]:
    """The matrix itself as scores."""

    def proved(matrix: np.ndarray, less: int, what: str, clock: Clock) -> Found:
        rank = rank_upper(matrix, clock)
        return (None, "elimination took longer than its time") if rank is None else (rank - less, f"{what}, proved modulo primes")

    def affine(clock: Clock) -> Found:
        m = work.part
        if m.n_rows * m.n_cols > _RANK_CELLS:
            return None, f"{m.n_rows:,} x {m.n_cols:,} is too large for exact elimination"
        ones = np.ones((1, m.n_cols), np.int8)
        return proved(np.vstack([m.dense().astype(np.int8), ones]), 1, "relevance itself as score", clock)

    def signs(clock: Clock) -> Found:
        m = work.full
        if m.n_rows * m.n_cols > _RANK_CELLS:
            return None, f"{m.n_rows:,} x {m.n_cols:,} is too large for exact elimination"
        return proved(np.where(m.dense(), 1, -1), 0, "the sign matrix itself as score", clock)

    columns, scores, cited = "the columns of the matrix as documents", "the sign matrix as scores", ("Weller2025",)
    return [
        Task("dim", "upper", "construction", "dim_upper_rank", columns, cited, affine, 0.4),
        Task("sign_rank", "upper", "construction", "sign_rank_upper_rank", scores, cited, signs, 0.4),
    ]


def _shown(work: MatrixWork, order: np.ndarray, found: Changes) -> str:
    """How the order was checked; empty where its vectors do not show the matrix."""
    if work.part.n_rows * work.part.n_cols * found.changes > MAX_PRODUCTS:
        return "counted exactly, vectors not expanded"
    return "vectors made and checked in whole numbers" if moment_curve(work.part, order).shows(work.part) else ""
