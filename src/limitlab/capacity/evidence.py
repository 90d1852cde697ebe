"""What is known about n documents, k relevant ones and d dimensions: certified, shown to exist, shown to be impossible."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from limitlab._core.errors import InvalidArgument
from limitlab.capacity.catalogue import certificates_for, restated, shipped
from limitlab.capacity.certificate import Certificate
from limitlab.capacity.closed_forms import simplex_certificate, trig_certificate
from limitlab.capacity.number_types import NUMBER_TYPES
from limitlab.capacity.verification import rounding
from limitlab.theory.counting import dim_lower_bits, dim_lower_distinct, dim_lower_packing, gap_upper_packing
from limitlab.theory.exact_dimension import dim_exact_subsets
from limitlab.theory.existence import (
    coordinate_upper_gaussian,
    dim_upper_gaussian,
    dim_upper_signs,
    gap_exists_gaussian,
    gap_lower_gaussian,
    least_dim,
)
from limitlab.theory.margins import gap_upper_row_wise

MOST_DIM = 2**24
NO_DIM = 2**62  # stands for "in no dimension"


@dataclass(frozen=True)
class Evidence:
    """One statement that decides a question of capacity, or half of it.

    Attributes
    ----------
    kind
        "certificate" (can be made and checked), "existence" (a theorem that constructs nothing), "impossible" (a theorem).
    name
        Of the certificate or the theorem.
    dim
        Dimensions that suffice (certificate, existence) or that are needed at least (impossible).
    gap
        Gap after rounding that is certified or shown to exist; for "impossible" the greatest gap there can be. None: none stated.
    n_docs
        Of the certificate; it holds for fewer documents too.
    sentence
        What is claimed and under which assumptions.
    citation
        Keys of docs/references.bib.
    certificate
        The certificate itself, for ``kind`` "certificate".
    """

    kind: str
    name: str
    dim: int
    gap: float | None
    n_docs: int
    sentence: str
    citation: tuple[str, ...] = ()
    certificate: Certificate | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, without the certificate's construction."""
        return {k: list(v) if k == "citation" else v for k, v in self.__dict__.items() if k != "certificate"}


# -- certified ---------------------------------------------------------------------------------------------------------


def certified(n: int, k: int, *, gap: float, dtype: str, query_dtype: str, dim: int | None = None) -> Evidence | None:
    """The certificate of all k-subsets of n documents with the fewest dimensions; with ``dim``, the one with the greatest gap there."""
    found = [c for c in _holding(n, k, dtype, query_dtype) if c.min_gap >= gap and (dim is None or c.dim <= dim)]
    if dim is not None and dtype == "binary":
        found = [c for c in certificates_for(dim, k, min_gap=gap, dtype=dtype, query_dtype=query_dtype) if c.n_docs >= n]
    if not found:
        return None
    return evidence_of(max(found, key=lambda c: c.min_gap) if dim is not None else min(found, key=lambda c: (c.dim, -c.min_gap)))


def evidence_of(c: Certificate) -> Evidence:
    """A certificate as evidence."""
    many = f"all {c.k}-subsets of {c.n_docs:,} documents in {c.dim:,} dimensions, documents in {c.dtype}, queries in {c.query_dtype}"
    with_gap = f"with gap {c.min_gap:.3g}" if c.min_gap > 0 else "with a positive gap too small for a number of double precision"
    return Evidence("certificate", c.name, c.dim, c.min_gap or None, c.n_docs, f"{many}, {with_gap}", certificate=c)


@lru_cache(maxsize=512)
def _holding(n: int, k: int, dtype: str, query_dtype: str) -> tuple[Certificate, ...]:
    """Certificates of at least n documents, each in its own number of dimensions."""
    large = [c for c in shipped() if c.n_docs >= n and c.k >= k]
    found = [c for c in (restated(c, k=k, dtype=dtype, query_dtype=query_dtype) for c in large) if c is not None]
    makers = [simplex_certificate, trig_certificate] if _curve_may_hold(n, k, dtype, query_dtype) else [simplex_certificate]
    for make in makers:
        try:
            found.append(make(n, k, dtype=dtype, query_dtype=query_dtype))
        except InvalidArgument:  # not for this n, or rounding to these types takes the whole gap
            continue
    return tuple(found)


def _curve_may_hold(n: int, k: int, dtype: str, query_dtype: str) -> bool:
    """False where the curve's gap, about (2 pi / n)**(2 k), is far below rounding: the exact arithmetic would take long to say so."""
    if {dtype, query_dtype} & {"binary", "int64"}:
        return False
    lost = rounding.rounding_loss(dtype, query_dtype, 2 * k)
    return lost == 0.0 or 2 * k * math.log(4 * math.pi / n) > math.log(lost)


