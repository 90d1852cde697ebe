"""Floor 7: tables and figures of the paper, run and compared."""

from limitlab.reproduce.critical_n import CriticalNComparison, compared, joined, reproduce_critical_n, with_certified
from limitlab.reproduce.patterns import PatternComparison, reproduce_patterns

__all__ = [
    "CriticalNComparison",
    "PatternComparison",
    "compared",
    "joined",
    "reproduce_critical_n",
    "reproduce_patterns",
    "with_certified",
]
