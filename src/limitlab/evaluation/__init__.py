"""Floor 4: measures, comparison, retriever x dataset -> result."""

from limitlab.evaluation.compare import Comparison, bootstrap, compare_paired
from limitlab.evaluation.config import DEFAULT_MEASURES, EvaluationConfig
from limitlab.evaluation.evaluate import evaluate, unmeasured
from limitlab.evaluation.facts import dataset_facts
from limitlab.evaluation.gate import Check, GateReport, Minimum, gate
from limitlab.evaluation.measures import Measure, parse_measures, per_query
from limitlab.evaluation.pairs import PairedTest, compare_rows
from limitlab.evaluation.remarks import all_remarks, remarks
from limitlab.evaluation.result import DatasetFacts, Estimate, EvaluationResult, Row, merged
from limitlab.evaluation.stored import load_result

__all__ = [
    "DEFAULT_MEASURES",
    "Check",
    "Comparison",
    "DatasetFacts",
    "Estimate",
    "EvaluationConfig",
    "EvaluationResult",
    "GateReport",
    "Measure",
    "Minimum",
    "PairedTest",
    "Row",
    "all_remarks",
    "bootstrap",
    "compare_paired",
    "compare_rows",
    "dataset_facts",
    "evaluate",
    "gate",
    "load_result",
    "merged",
    "parse_measures",
    "per_query",
    "remarks",
    "unmeasured",
]
