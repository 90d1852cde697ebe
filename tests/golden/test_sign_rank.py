"""Known sign ranks and margins, each with its source."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.linalg import hadamard

from limitlab.relevance import RelevanceMatrix
from limitlab.theory import bounds, dim_lower_packing, gap_upper_global
from limitlab.theory.gap_ceilings import gap_upper_global_dual
from limitlab.theory.matrix import Clock
from limitlab.theory.spectral import sign_rank_lower_forster, sign_rank_lower_forster_simon, sign_rank_lower_forster_weighted


def matrix(rows) -> RelevanceMatrix:
    rows = np.asarray(rows, bool)
    return RelevanceMatrix.from_pairs(
        *np.nonzero(rows), query_ids=[str(i) for i in range(len(rows))], doc_ids=[str(j) for j in range(rows.shape[1])]
    )


def projective_plane(q: int) -> np.ndarray:
    """Point-line incidence of the plane over the field of q elements, q prime."""
    points = [v for v in np.ndindex(q, q, q) if next((x for x in v if x), None) == 1]
    return (np.array(points) @ np.array(points).T) % q == 0


# LIMIT paper version 2, the table of Theorem 1 at half-gap 0.1, read from a quotation (finisky.github.io/en/embedding-retrieval-limits).
TABLE_1 = {
    10**3: {2: 6, 10: 23, 100: 135},
    10**5: {2: 10, 10: 42, 100: 329, 1000: 2334},
    10**7: {2: 14, 10: 61, 100: 521, 1000: 4257},
    10**9: {2: 17, 10: 81, 100: 713, 1000: 6177},
}


@pytest.mark.parametrize(("n", "k", "dim"), [(n, k, d) for n, row in TABLE_1.items() for k, d in row.items()])
def test_table_of_the_limit_paper_cell_by_cell(n, k, dim):
    assert dim_lower_packing(n, k, gap=0.2) == dim


@pytest.mark.parametrize(
    ("n", "dims"),
    [(46, (6, 3, 2, 2, 1)), (100, (7, 4, 2, 2, 1)), (1_000, (10, 6, 3, 2, 2)), (50_000, (16, 9, 5, 4, 2)), (10**6, (21, 12, 6, 4, 3)),
     (10**9, (31, 17, 9, 6, 4))],
)  # fmt: skip
def test_packing_values_at_other_margins(n, dims):
    assert tuple(dim_lower_packing(n, 2, gap=2 * w) for w in (0.3536, 0.1, 0.01, 1e-3, 1e-5)) == dims


@pytest.mark.parametrize(("n", "rank"), [(2, 1), (3, 2), (4, 3), (8, 3), (40, 3)])
def test_signed_identity_has_sign_rank_three(n, rank):
    """2 I - J: points on a circle, each cut off by a line (Paturi and Simon: at most 3); below n = 4 fewer suffice."""
    assert bounds(matrix(np.eye(n)), seconds=3).exact("sign_rank") == rank


@pytest.mark.parametrize("n", [4, 8, 16, 32])
def test_hadamard_matrices_have_sign_rank_at_least_sqrt_n(n):
    """Forster 2002, corollary: |H| = sqrt(n)."""
    signs = hadamard(n) > 0
    assert sign_rank_lower_forster(signs) == pytest.approx(math.sqrt(n), rel=1e-9)
    assert sign_rank_lower_forster_simon(signs) == math.ceil(math.sqrt(n))
    assert bounds(matrix(signs), seconds=3).lower("sign_rank").value >= math.ceil(math.sqrt(n))


@pytest.mark.parametrize("q", [2, 3, 5, 7, 11])
def test_projective_planes_have_sign_rank_at_least_degree_over_eigenvalue(q):
    """Alon, Moran, Yehudayoff 2016: Delta / lambda = (q + 1) / sqrt(q), which needs J other than the sign matrix from q = 5 on."""
    value, _ = sign_rank_lower_forster_weighted(projective_plane(q), Clock(5))
    assert value >= math.ceil((q + 1) / math.sqrt(q))


def test_the_triangle_matrix_has_sign_rank_two():
    """Half intervals: one dimension with thresholds."""
    table = bounds(matrix(np.tri(12, 13)[:, 1:]), seconds=2)
    assert table.exact("sign_rank") == 2 and table.exact("dim") == 1


@pytest.mark.parametrize("n", [2, 3, 5, 20, 300])
def test_optimal_margin_of_singletons(n):
    """n / (3 n - 4): Forster, Schmitt, Simon and Suttorp, Estimating the optimal margins of embeddings in Euclidean half spaces (2003)."""
    assert gap_upper_global(n, 1) / 2 == pytest.approx(n / (3 * n - 4), rel=1e-13)
    if n <= 20:
        assert gap_upper_global_dual(np.eye(n, dtype=bool)) / 2 == pytest.approx(n / (3 * n - 4), rel=1e-9)


@pytest.mark.parametrize(
    ("n", "k", "row_wise", "one"),
    [(5, 2, 0.51031, 0.46305), (6, 2, 0.47434, 0.40958), (7, 2, 0.45185, 0.37854), (6, 1, 0.6, 0.42857), (7, 3, 0.41248, 0.38953)],
)
def test_margins_agree_with_semidefinite_programs(n, k, row_wise, one):
    """Half gaps solved as SDPs (theory notes, sections 4.1 and 4.2)."""
    table = bounds(n_docs=n, k=k)
    assert table.exact("gap_row_wise") / 2 == pytest.approx(row_wise, abs=5e-6)
    assert table.exact("gap_global") / 2 == pytest.approx(one, abs=5e-6)
