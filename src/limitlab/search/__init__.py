"""Floor 2: exact blocked top-k with its tie rules; the max-margin query of sets of documents."""

from limitlab.search.exact import SearchResult, exact_search, search_scores
from limitlab.search.fusion import FUSIONS, fused
from limitlab.search.pairs import documents_before, pair_scores
from limitlab.search.ranks import RelevantRanks, RelevantSet
from limitlab.search.separate import separate
from limitlab.search.separation import Separation
from limitlab.search.shards import Shards, open_shards
from limitlab.search.ties import TIE_RULES, tie_order
from limitlab.search.vectors import normalised

__all__ = [
    "FUSIONS",
    "TIE_RULES",
    "RelevantRanks",
    "RelevantSet",
    "SearchResult",
    "Separation",
    "Shards",
    "documents_before",
    "exact_search",
    "fused",
    "normalised",
    "open_shards",
    "pair_scores",
    "search_scores",
    "separate",
    "tie_order",
]
