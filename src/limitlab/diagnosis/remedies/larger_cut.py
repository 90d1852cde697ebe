"""Remedy: more documents to the reader."""

from __future__ import annotations

from limitlab.diagnosis.remedies.bench import Bench
from limitlab.diagnosis.remedies.remedy import LARGER_CUT, Remedy

_TIMES = (2, 5, 10)


def larger_cuts(bench: Bench) -> list[Remedy]:
    """Recall at 2k, 5k, 10k of the lists as served, against recall at k."""
    k, n = bench.subject.k, len(bench.subject.docs)
    out = []
    for size in dict.fromkeys(min(t * k, n) for t in _TIMES):
        if size > k:
            kept = bench.kept(bench.wide.indices, k=size)
            cost = f"{size:,} documents to the reader instead of {k:,}"
            out.append(bench.compared(f"cut-{size}", f"k = {size:,}", kept, note="", cost=cost, kind=LARGER_CUT))
    return out
