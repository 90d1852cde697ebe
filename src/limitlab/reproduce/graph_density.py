"""Density and mean query strength of the query graph [Weller2025, table 2]."""

from __future__ import annotations

from limitlab.data import load, make_limit
from limitlab.published import lookup
from limitlab.relevance import query_graph
from limitlab.reproduce.asked import Asked, Found
from limitlab.reproduce.experiment import Compared, compared

_METRICS = {"graph density": ("density", 5e-7), "average query strength": ("mean_query_strength", 5e-5)}  # half of the last printed digit


def graph_density(asked: Asked) -> Found:
    """LIMIT's graph from its pattern alone (words do not matter); BEIR sets where a folder is given. The same work at every size."""
    known = list(dict.fromkeys(v.dataset for v in lookup(kind="paper") if v.metric in _METRICS))
    folders = {name.lower(): folder for name, folder in asked.beir.items()}
    rows: list[Compared] = []
    for name in known:
        graph = None
        if name == "LIMIT":
            graph = query_graph(make_limit(small=True, seed=asked.seed).relevance)
        elif name.lower() in folders:
            graph = query_graph(load(folders[name.lower()]).relevance)
        for metric, (attribute, half) in _METRICS.items():
            found = lookup(dataset=name, metric=metric, kind="paper")[0]
            rows.append(
                compared(
                    metric,
                    name,
                    found.value,
                    source=found.source,
                    unit="",
                    tolerance=half,
                    ours=None if graph is None else float(getattr(graph, attribute)),
                    not_run=f"give its folder: --beir {name.lower().replace(' ', '-')}=FOLDER",
                )
            )
    for name in folders:
        if name not in {k.lower() for k in known}:
            graph = query_graph(load(folders[name]).relevance)
            rows += [compared(m, name, None, unit="", ours=float(getattr(graph, a))) for m, (a, _) in _METRICS.items()]
    ours = {r.what: r.ours for r in rows if r.setting == "LIMIT"}
    says = (
        f"LIMIT's 1,000 queries share relevant documents far more than those of other benchmarks: density {ours['graph density']:.6f}. "
        "The graph joins queries, though the paper's text speaks of documents: only so do its own numbers come out."
    )
    return Found(rows, [says])
