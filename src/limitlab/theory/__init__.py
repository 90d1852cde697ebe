"""Floor 3: bounds as records, each with its value, direction, assumptions, citation and kind."""

from limitlab.theory.bound import Bound
from limitlab.theory.bound_table import BoundTable
from limitlab.theory.bounds import bounds
from limitlab.theory.counting import (
    count_text,
    dim_lower_bits,
    dim_lower_distinct,
    dim_lower_packing,
    gap_upper_packing,
    log_binomial,
)
from limitlab.theory.exact_dimension import dim_exact_subsets, sign_rank_exact_subsets
from limitlab.theory.margins import gap_upper_global, gap_upper_row_wise

__all__ = [
    "Bound",
    "BoundTable",
    "bounds",
    "count_text",
    "dim_exact_subsets",
    "dim_lower_bits",
    "dim_lower_distinct",
    "dim_lower_packing",
    "gap_upper_global",
    "gap_upper_packing",
    "gap_upper_row_wise",
    "log_binomial",
    "sign_rank_exact_subsets",
]
