"""Floor 5: measures, comparison, retriever x dataset -> result."""

from limitlab.evaluation.compare import Comparison, bootstrap, compare_paired
from limitlab.evaluation.evaluate import DEFAULT_MEASURES, EvaluationConfig, evaluate, load_result
from limitlab.evaluation.measures import Measure, parse_measures, per_query
from limitlab.evaluation.result import DatasetFacts, Estimate, EvaluationResult, Row, merged

__all__ = [
    "DEFAULT_MEASURES",
    "Comparison",
    "DatasetFacts",
    "Estimate",
    "EvaluationConfig",
    "EvaluationResult",
    "Measure",
    "Row",
    "bootstrap",
    "compare_paired",
    "evaluate",
    "load_result",
    "merged",
    "parse_measures",
    "per_query",
]
