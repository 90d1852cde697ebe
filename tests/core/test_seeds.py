"""Random generators: explicit, repeatable, independent."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import RangeError
from limitlab._core.seeds import derived, derived_key, generator


def test_the_same_seed_gives_the_same_numbers():
    assert (generator("f()", 7).random(4) == generator("f()", np.int64(7)).random(4)).all()
    assert (generator("f()", 7).random(4) != generator("f()", 8).random(4)).any()


def test_a_generator_is_used_as_it_is():
    rng = np.random.default_rng(0)
    assert generator("f()", rng) is rng


@pytest.mark.parametrize("seed", [-1, 1.0, True, None, "0"])
def test_other_seeds_are_refused(seed):
    with pytest.raises(RangeError, match="seed must be a whole number >= 0"):
        generator("f()", seed)


def test_derived_streams_of_one_seed_are_uncorrelated():
    streams = np.array([derived(0, "filler", i).standard_normal(4000) for i in range(8)])
    correlations = np.corrcoef(streams) - np.eye(8)
    assert np.abs(correlations).max() < 0.08  # 5 standard deviations of 1 / sqrt(4000)


def test_derived_keys_depend_on_every_part_and_its_border():
    keys = {
        derived_key(0, "a", 1),
        derived_key(0, "a", 2),
        derived_key(1, "a", 1),
        derived_key(0, "a1"),
        derived_key(0, "b", 1),
        derived_key(0, "a"),
    }
    assert len(keys) == 6
    assert derived_key(0, "ab", "c") != derived_key(0, "a", "bc")


def test_derived_keys_are_the_same_for_ever():
    """SHA-256 of the seed and labels: what a seed means must not change between versions."""
    assert derived_key(0, "places") == 0x3CEBB6EE9BA3571E277C0426C4AAC6FE


def test_no_global_seeding():
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    derived(0, "x").random(10)
    generator("f()", 0).random(10)
    assert (np.random.get_state()[1] == before).all()
