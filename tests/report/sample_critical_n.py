"""Critical n results as they come out of a run, without running one: published numbers with noise, certified n of a table.

Loaded by the conftest files beside the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import comb

import numpy as np

from limitlab._core.status import Status
from limitlab.free.result import CriticalN, CriticalNResult, Trial
from limitlab.published import critical_n_table

# (n, gap) of one configuration a dimension, and of the largest with any positive gap where that is another one.
CERTIFIED = {
    4: (24, 0.0014),
    6: (127, 0.0013),
    8: (503, 0.0012),
    10: (907, 0.0015),
    12: (2_003, 0.0012),
    16: (5_003, 0.0022),
    20: (10_007, 0.0014),
    24: (20_011, 0.0036),
    32: (50_021, 0.0019),
    44: (100_003, 0.0029),
}
ANY_GAP = {4: (290, 4.6e-8), 6: (400, 1.1e-5), 8: (900, 8.0e-5), 10: (1_500, 2.2e-4)}
PROVENANCE = {
    "created": "2026-11-24T20:10:00+00:00",
    "versions": {"python": "3.11.2", "limitlab": "0.2.0", "numpy": "2.4.6", "numba": "0.65.0"},
    "machine": {"cpu": "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz", "cores": 2, "memory_gib": 23.5, "os": "Linux", "arch": "x86_64"},
    "git_commit": "0123456789ab",
    "peak_memory_bytes": 1_200_000_000,
    "wall_seconds": 1_134.0,
}


def trial(n: int, solved: bool, *, steps: int = 2_000, seconds: float = 0.4) -> Trial:
    """One n that was tried."""
    relevant = 2 * comb(n, 2)
    status = Status.SOLVED if solved else Status.NOT_SOLVED
    return Trial(n, status, relevant if solved else relevant - 3, relevant, steps, 0.7 + 0.01 * n, seconds, 0.002 if solved else -0.001)


def protocol_row(dim: int, n: int, seed: int, *, failed: int | None = None, seconds: float | None = None) -> CriticalN:
    """A solved row of the paper's protocol."""
    trials = (trial(n - 1, True), trial(n, True), trial(n + 1, False))
    return CriticalN(
        dim, 2, seed, "infonce", Status.SOLVED, "", n, n + 1 if failed is None else failed, trials, 0.002, None,
        0.05 * dim**2 if seconds is None else seconds,
    )  # fmt: skip


def certified_row(dim: int, n: int, gap: float, k: int = 2) -> CriticalN:
    """A certified construction."""
    name = f"harmonic-d{dim}-n{n}"
    return CriticalN(dim, k, None, "gap", Status.SOLVED, "", n, None, (), gap, name, 0.0)


def curve(n: int, *, solved: bool, steps: int = 2_000) -> tuple[tuple[int, float, int], ...]:
    """Loss and hits every 50 steps."""
    relevant = 2 * comb(n, 2)
    out = []
    for step in range(50, steps + 1, 50):
        missed = int(relevant * np.exp(-step / 260))
        out.append((step, float(0.8 + 3 * np.exp(-step / 300)), relevant - (missed if solved else max(missed, 3))))
    return tuple(out)


def full_result(*, last: int = 20, seeds: int = 3) -> CriticalNResult:
    """d = 4 .. last, several seeds, certified rows at even dimensions, training curves, one failed row."""
    rng = np.random.default_rng(0)
    rows = []
    for dim, n in critical_n_table():
        if dim > last:
            break
        for seed in range(42, 42 + seeds):
            shift = int(rng.integers(-2, 3))
            failed = n + shift - 3 if dim % 5 == 0 and seed == 42 else None
            rows.append(protocol_row(dim, n + shift, seed, failed=failed, seconds=0.004 * dim**3 * float(rng.uniform(0.7, 1.4))))
    stopped = "NaN in the loss at step 312; nothing of it is kept."
    rows.append(
        replace(protocol_row(last, 1, 42 + seeds), status=Status.FAILED, message=stopped, critical_n=None, least_failed=None, trials=())
    )
    rows += [certified_row(d, *CERTIFIED[d]) for d in CERTIFIED if d <= max(last, 20)]
    rows += [certified_row(d, *ANY_GAP[d]) for d in ANY_GAP]
    curves = {
        "d = 8, n = 28, seed 42": curve(28, solved=True),
        "d = 8, n = 29, seed 42": curve(29, solved=False),
        "d = 12, n = 47, seed 42": curve(47, solved=True, steps=3_000),
    }
    command = ["limitlab", "reproduce", "critical-n", "--dim", f"4:{last}", "--seeds", str(seeds), "-o", "critical-n.html"]
    return CriticalNResult(tuple(rows), ("run-5e1f",), config={"command": command, "min_gap": 1e-3}, provenance=PROVENANCE, curves=curves)


def whole_range_result() -> CriticalNResult:
    """d = 4 .. 45, one seed, as the paper has it."""
    return full_result(last=45, seeds=1)


def protocol_result() -> CriticalNResult:
    """The protocol alone at four dimensions: too few for a fit."""
    rows = tuple(protocol_row(d, n, 42) for d, n in critical_n_table() if d in (4, 6, 8, 10))
    return CriticalNResult(rows, ("run-a",), config={"command": ["limitlab", "critical-n", "--dim", "4,6,8,10"]}, provenance=PROVENANCE)


def certified_result() -> CriticalNResult:
    """Certified rows alone, k = 2 and 3: no protocol, no curves."""
    rows = [certified_row(d, *CERTIFIED[d]) for d in CERTIFIED] + [certified_row(d, 3 * d, 0.004, k=3) for d in (6, 8, 10)]
    return CriticalNResult(tuple(rows))


def odd_names_result() -> CriticalNResult:
    """Names with markup and messages with markup; curve names that say nothing."""
    rows = [replace(certified_row(6, 127, 0.0013), certificate="<img src=x onerror=alert(1)>"), protocol_row(6, 19, 42)]
    rows.append(replace(protocol_row(7, 1, 42), status=Status.STOPPED, critical_n=None, message="</script><u>stopped</u>", trials=()))
    return CriticalNResult(tuple(rows), curves={"<b>mine</b>": curve(19, solved=True)})


def one_row_result() -> CriticalNResult:
    """One dimension, one seed."""
    return CriticalNResult((protocol_row(8, 28, 42),), provenance=PROVENANCE)


def all_failed_result() -> CriticalNResult:
    """Nothing was solved."""
    failed = replace(
        protocol_row(8, 1, 42), status=Status.NOT_SOLVED, message="no n down to 3 was solved", critical_n=None, least_failed=3, trials=()
    )
    return CriticalNResult((failed,), status=Status.NOT_SOLVED, message=Status.NOT_SOLVED.value)


def empty_result() -> CriticalNResult:
    """No rows at all."""
    return CriticalNResult(())


ALL: dict[str, Callable[[], CriticalNResult]] = {
    f.__name__: f
    for f in (
        full_result,
        whole_range_result,
        protocol_result,
        certified_result,
        odd_names_result,
        one_row_result,
        all_failed_result,
        empty_result,
    )
}
