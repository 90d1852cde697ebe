"""Floor 5: where recall is lost on the user's own data, level by level."""

from limitlab.diagnosis.best_query import BestQueries, best_queries
from limitlab.diagnosis.depth import Depth
from limitlab.diagnosis.diagnose import KIND, diagnose
from limitlab.diagnosis.dimension import DimensionAnswer, dimension_answer
from limitlab.diagnosis.drowning import Curve, Drowning
from limitlab.diagnosis.gaps import Gaps
from limitlab.diagnosis.gate import MaxLoss, gate_losses
from limitlab.diagnosis.geometry import Finding
from limitlab.diagnosis.index import IndexSpec, parse_index
from limitlab.diagnosis.remedies import REMEDIES, Remedy, RemedyPlan
from limitlab.diagnosis.result import KEYS, Diagnosis, Level, Missing, QueryDiagnosis
from limitlab.diagnosis.spread import Spread
from limitlab.diagnosis.stored import load_diagnosis
from limitlab.diagnosis.vector_files import VectorFile, read_ids, read_vectors

__all__ = [
    "KEYS",
    "KIND",
    "REMEDIES",
    "BestQueries",
    "Curve",
    "Depth",
    "Diagnosis",
    "DimensionAnswer",
    "Drowning",
    "Finding",
    "Gaps",
    "IndexSpec",
    "Level",
    "MaxLoss",
    "Missing",
    "QueryDiagnosis",
    "Remedy",
    "RemedyPlan",
    "Spread",
    "VectorFile",
    "best_queries",
    "diagnose",
    "dimension_answer",
    "gate_losses",
    "load_diagnosis",
    "parse_index",
    "read_ids",
    "read_vectors",
]
