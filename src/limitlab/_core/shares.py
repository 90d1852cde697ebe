"""Shares in percent, as text."""

from __future__ import annotations


def percent(share: float, digits: int = 1) -> str:
    """A share in percent without the sign: only a whole reads 100, and only nothing reads 0.

    Parameters
    ----------
    share
        In [0, 1]; differences of 1e-11, which come from the order of a sum, do not show.
    digits
        After the point; more where fewer would read 0 or 100, 4 at most.
    """
    value = round(100 * share, 9)
    for places in range(digits, 5):
        text = f"{value:.{places}f}"
        if float(text) in (0.0, 100.0) and value not in (0.0, 100.0):
            continue
        return text
    return f"{value:.{digits}f}"
