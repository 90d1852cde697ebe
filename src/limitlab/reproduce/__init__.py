"""Floor 7: tables and figures of the paper, run and compared."""

from limitlab.reproduce.patterns import PatternComparison, reproduce_patterns

__all__ = ["PatternComparison", "reproduce_patterns"]
