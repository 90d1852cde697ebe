"""LIMIT on the user's own documents: short facts are added to some of them, and every query asks one fact.

The relevance is that of [Weller2025], a pattern over the chosen documents; the texts around the facts are the user's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.checks import choice, whole
from limitlab._core.errors import InvalidArgument, RangeError
from limitlab._core.progress import SILENT, Progress
from limitlab._core.seeds import derived
from limitlab._core.texts import TextList, Texts
from limitlab.data.corpus_scan import scan_corpus
from limitlab.data.dataset import Dataset
from limitlab.data.fact_words import LANGUAGES, FactWords
from limitlab.data.formats.corpus import Corpus, CorpusDocument
from limitlab.data.limit import length_matched
from limitlab.relevance import PATTERNS, RelevanceMatrix, dense_documents, from_pattern

POSITIONS = ("start", "end")
_WHO = "make stress"
_USUAL_CHOSEN = 1_000


@dataclass(frozen=True)
class StressConfig:
    """What to add.

    Attributes
    ----------
    n_chosen
        Documents that get facts. None: 1,000, or as many as the pattern needs or the corpus has.
    n_queries, k
        Queries, each asking an attribute of its own, and chosen documents relevant to each.
    pattern
        dense | random | cycle | disjoint, over the chosen documents.
    seed
        >= 0.
    facts_per_doc
        Facts that every chosen document gets. None: as many as the busiest one needs.
    language
        en | zh: of the sentence and its words.
    position
        start | end of the document's text. Encoders cut long texts at their end.
    """

    n_chosen: int | None = None
    n_queries: int = 300
    k: int = 2
    pattern: str = "dense"
    seed: int = 0
    facts_per_doc: int | None = None
    language: str = "en"
    position: str = "start"

    def __post_init__(self) -> None:
        whole(_WHO, "n_queries", self.n_queries, low=1)
        whole(_WHO, "k", self.k, low=1)
        whole(_WHO, "seed", self.seed, low=0)
        choice(_WHO, "pattern", self.pattern, PATTERNS)
        choice(_WHO, "language", self.language, LANGUAGES)
        choice(_WHO, "position", self.position, POSITIONS)
        if self.n_chosen is not None:
            whole(_WHO, "n_chosen", self.n_chosen, low=1)
        if self.facts_per_doc is not None:
            whole(_WHO, "facts_per_doc", self.facts_per_doc, low=1)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @property
    def needed(self) -> int:
        """The fewest chosen documents that the pattern can do with."""
        return {"dense": dense_documents(self.n_queries, self.k), "disjoint": self.n_queries * self.k}.get(self.pattern, self.k)

    @property
    def wanted(self) -> int:
        """Chosen documents when their number is not given and the corpus is large enough; a ring has as many as queries."""
        return max(_USUAL_CHOSEN, self.needed, self.n_queries if self.pattern == "cycle" else 0)


class StressPlan:
    """Everything decided after one pass over the corpus: which documents get which facts.

    Parameters
    ----------
    config, corpus
        What to add, to which documents.
    words
        Default: the built-in ones of ``config.language``.

    Raises
    ------
    DataError
        The corpus is empty or malformed, ids repeat, or documents hold the sentence of facts already.
    RangeError
        Too few documents with text, or too few attributes that do not occur in the corpus; each with the count and the way out.
    """

    def __init__(self, config: StressConfig, corpus: Corpus, words: FactWords | None = None, *, progress: Progress = SILENT) -> None:
        self.config, self.corpus = config, corpus
        self.words = FactWords.builtin(config.language) if words is None else words
        sayable = self.words.sayable()
        start = self.words.templates.document.split("{attributes}")[0]
        found = scan_corpus(corpus, sayable, start, stemmed=config.language == "en", progress=progress)
        self.n_docs, self.n_empty, self.n_occurring = found.n_docs, found.empty.size, len(found.occurring)
        self.n_chosen = self._how_many()
        self._chosen = self._choose(found.empty)
        seed = derived(config.seed, "stress pattern")
        logical = from_pattern(config.pattern, self.n_chosen, config.n_queries, k=config.k, seed=seed)
        self._pairs = np.repeat(np.arange(config.n_queries), config.k), self._chosen[logical.indices]
        self._asked_of: dict[int, list[int]] = {}
        for q, position in zip(*(side.tolist() for side in self._pairs)):
            self._asked_of.setdefault(position, []).append(q)
        self.facts_per_doc = self._per_doc()
        self.asked, self.filler = self._choose_attributes([a for a in sayable if a not in found.occurring], len(sayable))

    def _how_many(self) -> int:
        config, with_text = self.config, self.n_docs - self.n_empty
        empties = f" ({self.n_empty:,} of {self.n_docs:,} are empty)" if self.n_empty else ""
        if with_text < config.needed:
            raise RangeError(
                f"{_WHO}: the corpus must have at least {config.needed:,} documents with text for n_queries={config.n_queries:,}, k={config.k}, "
                f"pattern={config.pattern}; {self.corpus.name} has {with_text:,}{empties}. Ask fewer queries, or pass a larger corpus."
            )
        chosen = min(with_text, config.wanted) if config.n_chosen is None else config.n_chosen
        if not config.needed <= chosen <= with_text:
            raise RangeError(
                f"{_WHO}: n_chosen must be in [{config.needed:,}, {with_text:,}], from what n_queries={config.n_queries:,}, k={config.k}, "
                f"pattern={config.pattern} need to the documents with text{empties}; got n_chosen={chosen:,}."
            )
        return chosen

    def _choose(self, empty: np.ndarray) -> np.ndarray:
        """(n_chosen,) positions in random order: document j of the pattern lies at place j."""
        drawn = derived(self.config.seed, "stress chosen").choice(self.n_docs - empty.size, size=self.n_chosen, replace=False)
        # The i-th document with text lies behind as many empty ones as precede it.
        return drawn + np.searchsorted(empty - np.arange(empty.size), drawn, side="right")

    def _per_doc(self) -> int:
        busiest, given = max(map(len, self._asked_of.values())), self.config.facts_per_doc
        if given is not None and given < busiest:
            raise RangeError(
                f"{_WHO}: facts_per_doc must be at least {busiest}, the most queries that one document answers "
                f"(n_queries={self.config.n_queries:,}, k={self.config.k}, pattern={self.config.pattern}); got facts_per_doc={given}."
            )
        return busiest if given is None else given

    def _choose_attributes(self, free: list[str], known: int) -> tuple[list[str], list[str]]:
        """The attributes asked, one a query, and those that fill the other facts."""
        emptiest = min(map(len, self._asked_of.values())) if len(self._asked_of) == self.n_chosen else 0
        filling = self.facts_per_doc - emptiest
        if len(free) < self.config.n_queries + filling:
            raise RangeError(
                f"{_WHO}: there must be {self.config.n_queries + filling:,} attributes that do not occur in the corpus ({self.config.n_queries:,} "
                f"for queries, {filling:,} for other facts); of {known:,} known, {self.n_occurring:,} occur and {len(free):,} are left. "
                "Ask fewer queries, or pass a file of other attributes."
            )
        order = derived(self.config.seed, "stress attributes").permutation(len(free))
        mixed = [free[i] for i in order]
        asked, filler = mixed[: self.config.n_queries], mixed[self.config.n_queries :]
        return asked, length_matched(filler, asked, at_least=min(len(filler), 8 * self.facts_per_doc)) if filler else []

    # -- texts ---------------------------------------------------------------------------------------------------

    @property
    def query_ids(self) -> list[str]:
        """``query_0``, ``query_1``, ..."""
        return [f"query_{i}" for i in range(self.config.n_queries)]

    @property
    def query_texts(self) -> list[str]:
        """One text a query."""
        return [self.words.question(a) for a in self.asked]

    def documents(self) -> Iterator[tuple[int, CorpusDocument, str]]:
        """(position, document, added sentence) in corpus order; the sentence is empty where nothing was added."""
        chosen = np.zeros(self.n_docs, bool)
        chosen[self._chosen] = True
        for position, doc in enumerate(self.corpus):
            if position >= self.n_docs or not chosen[position]:
                yield position, doc, ""
                continue
            sentence = self.words.sentence(self._facts(position))
            text = doc.fields["text"]
            both = (sentence, text) if self.config.position == "start" else (text, sentence)
            yield position, doc.with_text(self.words.joined(*both) if text.strip() else sentence), sentence

    def _facts(self, position: int) -> list[str]:
        """The facts of a chosen document in random order; they depend on nothing but the seed and its position."""
        rng = derived(self.config.seed, "stress facts", position)
        own = [self.asked[q] for q in self._asked_of.get(position, ())]
        missing = self.facts_per_doc - len(own)
        facts = own + [self.filler[i] for i in (rng.choice(len(self.filler), size=missing, replace=False).tolist() if missing else ())]
        return [facts[i] for i in rng.permutation(len(facts)).tolist()]

    # -- relevance -----------------------------------------------------------------------------------------------

    @property
    def relevant(self) -> list[tuple[int, int]]:
        """(query number, document position) pairs, by query."""
        return list(zip(*(side.tolist() for side in self._pairs)))

    def relevance(self, doc_ids: list[str]) -> RelevanceMatrix:
        """The relevance matrix over the whole corpus."""
        return RelevanceMatrix.from_pairs(*self._pairs, query_ids=self.query_ids, doc_ids=doc_ids)

    def about(self) -> dict[str, Any]:
        """What the card says."""
        return {
            "generator": "stress",
            "seed": self.config.seed,
            "config": self.config.to_dict(),
            "corpus": self.corpus.origin(),
            "n_chosen": self.n_chosen,
            "facts_per_doc": self.facts_per_doc,
            "attributes_in_corpus": self.n_occurring,
            "empty_documents": self.n_empty,
            "templates": dict(self.words.templates.__dict__),
        }

    @property
    def name(self) -> str:
        """``my-corpus with facts, dense``."""
        return f"{self.corpus.name} with facts, {self.config.pattern}"


def make_stress(
    corpus: str | Path | Dataset | Texts,
    config: StressConfig | None = None,
    *,
    words: FactWords | None = None,
    name: str | None = None,
    **options: Any,
) -> Dataset:
    """The user's documents with facts added to some, and a query for every fact that is asked; in memory.

    Parameters
    ----------
    corpus
        A dataset folder, a file of JSON lines (``_id`` or ``id``, ``text``, perhaps ``title``), ``hf:owner/name``, a Dataset,
        or texts with ids. It is left as it is.
    config
        A StressConfig, or its fields as keywords: n_chosen, n_queries, k, pattern, seed, facts_per_doc, language, position.
    words
        Default: the built-in ones of the language.

    Raises
    ------
    DataError, RangeError
        See StressPlan.

    Examples
    --------
    >>> from limitlab.data import Dataset
    >>> texts = {f"d{i}": f"Report number {i}." for i in range(40)}
    >>> made = make_stress(Dataset.from_texts(texts, {"q": "?"}, {"q": {"d0": 1}}), n_queries=10, n_chosen=5)
    >>> made.n_docs, made.relevance.n_relevant
    (40, 20)

    References
    ----------
    [Weller2025]
    """
    plan = StressPlan(_config("make_stress()", config, options), Corpus(corpus), words)
    made = [doc for _, doc, _ in plan.documents()]
    ids = [doc.id for doc in made]
    about = plan.about()
    return Dataset(
        name or plan.name,
        TextList(ids, [doc.text for doc in made]),
        TextList(plan.query_ids, plan.query_texts),
        plan.relevance(ids),
        notes={"empty_documents": plan.n_empty} if plan.n_empty else {},
        origin={**about, "pattern": plan.config.pattern},
    )


def write_stress(
    corpus: str | Path | Dataset | Texts,
    folder: str | Path,
    *,
    config: StressConfig | None = None,
    words: FactWords | None = None,
    overwrite: bool = False,
    progress: Progress = SILENT,
    **options: Any,
) -> Path:
    """Stream the user's documents with facts added to some into a new folder; the corpus is read twice and left as it is.

    Lines of other documents are copied unchanged. ``facts.jsonl`` lists the documents that were changed, with what was added.
    Memory does not grow with the texts: 9 bytes a document, and what the chosen ones need.

    Returns
    -------
    The folder's path. It appears only when complete.

    Raises
    ------
    InvalidArgument
        The folder exists and ``overwrite`` is not set, or it holds the corpus itself.
    DataError, RangeError
        See StressPlan.
    """
    from limitlab.data.formats.writing import write_facts

    config = _config("write_stress()", config, options)
    source = Corpus(corpus)
    target = Path(folder).resolve()
    if source.path is not None and (target in source.path.resolve().parents or target == source.path.resolve()):
        raise InvalidArgument(f"{_WHO}: the output must be another folder than that of the corpus, which stays as it is; got {folder}.")
    return write_facts(lambda: StressPlan(config, source, words, progress=progress), folder, overwrite=overwrite, progress=progress)


def _config(who: str, config: StressConfig | None, options: dict[str, Any]) -> StressConfig:
    if config is not None and options:
        raise InvalidArgument(f"{who}: a config or its fields are expected, not both; got config= and {', '.join(options)}=.")
    return StressConfig(**options) if config is None else config
