"""Floor 1: relevance matrices, patterns and the query graph."""

from limitlab.relevance.matrix import RelevanceMatrix
from limitlab.relevance.patterns import PATTERNS, all_subsets, cycle, dense, dense_documents, disjoint, from_pattern, random
from limitlab.relevance.query_graph import QueryGraph, query_graph

__all__ = [
    "PATTERNS",
    "QueryGraph",
    "RelevanceMatrix",
    "all_subsets",
    "cycle",
    "dense",
    "dense_documents",
    "disjoint",
    "from_pattern",
    "query_graph",
    "random",
]
