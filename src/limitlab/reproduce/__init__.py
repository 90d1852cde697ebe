"""Floor 7: tables and figures of the paper, run and compared."""

from limitlab.reproduce.asked import Asked
from limitlab.reproduce.catalogue import EXPERIMENTS
from limitlab.reproduce.critical_n import CriticalNComparison, compared, joined, reproduce_critical_n, with_certified
from limitlab.reproduce.experiment import Compared, Outcome
from limitlab.reproduce.patterns import PatternComparison, reproduce_patterns
from limitlab.reproduce.run import load_outcome, measured_seconds, reproduce

__all__ = [
    "EXPERIMENTS",
    "Asked",
    "Compared",
    "CriticalNComparison",
    "Outcome",
    "PatternComparison",
    "compared",
    "joined",
    "load_outcome",
    "measured_seconds",
    "reproduce",
    "reproduce_critical_n",
    "reproduce_patterns",
    "with_certified",
]
