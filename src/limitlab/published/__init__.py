"""Floor 1: the paper's and the reproductions' numbers, as data with sources."""

from limitlab.published.tables import PublishedValue, critical_n_cubic, critical_n_table, curve, lookup, values

__all__ = ["PublishedValue", "critical_n_cubic", "critical_n_table", "curve", "lookup", "values"]
