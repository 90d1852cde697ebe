"""Floor 2: exact blocked top-k with its tie rules."""

from limitlab.search.exact import SearchResult, exact_search, search_scores
from limitlab.search.ranks import RelevantRanks, RelevantSet
from limitlab.search.ties import TIE_RULES, tie_order
from limitlab.search.vectors import normalised

__all__ = ["TIE_RULES", "RelevantRanks", "RelevantSet", "SearchResult", "exact_search", "normalised", "search_scores", "tie_order"]
