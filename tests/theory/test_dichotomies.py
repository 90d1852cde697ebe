"""Counting divisions and sign matrices."""

from itertools import combinations

import numpy as np
import pytest

from limitlab._core.errors import RangeError
from limitlab.theory.dichotomies import dim_lower_cover, sign_rank_lower_cover, sign_rank_typical_warren


def test_divisions_of_points_on_a_line_and_in_the_plane():
    assert dim_lower_cover(0, 1) == 0
    assert dim_lower_cover(6, 7) == 1  # 7 points on a line: 6 gaps
    assert dim_lower_cover(7, 7) == 2
    assert dim_lower_cover(21, 7) == 2  # 1 + 6 + 15 = 22 with the empty one
    assert dim_lower_cover(22, 7) == 3
    assert dim_lower_cover(2**6 - 1, 7) == 6
    assert sign_rank_lower_cover(1, 5) == 1
    assert sign_rank_lower_cover(5, 5) == 2
    assert sign_rank_lower_cover(6, 5) == 3


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_no_points_have_more_divisions_than_counted(dim):
    """All divisions of 6 random points by hyperplanes through dim of them."""
    rng = np.random.default_rng(dim)
    points = np.hstack([rng.standard_normal((6, dim)), np.ones((6, 1))])
    seen = set()
    for chosen in combinations(range(6), dim):
        normal = np.linalg.svd(points[list(chosen)])[2][-1]
        side = points @ normal > 0
        for flips in np.ndindex(*[2] * dim):  # the points on the hyperplane may fall on either side
            side[list(chosen)] = np.array(flips, bool)
            seen.add(min(tuple(side), tuple(~side)))
    seen.discard((False,) * 6)
    assert dim_lower_cover(len(seen), 6) == dim


def test_refused():
    with pytest.raises(RangeError, match="n_divisions"):
        dim_lower_cover(8, 4)
    with pytest.raises(RangeError, match="n_points"):
        sign_rank_lower_cover(1, 0)


@pytest.mark.parametrize("n", [64, 500, 4000])
def test_typical_sign_rank_grows_like_n(n):
    """At least n / 32 [AlonFranklRodl1985] up to the one in a million; never above n."""
    assert n / 32 - 2 <= sign_rank_typical_warren(n, n) <= n
    assert sign_rank_typical_warren(n, n) == sign_rank_typical_warren(n, n)
    assert sign_rank_typical_warren(1, n) == 1
