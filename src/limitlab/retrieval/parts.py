"""What retrievers made of others share: the costs and notes of their parts as one, the dimension each part takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from limitlab.retrieval.protocol import Retriever


def greatest_dim(parts: Sequence[Retriever]) -> int | None:
    """The greatest dimension among the parts, None when no part has one."""
    dims = [d for d in (part.max_dim for part in parts) if d is not None]
    return max(dims) if dims else None


def dim_of(part: Retriever, dim: int | None) -> int | None:
    """The dimension a part takes when ``dim`` is asked of the whole: at most its own, None when it has none."""
    full = part.max_dim
    return None if full is None or dim is None else min(dim, full)


def cacheable(configs: Iterable[dict[str, Any]]) -> bool:
    """Whether rows made with all of these settings may be taken from the ledger."""
    return all(config.get("cache", True) for config in configs)


def joint_cost(costs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Sums; documents a second are computed anew, as rates do not add up."""
    total: dict[str, float] = {}
    for cost in costs:
        for name, value in cost.items():
            if name != "docs_per_second":
                total[name] = total.get(name, 0.0) + value
    if total.get("docs_encoded") and total.get("encode_seconds"):
        total["docs_per_second"] = total["docs_encoded"] / total["encode_seconds"]
    return total


def joint_notes(parts: Sequence[Retriever], notes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``{"label of the part: name": value}``."""
    return {f"{part.label}: {name}": value for part, own in zip(parts, notes) for name, value in own.items()}


def joint_bytes(parts: Sequence[Retriever], costs: Sequence[dict[str, float]], dim: int | None) -> float:
    """Bytes a document of all parts together, vectors cut to ``dim``."""
    total = 0.0
    for part, cost in zip(parts, costs):
        own, mine, full = getattr(part, "bytes_per_doc", None), dim_of(part, dim), part.max_dim
        if own is not None and mine is not None:
            total += own(mine)
        else:
            total += cost.get("bytes_per_doc", 0.0) * (mine / full if mine is not None and full else 1.0)
    return total


def cut_documents(parts: Sequence[Retriever]) -> np.ndarray:
    """Documents that some part cuts, as ascending positions."""
    cut = [c for c in (getattr(part, "truncated", None) for part in parts) if c is not None]
    return np.unique(np.concatenate(cut)).astype(np.int64) if cut else np.zeros(0, np.int64)
