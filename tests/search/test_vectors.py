"""Row normalisation."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab.search import normalised


@pytest.mark.parametrize("dim", [1, 2, 3, 4, 5, 31, 64, 129])
def test_rows_have_unit_length(dim: int) -> None:
    rows = np.random.default_rng(dim).standard_normal((20, dim)) * 10.0 ** np.arange(-10, 10)[:, None]
    out = normalised(rows)
    assert out.dtype == np.float32
    expected = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    np.testing.assert_allclose(out, expected, rtol=3e-7, atol=1e-12)


def test_only_the_first_values_count_when_truncated() -> None:
    rows = np.array([[3.0, 4.0, 100.0], [0.0, -2.0, 1.0]])
    assert normalised(rows, 2).tolist() == [[np.float32(0.6), np.float32(0.8)], [0.0, -1.0]]
    assert rows.tolist() == [[3.0, 4.0, 100.0], [0.0, -2.0, 1.0]]


def test_zero_rows_stay_zero() -> None:
    assert normalised(np.zeros((2, 3))).tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("exponent", [-110, -40, 40, 120])
def test_length_does_not_matter_down_to_the_last_bit(exponent: int) -> None:
    rows = np.random.default_rng(0).standard_normal((10, 50)).astype(np.float32)
    assert np.array_equal(normalised(np.ldexp(rows, exponent)), normalised(rows))


def test_a_row_comes_out_the_same_in_any_block() -> None:
    rows = np.random.default_rng(1).standard_normal((50, 77)).astype(np.float32)
    whole = normalised(rows)
    assert np.array_equal(np.concatenate([normalised(rows[i : i + 1]) for i in range(50)]), whole)
    assert np.array_equal(normalised(np.asfortranarray(rows)), whole)