# -- shown to exist ----------------------------------------------------------------------------------------------------


def existing(n: int, k: int, *, gap: float, dtype: str, query_dtype: str, max_dim: int = MOST_DIM) -> Evidence | None:
    """The existence theorem with the fewest dimensions for this gap after rounding; None: none of ours reaches it."""
    found = [e for e in (_gaussian(n, k, gap, dtype, query_dtype, max_dim), _signs(n, k, gap, dtype, query_dtype, max_dim)) if e]
    return min(found, key=lambda e: e.dim, default=None)


def exists_in(n: int, k: int, *, dim: int, gap: float, dtype: str, query_dtype: str) -> bool:
    """Whether one of the existence theorems shows this gap after rounding in ``dim`` dimensions."""
    signs = dim_upper_signs(n, k, gap=gap) if _signs_fit(dtype, query_dtype, k) else None
    if signs is not None and signs <= dim:
        return True
    if dim < 2 or {dtype, query_dtype} & {"binary", "int64"}:
        return False
    if gap == 0.0 and dtype == query_dtype == "exact":
        return dim_upper_gaussian(n, k) < dim
    # In short types rounding takes more in more dimensions; fewer, filled with zeros, may do.
    fewer = [dim >> i for i in range(dim.bit_length() - 1)] if _loss_grows_with_dim(dtype, query_dtype) else [dim]
    return any(_gaussian_holds(n, k, d, gap, dtype, query_dtype) for d in fewer)


def _gaussian_holds(n: int, k: int, dim: int, gap: float, dtype: str, query_dtype: str) -> bool:
    needed = gap + _lost(n, dim, dtype, query_dtype)
    return dim >= 2 and needed <= 2.0 and gap_exists_gaussian(n, k, dim=dim, gap=needed)


def _loss_grows_with_dim(dtype: str, query_dtype: str) -> bool:
    return query_dtype in rounding.SCALED or any(t.startswith("fp8") for t in (dtype, query_dtype))


def existing_gap(n: int, k: int, *, dim: int, dtype: str, query_dtype: str) -> float:
    """The greatest gap after rounding that is shown to exist in ``dim`` dimensions; 0.0: none."""
    fewer = [dim >> i for i in range(dim.bit_length() - 1)] if _loss_grows_with_dim(dtype, query_dtype) else [dim]
    best = max([0.0, *(_gaussian_gap(n, k, d, dtype, query_dtype) for d in fewer if d >= 2)])
    if _signs_fit(dtype, query_dtype, k):
        low, high = 0.0, 1.0
        for _ in range(40):
            middle = (low + high) / 2
            needed = dim_upper_signs(n, k, gap=middle)
            low, high = (middle, high) if needed is not None and needed <= dim else (low, middle)
        best = max(best, low)
    return best


def _gaussian_gap(n: int, k: int, dim: int, dtype: str, query_dtype: str) -> float:
    """What is left of the gap of Gaussian documents after rounding; negative when nothing is."""
    if {dtype, query_dtype} & {"binary", "int64"}:
        return -1.0
    return gap_lower_gaussian(n, k, dim=dim) - _lost(n, dim, dtype, query_dtype)


def _lost(n: int, dim: int, dtype: str, query_dtype: str) -> float:
    """What rounding can take of the gap of Gaussian documents."""
    if dtype == query_dtype == "exact":
        return 0.0
    return rounding.rounding_loss(dtype, query_dtype, dim, largest=coordinate_upper_gaussian(n, dim=dim))


def _gaussian(n: int, k: int, gap: float, dtype: str, query_dtype: str, max_dim: int) -> Evidence | None:
    if gap == 0.0 and dtype == query_dtype == "exact":
        dim = dim_upper_gaussian(n, k) + 1  # unit vectors: one more
        said = f"unit documents in {dim:,} dimensions with all {k}-subsets of {n:,} separable: random ones are, with positive probability"
        return (
            Evidence("existence", "dim_upper_gaussian", dim, None, n, said, ("Amelunxen2014", "McCoyTropp2014")) if dim <= max_dim else None
        )
    if {dtype, query_dtype} & {"binary", "int64"}:
        return None
    high = least_dim(lambda d: _gaussian_holds(n, k, d, gap, dtype, query_dtype), max_dim)
    if high is None:
        return None
    left = max(gap, _gaussian_gap(n, k, high, dtype, query_dtype)) or None  # the second is known to one part in a thousand
    with_gap = "a positive gap" if left is None else f"gap {left:.3g}"
    said = f"unit documents in {high:,} dimensions with {with_gap} on all {k}-subsets of {n:,} after rounding: random ones, with positive probability"
    return Evidence("existence", "dim_upper_gaussian_gap", high, left, n, said, ("Amelunxen2014", "McCoyTropp2014"))


