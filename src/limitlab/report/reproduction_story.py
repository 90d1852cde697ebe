"""The story around the reproductions, for a reader who has read neither the paper nor what followed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Chapter:
    """A part of the story.

    Attributes
    ----------
    title
        Heading.
    paragraphs
        Before the experiments.
    experiments
        Names of those that belong here, in any order.
    always
        Whether it is shown when none of its experiments was run.
    works
        (who and when, what they say, what kind of statement that is, where), for a table behind the paragraphs.
    """

    title: str
    paragraphs: tuple[str, ...]
    experiments: tuple[str, ...] = ()
    always: bool = False
    works: tuple[tuple[str, str, str, str], ...] = ()


STORY = (
    Chapter(
        "The question",
        (
            "A single-vector retriever turns every document and every query into one vector of d numbers and ranks documents by inner product. "
            "In 2025 Weller, Boratko, Naim and Lee asked which sets of documents such a retriever can return at all, and answered: for given d, not all of them; "
            "and already a trivial dataset shows it.",
            "Three things are easily mixed up, and are kept apart here: what a theorem excludes, what some vectors attain, and where one optimiser or one trained model stops. "
            "A failed optimisation excludes nothing.",
        ),
        always=True,
    ),
    Chapter(
        "What theory excludes",
        (
            "The paper bounds the dimension by the sign rank of the relevance matrix, and, with unit vectors and a margin, by counting: queries for different sets must be apart from each other, "
            "and only so many fit on a sphere.",
            "Counting is not what limits practice. Without a margin 2k dimensions suffice for every set of k documents, whatever their number: place the documents on a moment curve; the query is a polynomial "
            "with double zeros at the wanted ones. This was known since 1985 for sign rank, was used for classifiers in 2023, and was brought to this debate by Wang and others and by Bangachev and others in 2026, who also show that with "
            "a margin of order 1 / sqrt(k) the dimension grows only as k log(n / k). What a given dimension, gap and number type hold is answered by the command limitlab capacity.",
        ),
        ("theorem-table",),
        always=True,
    ),
    Chapter(
        "Free embeddings: where one optimiser stops",
        (
            "To see what is possible at best the paper optimises the vectors themselves, on the judgements, without any text. For every d there is a critical n beyond which its optimiser "
            "(InfoNCE at temperature 0.1, Adam) no longer retrieves all pairs. A cubic through these points is read at the dimensions of real models.",
        ),
        ("critical-n",),
    ),
    Chapter(
        "LIMIT: a trivial dataset that models fail",
        (
            'LIMIT asks "Who likes apples?" of documents such as "Jon Smith likes apples, chess and hail." Two people like each thing asked for, and the 1,000 queries ask for (nearly) all pairs of 46 people among 50,000. '
            "BM25 finds them; the best embedding models find under a fifth.",
            "Dimension is not the reason: four dimensions hold all these judgements. What fails is the way from text to vector: the documents' vectors can nearly always be separated by some query vector, which the encoder does not give. "
            "The command limitlab diagnose measures this on any data.",
        ),
        ("limit-full", "limit-small", "synonyms", "patterns"),
    ),
    Chapter(
        "Does training help? Is it in other benchmarks?",
        (
            "The paper trains a model on data like LIMIT with other attributes, and sees no gain; trained on the test queries themselves it fits them. Others saw a gain of forty points with an easier wording, and almost no difference between the two on LIMIT-small. "
            "Two explanations stand: a domain that cannot be learnt, or vectors that drown in 50,000 distractors. They are told apart by evaluating the same model on 46, 1,000, 10,000 and 50,000 documents.",
        ),
        ("domain-shift", "graph-density", "beir-correlation"),
    ),
    Chapter(
        "What followed",
        (
            "Taken together: no theorem keeps a vector of usual length from holding such tasks, and trained single-vector encoders still fail at them. What is scarce is not dimensions but the margin that training reaches, "
            "the digits that a vector is stored in, and above all an encoder that keeps apart what a text lists. Numbers of others in this table were not measured here.",
        ),
        always=True,
        works=(
            (
                "Grivas and others, 2023",
                "2k + 1 dimensions make every set of k labels reachable, for classifiers; linear programs find those that are not.",
                "theorem",
                "arXiv 2310.10443",
            ),
            (
                "Wang and others, 2026",
                "Exactly min(2k, n - 1) dimensions for all sets of k among n, by inner product; no gap above n / sqrt(k (n - 1) (n - k)). Random token sums without training find LIMIT.",
                "theorem, and reported numbers",
                "arXiv 2601.20844",
            ),
            (
                "Bangachev and others, 2026",
                "A margin of order 1 / sqrt(k) needs of order k log(n / k) dimensions and no more. A sigmoid loss reaches a margin in a third of the dimensions that InfoNCE needs.",
                "theorem, and reported numbers",
                "arXiv 2605.23556",
            ),
            (
                "Archish S and others, 2026",
                "LIMIT's relevance has sign rank at most 5. What fails is drowning among many documents; after fine-tuning a single vector finds 40 % instead of 1 % (R@10), a multi-vector model 98 % instead of 40 %.",
                "theorem, and reported numbers",
                "arXiv 2603.29519",
            ),
            (
                "Okajima and Yoshida, 2026",
                "Bits times dimensions must grow as k ln n: below a number of bits a coordinate no dimension is enough.",
                "theorem as stated in its abstract",
                "arXiv 2606.11780",
            ),
            (
                "Accuracy collapse under dimensionality mismatch, 2026",
                "Data that D dimensions hold can fall to chance in much fewer: why the first values of a long vector may suddenly fail.",
                "theorem as stated in its abstract",
                "arXiv 2605.03346",
            ),
            (
                "Jayaram, 2026",
                "Some multi-vector scores cannot be approximated by single vectors of polynomial length.",
                "theorem as stated in its abstract",
                "arXiv 2606.23475",
            ),
            (
                "Degenhart and others, 2026",
                "LIMIT+ asks Boolean combinations: word matching stays near 96 %, the best dense model below 2 % of R@100.",
                "reported numbers",
                "arXiv 2605.03824",
            ),
            (
                "Learned sparse models on LIMIT",
                "Sparse vectors find most of LIMIT without training on it (R@100 of 70 to 82 %), nearly all after it.",
                "reported numbers",
                "github.com/frinkleko/LIMIT-Sparse-Embedding",
            ),
        ),
    ),
)
