"""The curve of certified n: what constructions with a checked certificate reach in each dimension."""

from __future__ import annotations

from collections.abc import Sequence

from limitlab._core.checks import real, whole
from limitlab._core.errors import NotSolved, RangeError
from limitlab._core.provenance import Stopwatch, provenance
from limitlab._core.status import Status
from limitlab.free.result import CriticalN, CriticalNResult

OBJECTIVE = "gap"


def certified_curve(dims: Sequence[int], k: int = 2, *, min_gap: float = 1e-3, command: Sequence[str] | None = None) -> CriticalNResult:
    """The greatest n certified in each dimension with at least this gap over all k-subsets.

    Nothing is optimised: the numbers are those of the certificates that come with limitlab. Every one of them holds for all
    k-subsets after rounding to float32; ``limitlab verify`` checks it again.

    Parameters
    ----------
    dims
        Dimensions, >= 1.
    k
        Size of the subsets, >= 1.
    min_gap
        Least relevant minus greatest irrelevant score that is asked for, unit vectors, >= 0. With 0: any positive gap.

    Returns
    -------
    CriticalNResult with one row per dimension: ``critical_n``, the certified ``gap``, the certificate's name, no seed, no trials. A
    dimension without a certificate is NOT_SOLVED.

    Raises
    ------
    RangeError
        A dimension or k is below 1, or ``min_gap`` is negative or not finite.
    """
    who = "certified_curve()"
    wanted = sorted({whole(who, "dim", d, low=1) for d in dims})
    k = whole(who, "k", k, low=1)
    min_gap = real(who, "min_gap", min_gap, low=0.0, high=2.0)
    if not wanted:
        raise RangeError(f"{who}: dims must have at least one dimension; got none.")
    with Stopwatch() as watch:
        rows = tuple(_row(d, k, min_gap) for d in wanted)
        made = provenance(wall_seconds=watch.so_far())
    config = {"dims": wanted, "k": k, "min_gap": min_gap, "objective": OBJECTIVE, "command": list(command) if command else None}
    without = [r for r in rows if r.status is not Status.SOLVED]
    status = Status.NOT_SOLVED if without else Status.SOLVED
    message = f"{len(without)} of {len(rows)} dimensions have no certificate: d = {without[0].dim}." if without else status.value
    return CriticalNResult(rows, (), status, message, config, made)


def _row(dim: int, k: int, min_gap: float) -> CriticalN:
    from limitlab.capacity import certified_n

    try:
        found = certified_n(dim, k, min_gap=min_gap)
    except NotSolved as none:
        return CriticalN(dim, k, None, OBJECTIVE, Status.NOT_SOLVED, str(none), None)
    message = f"Certified for all {k}-subsets with gap {found.min_gap:.4g}: {found.name}."
    return CriticalN(dim, k, None, OBJECTIVE, Status.SOLVED, message, found.n_docs, gap=found.min_gap, certificate=found.name)