def _signs(n: int, k: int, gap: float, dtype: str, query_dtype: str, max_dim: int) -> Evidence | None:
    if not _signs_fit(dtype, query_dtype, k):
        return None
    dim = dim_upper_signs(n, k, gap=gap)
    if dim is None or dim > max_dim:
        return None
    said = (
        f"sign vectors in {dim:,} dimensions, one bit a value, with the sum of k documents as query: random ones, with positive probability"
    )
    return Evidence("existence", "dim_upper_signs", dim, gap or None, n, said, ("Wang2026",))


def _signs_fit(dtype: str, query_dtype: str, k: int) -> bool:
    """Signs are exact in every type; their sum of k must be too."""
    return dtype != "int64" and rounding.holds_whole_numbers(query_dtype, k)


# -- shown to be impossible --------------------------------------------------------------------------------------------


def impossible(n: int, k: int, *, gap: float, dtype: str, query_dtype: str, dim: int | None = None) -> Evidence:
    """The theorem that demands the most dimensions for this gap after rounding; ``NO_DIM`` when no dimension has it.

    Vectors are unit before they are rounded. Rounding may lengthen them a little, and by how much depends on the dimension: with
    ``dim`` what is said holds for at most so many, and says more.
    """
    found = [_exact_dimension(n, k, dtype)]
    if gap > 0:
        stretch = rounding.longest(dtype, dim) * rounding.longest(query_dtype, dim)
        ceiling = gap_upper_row_wise(n, k) * stretch
        if gap > ceiling:
            said = f"in no dimension have all {k}-subsets of {n:,} documents a gap above {ceiling:.4g}"
            return Evidence("impossible", "gap_upper_row_wise", NO_DIM, ceiling, n, said, ("Wang2026",))
        needed = dim_lower_packing(n, k, gap=min(2.0, gap / stretch))
        said = f"with gap {gap:g} the queries of all {k}-subsets of {n:,} are that far apart, for which {needed:,} dimensions are needed"
        found.append(Evidence("impossible", "dim_lower_packing", needed, None, n, said, ("Weller2025",)))
    if query_dtype in NUMBER_TYPES:
        bits = NUMBER_TYPES[query_dtype].bits
        needed = dim_lower_bits(n, k, query_bits=bits)
        said = f"every set needs a query of its own, and queries of {bits} bits a value are too few below {needed:,} dimensions"
        found.append(Evidence("impossible", "dim_lower_bits", needed, None, n, said, ("Okajima2026",)))
    if dtype in NUMBER_TYPES:
        bits = NUMBER_TYPES[dtype].bits
        # int8: a scale of 32 bits for every vector tells documents apart too; for queries it changes no ranking
        needed = dim_lower_distinct(-(-n // 2**32) if dtype == "int8" else n, doc_bits=bits)
        said = f"documents must differ, and vectors of {bits} bits a value are too few below {needed:,} dimensions"
        found.append(Evidence("impossible", "dim_lower_distinct", needed, None, n, said))
    return max(found, key=lambda e: e.dim)


def gap_ceiling(n: int, k: int, *, dim: int, dtype: str, query_dtype: str) -> Evidence:
    """The least of the ceilings of the gap after rounding in ``dim`` dimensions."""
    stretch = rounding.longest(dtype, dim) * rounding.longest(query_dtype, dim)
    anywhere, packed = gap_upper_row_wise(n, k) * stretch, gap_upper_packing(n, k, dim=dim) * stretch
    if anywhere <= packed:
        said = f"no vectors of any dimension have a gap above {anywhere:.4g} on all {k}-subsets of {n:,}"
        return Evidence("impossible", "gap_upper_row_wise", dim, anywhere, n, said, ("Wang2026",))
    said = f"the queries of all {k}-subsets of {n:,} are a gap apart, and {dim:,} dimensions have room for that up to {packed:.4g}"
    return Evidence("impossible", "gap_upper_packing", dim, packed, n, said, ("Weller2025",))


def _exact_dimension(n: int, k: int, dtype: str) -> Evidence:
    norm = "unit" if dtype in ("exact", "binary") else "any"  # rounded documents are not quite on the sphere
    bound = dim_exact_subsets(n, k, norm=norm)
    dim = int(bound.value or 0)
    said = f"all {k}-subsets of {n:,} documents need {dim:,} dimensions at any gap: fewer have a Radon partition in the way"
    return Evidence("impossible", bound.name, dim, None, n, said, bound.citation)
