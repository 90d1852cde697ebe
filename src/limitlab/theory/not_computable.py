"""Theorems that apply but whose constants are not known: listed, never evaluated."""

from __future__ import annotations

from limitlab.theory.bound import Bound

_STATED = "its constant is not stated in numbers, so nothing can be computed from it"


def not_computable() -> list[Bound]:
    """Records with status "not computed" and the formula in the note.

    References
    ----------
    [Bangachev2026], Theorems 1.4 to 1.6; [Okajima2026].
    """
    rows = (
        ("dim_at_gap", "upper", "dim_upper_bangachev", "near-optimal margin m, threshold 0", "O(ln n / m**2) dimensions, Theorem 1.4"),
        ("dim_at_gap", "lower", "dim_lower_bangachev", "all k-subsets, margin m", "c k ln(n/k) / ln(1 + 2/(m sqrt(k))), Theorem 1.5"),
        ("dim_at_gap", "upper", "dim_upper_khatri_rao", "margin an inverse power of n", "O(k**2) dimensions, Theorem 1.6"),
    )
    found = [
        Bound(q, d, None, "theorem", name, given, ("Bangachev2026",), "not computed", f"{form}; {_STATED}")
        for q, d, name, given, form in rows
    ]
    given = "documents scaled to unit length and rounded to B bits a coordinate"
    note = f"below B* = O(ln ln n) bits no dimension suffices; {_STATED}"
    return [*found, Bound("dim_in_bits", "lower", None, "theorem", "dim_lower_okajima", given, ("Okajima2026",), "not computed", note)]
