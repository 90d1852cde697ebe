"""Shares in percent."""

from __future__ import annotations

import pytest

from limitlab._core.shares import percent


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0.0"),
        (1.0, "100.0"),
        (0.9995, "99.95"),
        (0.99996, "99.996"),
        (0.0002, "0.02"),
        (0.0025, "0.2"),
        (0.4805, "48.0"),
        (0.4805 + 1e-12, "48.0"),
    ],
)
def test_only_a_whole_reads_100_and_only_nothing_reads_0(share, text):
    assert percent(share) == text


def test_digits_end():
    assert percent(1e-9) == "0.0" and percent(0.5, 0) == "50"
