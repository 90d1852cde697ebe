"""Floor 1: relevance matrices, patterns and the query graph."""

from limitlab.relevance.matrix import RelevanceMatrix
from limitlab.relevance.patterns import PATTERNS, all_subsets, cycle, dense, dense_documents, disjoint, from_pattern, random
from limitlab.relevance.query_graph import QueryGraph, query_graph
from limitlab.relevance.reduction import Reduction, reduced, with_other_document

__all__ = [
    "PATTERNS",
    "QueryGraph",
    "Reduction",
    "RelevanceMatrix",
    "all_subsets",
    "cycle",
    "dense",
    "dense_documents",
    "disjoint",
    "from_pattern",
    "query_graph",
    "random",
    "reduced",
    "with_other_document",
]
