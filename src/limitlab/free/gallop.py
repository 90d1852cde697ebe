"""The order in which n is tried: gallop from a start, bisect, sweep around what was found."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

Outcomes = Mapping[int, bool]
Search = Generator[tuple[int, ...], Outcomes, int | None]

SWEEP_BELOW, SWEEP_ABOVE = 4, 5


def gallop(start: int, least: int) -> Search:
    """The sizes to try one after another, as a generator that is sent what came of them.

    Each ``yield`` asks for sizes that are independent of each other; what is sent back is ``{n: whether it was solved}`` for
    all of them. No size is asked for twice. The steps of the gallop begin at a sixteenth of ``start`` and double.

    Parameters
    ----------
    start
        Where the gallop begins; raised to ``least`` when it is below.
    least
        The smallest size there is.

    Returns
    -------
    The size that the bisection ended on, whose sweep was the last thing asked for, or None when nothing down to ``least`` was
    solved.

    References
    ----------
    [Weller2025]
    """
    tried: dict[int, bool] = {}

    def solved(n: int) -> Generator[tuple[int, ...], Outcomes, bool]:
        if n not in tried:
            tried.update((yield (n,)))
        return tried[n]

    low = high = max(start, least)
    step = max(1, low // 16)
    if (yield from solved(low)):
        while (yield from solved(low + step)):
            low, step = low + step, 2 * step
        high = low + step
    else:
        while True:
            if high == least:
                return None
            low = max(least, high - step)
            if (yield from solved(low)):
                break
            high, step = low, 2 * step
    while high - low > 1:
        middle = (low + high) // 2
        if (yield from solved(middle)):
            low = middle
        else:
            high = middle
    around = tuple(n for n in range(max(least, low - SWEEP_BELOW), low + SWEEP_ABOVE + 1) if n not in tried)
    if around:
        tried.update((yield around))
    return low


def first_size(dim: int, k: int, earlier: Sequence[tuple[int, int]]) -> int:
    """Where to begin in ``dim`` dimensions: on the line through the last two results, or at 2 dim.

    Parameters
    ----------
    earlier
        (dimension, critical n) of smaller dimensions, ascending.

    Examples
    --------
    >>> first_size(6, 2, []), first_size(6, 2, [(5, 14)]), first_size(6, 2, [(4, 10), (5, 14)])
    (12, 16, 18)
    """
    guess = 2 * dim
    if len(earlier) >= 2:
        (d1, n1), (d2, n2) = earlier[-2:]
        guess = n2 + round((n2 - n1) / (d2 - d1) * (dim - d2))
    elif earlier:
        guess = earlier[0][1] + 2 * (dim - earlier[0][0])
    return max(guess, k + 1)
