"""Every table and figure of the paper that is reproduced here: what it claims, what it costs, what was found since."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from limitlab._core.errors import UnknownName
from limitlab.reproduce.asked import Asked, Found
from limitlab.reproduce.experiment import Cost


@dataclass(frozen=True)
class Experiment:
    """An experiment.

    Attributes
    ----------
    name, title
        As the user writes it; as it is shown.
    claim
        What the paper says, in a sentence.
    home
        ``module:function`` within ``limitlab.reproduce``.
    costs
        By size. One size alone, "full", where the work is the same at every size.
    since
        What later work says about the claim, for readers: names and years.
    uses
        Which of models, limit, limit_small, beir and seed change what it finds.
    whole
        The data of those that, where given, are taken whole whatever the size.
    """

    name: str
    title: str
    claim: str
    home: str
    costs: Mapping[str, Cost]
    since: tuple[str, ...] = field(default=())
    uses: tuple[str, ...] = ()
    whole: str | None = None

    def size(self, asked: Asked) -> str:
        """The size at which it runs: full where the work is the same at every size, or where data that are given are taken whole."""
        whole = self.whole is not None and getattr(asked, self.whole) is not None
        return asked.size if asked.size in self.costs and not whole else "full"

    def cost(self, asked: Asked) -> Cost:
        """What it needs."""
        return self.costs[self.size(asked)]

    @property
    def run(self) -> Callable[[Asked], Found]:
        """The function, loaded."""
        module, _, name = self.home.partition(":")
        found: Callable[[Asked], Found] = getattr(importlib.import_module(f"limitlab.reproduce.{module}"), name)
        return found


_EXPERIMENTS = (
    Experiment(
        "theorem-table",
        "Theorem 1: least dimensions at a margin of 0.1",
        "Unit vectors with a margin of 0.1 for every k-subset of n documents need at least ln C(n, k) / ln 11 dimensions.",
        "theorem_table:theorem_table",
        {"full": Cost(1.0)},
        (
            "Without a margin 2k dimensions hold every set of k documents, for any n, exactly (Alon, Frankl and Rödl 1985; Wang and others 2026).",
            "With a gap the dimension grows as log n, with constructions that attain it (Bangachev and others 2026): the bound is of the right order.",
        ),
    ),
    Experiment(
        "critical-n",
        "Free embeddings: the critical number of documents",
        "Vectors optimised directly on the judgements fail beyond a critical n, a cubic in the dimension: 500,000 documents at d = 512, 250 million at d = 4,096.",
        "critical_n_run:critical_n_run",
        {
            "tiny": Cost(10.0),
            "small": Cost(60.0),
            "full": Cost(60 * 3600.0, 2.0, "helps", "optimisation at d = 4..45, three seeds"),
        },
        (
            "The curve measures one optimiser: another objective solves the same sizes, at d = 20 and 30 in about a hundredth of the time, and certified vectors hold far more documents.",
            "A quadratic fits the table up to d = 39 better than the cubic, and extrapolates to 4.7 million documents at d = 4,096 instead of 250 million.",
        ),
    ),
    Experiment(
        "limit-full",
        "LIMIT: 50,000 documents, two of which are relevant",
        "The best single-vector model reaches 18.9 % recall@100; BM25 93.6 %; a multi-vector model 54.8 %.",
        "limit_recall:limit_full",
        {"tiny": Cost(60.0, 1.0), "small": Cost(240.0, 1.0, "helps", "encoding"), "full": Cost(1800.0, 2.0, "helps", "encoding")},
        (
            "Four dimensions hold LIMIT exactly: it is no question of dimension. From MiniLM's own document vectors a query vector exists for every query tried.",
            "Random token sums, without any training, beat every single-vector model of the paper: the loss is in how texts are encoded.",
        ),
        uses=("models", "limit", "seed"),
        whole="limit",
    ),
    Experiment(
        "limit-small",
        "LIMIT-small: the 46 relevant documents alone",
        "Even with 46 documents single-vector models do not solve the task: at best 54.3 % recall@2.",
        "limit_recall:limit_small",
        {"tiny": Cost(30.0, 1.0), "small": Cost(60.0, 1.0), "full": Cost(60.0, 1.0)},
        ("46 documents in general position in 45 dimensions can be retrieved in every combination; again the encoder is what fails.",),
        uses=("models", "limit_small", "seed"),
        whole="limit_small",
    ),
    Experiment(
        "synonyms",
        "LIMIT-small with synonyms in the queries",
        "When queries ask a synonym, BM25 falls from 97.8 to 10.6 % recall@2: word matching was what made LIMIT easy for it.",
        "limit_recall:limit_synonyms",
        {"tiny": Cost(30.0, 1.0), "small": Cost(90.0, 1.0), "full": Cost(90.0, 1.0)},
        uses=("models", "seed"),
    ),
    Experiment(
        "patterns",
        "Four patterns of relevance",
        "The dense pattern, all pairs of the fewest documents, is far harder for embedding models than random, cycle or disjoint ones; BM25 finds all alike.",
        "pattern_recall:pattern_recall",
        {"tiny": Cost(90.0, 1.0), "small": Cost(300.0, 1.0, "helps", "encoding"), "full": Cost(1900.0, 2.0, "helps", "encoding")},
        (
            "Random token sums find the four patterns equally hard: what the dense pattern measures is how a trained encoder confuses documents that share attributes.",
        ),
        uses=("models", "seed"),
    ),
    Experiment(
        "domain-shift",
        "Does training on LIMIT help?",
        "Trained on LIMIT with other attributes a model stays at 2.8 % recall@10 or less; trained on the test queries it reaches 98 % and more: no matter of domain.",
        "domain_shift:domain_shift",
        {
            "tiny": Cost(30.0, 1.5),
            "small": Cost(600.0, 2.0, "helps", "training"),
            "full": Cost(6 * 3600.0, 3.0, "helps", "training and encoding"),
        },
        (
            "A repetition among the 46 documents found almost the same after both: 77 against 81 % at d = 1,024.",
            "The test split teaches the 46 documents, not only the queries: test queries that were not trained on gain nearly as much.",
        ),
        uses=("seed",),
    ),
    Experiment(
        "graph-density",
        "How entangled the queries are",
        "The query graph of LIMIT is denser than that of any other benchmark: density 0.085481, mean query strength 28.4653.",
        "graph_density:graph_density",
        {"full": Cost(5.0)},
        uses=("beir",),
    ),
    Experiment(
        "beir-correlation",
        "BEIR does not predict LIMIT",
        "BEIR averages and recall on LIMIT of six models do not correlate.",
        "beir_correlation:beir_correlation",
        {"full": Cost(5.0, note="and nDCG@10 on the BEIR folders given")},
        uses=("models", "beir"),
    ),
)
EXPERIMENTS: dict[str, Experiment] = {e.name: e for e in _EXPERIMENTS}


def experiment(name: str) -> Experiment:
    """An experiment by its name.

    Raises
    ------
    UnknownName
        There is none.
    """
    if name not in EXPERIMENTS:
        raise UnknownName.of("reproduce", "experiment", name, EXPERIMENTS)
    return EXPERIMENTS[name]
