"""Remedies: what serving took away, given back one thing at a time."""

from __future__ import annotations

from limitlab.diagnosis import served
from limitlab.diagnosis.remedies.bench import Bench
from limitlab.diagnosis.remedies.remedy import Remedy


def serving_undone(bench: Bench) -> list[Remedy]:
    """All dimensions, float32, exact search: each alone, everything else as served; what is not served that way is left out."""
    s, serving = bench.subject, bench.serving
    docs, queries = bench.short
    fixed = serving.index is not None and serving.index.holds_documents
    out = []
    if bench.truncated:
        full = s.docs.shape[1]
        stored = s.docs if serving.dtype is None else served.quantised(s.docs, serving.dtype, scratch=bench.scratch)
        lists = bench.search(queries=s.queries, docs=stored, exact=fixed).indices
        note = f"all {full:,} dimensions instead of {serving.dim:,}"
        cost = f"{full / (serving.dim or full):.1f} times the memory and the time of a comparison"
        out.append(bench.compared("more-dimensions", "all dimensions", bench.kept(lists), note=_also(note, fixed), cost=cost))
    if serving.dtype is not None:
        lists = bench.search(queries=queries, docs=docs, exact=fixed).indices
        note = f"documents float32 instead of {serving.dtype}"
        cost = "4 bytes a value; or rescore the first hits with them"
        out.append(bench.compared("wider-type", "documents in float32", bench.kept(lists), note=_also(note, fixed), cost=cost))
    if serving.index is not None:
        lists = bench.search(queries=queries, exact=True).indices
        note = f"exact search instead of {serving.index.words}"
        out.append(bench.compared("exact-search", "exact search", bench.kept(lists), note=note, cost="every document compared a query"))
    return out


def _also(note: str, fixed: bool) -> str:
    return f"{note}, exact search (the index holds the documents as they are served)" if fixed else note
