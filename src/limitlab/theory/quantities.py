"""What is bounded, by name, and which theorem connects one quantity with another."""

from __future__ import annotations

from collections.abc import Sequence

from limitlab.theory.bound import Bound

QUANTITIES = {
    "dim": "dimension for exact top-k, inner product, a threshold for every query",
    "global_threshold_rank": "dimension with one threshold for all queries",
    "sign_rank": "sign rank: dimension with threshold 0 for all queries",
    "dim_cosine": "dimension for exact top-k by cosine (unit documents)",
    "dim_euclidean": "dimension for exact top-k by Euclidean distance",
    "gap_row_wise": "gap of unit vectors in any dimension, a threshold for every query",
    "gap_global": "gap of unit vectors in any dimension, threshold 0 for all queries",
    "dim_at_gap": "dimension for unit vectors with a given gap, a threshold for every query",
    "dim_in_bits": "dimension when vectors are stored in bits",
    "sign_rank_typical": "sign rank of almost all matrices of this size, not of this one",
}

# (smaller, larger, step): smaller <= larger + step, and why.
_RELATIONS = (
    ("dim", "global_threshold_rank", 0, "one threshold for all queries is a threshold for every query"),
    ("global_threshold_rank", "sign_rank", 0, "threshold 0 is one threshold for all queries"),
    ("sign_rank", "dim", 1, "the threshold becomes one more coordinate"),
    ("dim", "dim_cosine", 0, "the cosine of a query is an inner product with unit documents"),
    ("dim_cosine", "sign_rank", 0, "threshold 0 does not feel the length of a document"),
    ("dim", "dim_euclidean", 1, "|x - u|**2 is an inner product with (x, |x|**2)"),
    ("dim_euclidean", "dim", 0, "a ball with a far centre is a half-space"),
)
_CITED = ("Weller2025", "Wang2026")


def best(bounds: Sequence[Bound], quantity: str) -> tuple[Bound | None, Bound | None]:
    """The greatest lower and the least upper bound that were computed; an exact one counts as both. The first of equals."""
    of = [b for b in bounds if b.quantity == quantity and b.computed]
    lower = max((b for b in of if b.direction != "upper"), key=lambda b: _value(b), default=None)
    upper = min((b for b in of if b.direction != "lower"), key=lambda b: _value(b), default=None)
    return lower, upper


def chained(bounds: Sequence[Bound]) -> list[Bound]:
    """The bounds that follow from others by rank_rop = rank_rt <= rank_gt <= sign rank <= rank_rt + 1 and its relatives.

    Only those that improve on what is there. Proofs: docs/concepts/bounds.md.

    References
    ----------
    [Weller2025], Proposition 2 of version 1; cosine and Euclidean distance: [Wang2026].
    """
    made: dict[str, Bound] = {}
    moved = True
    while moved:
        moved = False
        for smaller, larger, step, why in _RELATIONS:
            everything = [*bounds, *made.values()]
            low, high = best(everything, smaller)[0], best(everything, larger)[1]
            if low is not None and _better(low.value, -step, best(everything, larger)[0], 1):
                made[f"{larger}_lower_chain"] = _derived(low, larger, "lower", -step, f"{smaller} <= {larger}{_plus(step)}: {why}")
                moved = True
            if high is not None and _better(high.value, step, best(everything, smaller)[1], -1):
                made[f"{smaller}_upper_chain"] = _derived(high, smaller, "upper", step, f"{smaller} <= {larger}{_plus(step)}: {why}")
                moved = True
    return list(made.values())


def _better(value: float | int | None, step: int, there: Bound | None, sign: int) -> bool:
    return value is not None and (there is None or there.value is None or sign * (value + step) > sign * there.value)


def _derived(source: Bound, quantity: str, direction: str, step: int, why: str) -> Bound:
    value = None if source.value is None else max(0, int(source.value) + step)
    return Bound(
        quantity,
        direction,
        value,
        source.kind,
        f"{quantity}_{direction}_chain",
        source.assumptions,
        _CITED,
        note=f"{why}; from {source.name}",
    )


def _plus(step: int) -> str:
    return f" + {step}" if step else ""


def _value(bound: Bound) -> float:
    return float("nan") if bound.value is None else float(bound.value)
