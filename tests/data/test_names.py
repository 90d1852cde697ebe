"""Names by document number: distinct, for any number of documents."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import RangeError
from limitlab.data.names import KeyedPermutation, Names


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 16, 17, 63, 64, 65, 1000, 4096, 4097, 65_537])
def test_every_number_is_hit_exactly_once(size):
    images = KeyedPermutation(size, 3, "a")(np.arange(size))
    assert images.dtype == np.int64
    assert np.array_equal(np.sort(images), np.arange(size))


def test_the_permutation_depends_on_seed_and_label_and_on_nothing_else():
    def images(seed: int, label: str) -> list[int]:
        return KeyedPermutation(1000, seed, label)(np.arange(1000)).tolist()

    assert images(0, "a") == images(0, "a")
    assert images(0, "a") != images(1, "a")
    assert images(0, "a") != images(0, "b")


def test_a_number_has_one_image_however_it_is_asked():
    permutation = KeyedPermutation(1000, 0, "a")
    whole = permutation(np.arange(1000))
    assert [int(permutation([n])[0]) for n in (0, 1, 500, 999)] == whole[[0, 1, 500, 999]].tolist()
    assert np.array_equal(permutation(np.arange(1000).reshape(20, 50)), whole.reshape(20, 50))
    assert permutation(np.zeros(0, np.int64)).size == 0


def test_the_permutation_looks_random():
    """Neighbours do not stay neighbours, and about one number stays where it was."""
    images = KeyedPermutation(50_000, 0, "a")(np.arange(50_000))
    assert (np.abs(np.diff(images)) == 1).sum() < 20
    assert (images == np.arange(50_000)).sum() < 10
    assert abs(np.corrcoef(images, np.arange(50_000))[0, 1]) < 0.03


def test_large_sizes_stay_inside():
    images = KeyedPermutation(2**62, 0, "a")(np.array([0, 1, 2**62 - 1]))
    assert ((images >= 0) & (images < 2**62)).all() and len(set(images.tolist())) == 3


@pytest.mark.parametrize("size", [0, 2**62 + 1])
def test_sizes_outside_the_range_are_refused(size):
    with pytest.raises(RangeError):
        KeyedPermutation(size, 0, "a")


def test_first_and_last_name_as_long_as_there_are_enough_pairs():
    first, last = ["Ada", "Bob", "Cy"], ["Lee", "May", "Noe", "Orr"]
    made = Names(first, last, 12, 0).of(np.arange(12))
    assert sorted(made) == sorted(f"{f} {x}" for f in first for x in last)


def test_a_middle_initial_when_there_are_more_documents_than_pairs():
    made = Names(["Ada", "Bob"], ["Lee", "May"], 5, 0).of(np.arange(4 * 27))
    assert len(set(made)) == 4 * 27
    middle = [name.split()[1] for name in made if len(name.split()) == 3]
    assert sorted(middle) == sorted([f"{c}." for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"] * 4)


def test_too_many_documents_are_refused():
    Names(["Ada"], ["Lee"], 27, 0)
    with pytest.raises(RangeError, match="at most 27"):
        Names(["Ada"], ["Lee"], 28, 0)
