"""Floor 1: the paper's and the reproductions' numbers, as data with sources."""

from limitlab.published.tables import (
    PublishedValue,
    Scale,
    corpus_sizes,
    critical_n_cubic,
    critical_n_table,
    curve,
    lookup,
    model_dimensions,
    values,
)

__all__ = [
    "PublishedValue",
    "Scale",
    "corpus_sizes",
    "critical_n_cubic",
    "critical_n_table",
    "curve",
    "lookup",
    "model_dimensions",
    "values",
]
