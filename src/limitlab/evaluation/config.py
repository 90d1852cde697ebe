"""What is measured, and how: the part of the cache key that is neither data nor retriever."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from limitlab._core.checks import choice, whole
from limitlab._core.errors import InvalidArgument
from limitlab.evaluation.measures import Measure, parse_measures
from limitlab.search import TIE_RULES

_LISTED = 100  # ranked documents kept a query at least
DEFAULT_MEASURES = ("recall@2", "recall@10", "recall@20", "recall@100", "all_relevant@2", "ndcg@10", "mrr@10")


@dataclass(frozen=True)
class EvaluationConfig:
    """What is measured and how; together with the dataset and the retriever it is the cache key.

    Attributes
    ----------
    measures
        Names such as "recall@2", "all_relevant@10", "ndcg@10", "mrr@10".
    ties
        trec | st | worst | best | expected.
    min_relevance
        The grade from which a document counts as relevant (ndcg uses the grades).
    n_resamples, seed
        Of the bootstrap intervals.
    """

    measures: tuple[str, ...] = DEFAULT_MEASURES
    ties: str = "trec"
    min_relevance: int = 1
    n_resamples: int = 2_000
    seed: int = 0
    parsed: tuple[Measure, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        who = "evaluate()"
        choice(who, "ties", self.ties, TIE_RULES)
        whole(who, "min_relevance", self.min_relevance, low=1)
        whole(who, "n_resamples", self.n_resamples, low=100)
        whole(who, "seed", self.seed, low=0)
        parsed = parse_measures(self.measures)
        if not parsed:
            raise InvalidArgument("evaluate(): at least one measure is needed, such as recall@10.")
        object.__setattr__(self, "parsed", parsed)
        object.__setattr__(self, "measures", tuple(m.name for m in parsed))

    @property
    def depth(self) -> int:
        """Ranked documents asked of a retriever."""
        return max(_LISTED, *(m.k for m in self.parsed))

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "measures": list(self.measures),
            "ties": self.ties,
            "min_relevance": self.min_relevance,
            "n_resamples": self.n_resamples,
            "seed": self.seed,
        }
