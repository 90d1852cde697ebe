"""The LIMIT generator: any size, any pattern, streamed, the same bytes for the same seed.

The construction of [Weller2025]: every query asks one attribute of its own; its relevant documents are given that
attribute; then every document is filled to the same number of attributes with ones that no query asks, in random order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from limitlab._core.checks import choice, whole
from limitlab._core.errors import InvalidArgument, RangeError
from limitlab._core.seeds import derived
from limitlab._core.texts import TextList
from limitlab.data.dataset import Dataset
from limitlab.data.names import KeyedPermutation, Names
from limitlab.data.vocabulary import Vocabulary
from limitlab.relevance import PATTERNS, RelevanceMatrix, dense_documents, from_pattern

BLOCK = 8192  # documents a random stream serves: part of what a seed means, do not change
_POOL = 1000  # attributes each split keeps for its queries when the vocabulary is large enough
_USUAL_ATTRIBUTES = 45  # a document, as in the released LIMIT-small


@dataclass(frozen=True)
class LimitConfig:
    """What to make.

    Attributes
    ----------
    n_docs, n_queries, k
        Sizes; k documents are relevant to each query.
    pattern
        dense | random | cycle | disjoint.
    seed
        >= 0.
    attributes_per_doc
        None: 45, or as many as the busiest document needs.
    small
        Keep only the relevant documents, with the texts they have in the full dataset.
    split
        "test" or "train": their queries ask disjoint sets of attributes, for every pair of seeds.
    synonyms
        The query asks a synonym of the attribute that the documents hold; only attributes that have one are asked.
    """

    n_docs: int = 50_000
    n_queries: int = 1_000
    k: int = 2
    pattern: str = "dense"
    seed: int = 0
    attributes_per_doc: int | None = None
    small: bool = False
    split: str = "test"
    synonyms: bool = False

    def __post_init__(self) -> None:
        who = "make_limit()"
        whole(who, "n_docs", self.n_docs, low=1, high=2**31 - 1)
        whole(who, "n_queries", self.n_queries, low=1)
        whole(who, "k", self.k, low=1, high=self.n_docs, high_name="n_docs")
        whole(who, "seed", self.seed, low=0)
        choice(who, "pattern", self.pattern, PATTERNS)
        choice(who, "split", self.split, ("test", "train"))
        if self.attributes_per_doc is not None:
            whole(who, "attributes_per_doc", self.attributes_per_doc, low=1)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @property
    def name(self) -> str:
        """``LIMIT dense, 50,000 documents``."""
        size = "relevant documents only" if self.small else f"{self.n_docs:,} documents"
        extra = (", synonyms" if self.synonyms else "") + (", train" if self.split == "train" else "")
        return f"LIMIT {self.pattern}, {size}{extra}"


class LimitPlan:
    """Everything decided before the first document is written.

    Parameters
    ----------
    config, vocabulary
        What to make, from which words.

    Raises
    ------
    RangeError
        More queries than attributes, too few documents for the pattern, or fewer attributes a document than it needs;
        each with the count and the way out.
    """

    def __init__(self, config: LimitConfig, vocabulary: Vocabulary | None = None) -> None:
        self.config = config
        self.vocabulary = Vocabulary.builtin() if vocabulary is None else vocabulary
        need = dense_documents(config.n_queries, config.k) if config.pattern == "dense" else config.k
        if config.n_docs < need:
            raise RangeError(
                f"make_limit(): n_docs must be at least {need} for n_queries={config.n_queries}, k={config.k}, pattern={config.pattern}; got n_docs={config.n_docs}."
            )
        logical = from_pattern(config.pattern, config.n_docs, config.n_queries, k=config.k, seed=derived(config.seed, "pattern"))
        # Relevant documents lie anywhere in the corpus: document j of the pattern goes to a permuted place.
        self._places = KeyedPermutation(config.n_docs, config.seed, "places")
        columns = self._places(logical.indices)
        rows = np.repeat(np.arange(config.n_queries), config.k)
        self.relevant_docs = np.unique(columns)
        self._asked_of: dict[int, list[int]] = {int(j): [] for j in self.relevant_docs}
        for q, j in zip(rows.tolist(), columns.tolist()):
            self._asked_of[j].append(q)
        self._pairs = rows, columns
        self.attributes_per_doc = self._per_doc()
        self.asked, self.filler = self._choose_attributes()
        pack = self.vocabulary.pack
        self._names = Names(
            self.vocabulary.first_names, self.vocabulary.last_names, config.n_docs, config.seed, form=pack.name, initials=pack.initials
        )

    def _per_doc(self) -> int:
        busiest = max(map(len, self._asked_of.values()))
        given = self.config.attributes_per_doc
        if given is not None and given < busiest:
            raise RangeError(
                f"make_limit(): attributes_per_doc must be at least {busiest}, the most queries that one document answers "
                f"(n_queries={self.config.n_queries}, k={self.config.k}, pattern={self.config.pattern}); got attributes_per_doc={given}."
            )
        return max(_USUAL_ATTRIBUTES, busiest) if given is None else given

    def _choose_attributes(self) -> tuple[list[str], list[str]]:
        """The attributes asked, one a query, and those that may fill documents."""
        config, words = self.config, self.vocabulary
        rng = derived(config.seed, "asked", config.split)
        pools = attribute_pools(words)
        # Only test may borrow from the fillers: the attributes of the two splits stay disjoint whatever is asked.
        first, spare = pools[config.split], pools["filler"] if config.split == "test" else []
        if config.synonyms:
            first, spare = [a for a in first + spare if a in words.synonyms], []
        rest = [a for a in pools["filler"] if a not in set(first)] if config.synonyms else pools["filler"]
        # What the emptiest document takes; the same for the small dataset, whose texts are those of the full one.
        kept = self.attributes_per_doc - (min(map(len, self._asked_of.values())) if len(self._asked_of) == config.n_docs else 0)
        most = len(first) + max(0, len(spare) - kept)
        if len(rest) < kept:
            raise RangeError(
                f"make_limit(): attributes_per_doc must be at most {len(rest):,}, the attributes that may fill documents (the vocabulary has "
                f"{len(words.attributes):,}, the others are kept for queries); got attributes_per_doc={self.attributes_per_doc:,}. Pass an attribute file with more."
            )
        if config.n_queries > most:
            wanted = "attributes with a synonym" if config.synonyms else "attributes"
            raise RangeError(
                f"make_limit(): n_queries must be at most {max(0, most):,} in split {config.split!r}: of the vocabulary's {len(words.attributes):,} attributes, "
                f"{len(first):,} {wanted} are for its queries, and {kept:,} of {len(rest):,} others are needed to fill documents; got n_queries={config.n_queries:,}. "
                "Ask fewer queries, or pass an attribute file with more."
            )
        asked = [first[i] for i in rng.permutation(len(first))[: config.n_queries]]
        taken = [spare[i] for i in rng.permutation(len(spare))[: config.n_queries - len(asked)]]
        unasked = set(taken) | set(asked)
        fillers = [a for a in rest if a not in unasked]
        if not fillers:
            return asked + taken, fillers
        return asked + taken, length_matched(fillers, asked + taken, at_least=min(len(fillers), 8 * self.attributes_per_doc))

    # -- texts ---------------------------------------------------------------------------------------------------

    @cached_property
    def query_texts(self) -> list[str]:
        """One text a query."""
        asked = [self.vocabulary.synonyms[a] for a in self.asked] if self.config.synonyms else self.asked
        return [self.vocabulary.templates.query.replace("{attribute}", a) for a in asked]

    @cached_property
    def query_ids(self) -> list[str]:
        """``query_0``, ``query_1``, ... as in the release."""
        return [f"query_{i}" for i in range(self.config.n_queries)]

    def blocks(self) -> Iterator[tuple[list[str], list[str]]]:
        """(ids, texts) of consecutive documents, in corpus order. A document's id is its name."""
        n = self.config.n_docs
        wanted = self.relevant_docs
        for number, start in enumerate(range(0, n, BLOCK)):
            stop = min(start + BLOCK, n)
            inside = wanted[np.searchsorted(wanted, start) : np.searchsorted(wanted, stop)]
            if self.config.small and not inside.size:
                continue
            yield self._block(number, start, stop, inside)

    def _block(self, number: int, start: int, stop: int, relevant: np.ndarray) -> tuple[list[str], list[str]]:
        per_doc, filler = self.attributes_per_doc, self.filler
        rng = derived(self.config.seed, "filler", number)
        numbers = relevant if self.config.small else np.arange(start, stop)
        names = self._names.of(numbers)
        rows: list[list[str]] = []
        if not self.config.small:
            rows = (
                [[filler[i] for i in row] for row in _distinct_rows(rng, stop - start, per_doc, len(filler)).tolist()]
                if relevant.size < stop - start
                else [[] for _ in range(stop - start)]
            )
        rng = derived(self.config.seed, "relevant", number)
        for j in relevant.tolist():
            own = [self.asked[q] for q in self._asked_of[j]]
            fill = rng.choice(len(filler), size=per_doc - len(own), replace=False).tolist() if per_doc > len(own) else []
            mixed = own + [filler[i] for i in fill]
            mixed = [mixed[i] for i in rng.permutation(per_doc).tolist()]
            if self.config.small:
                rows.append(mixed)
            else:
                rows[j - start] = mixed
        return names, [self._document(name, row) for name, row in zip(names, rows)]

    def _document(self, name: str, attributes: list[str]) -> str:
        t = self.vocabulary.templates
        listed = t.separator.join(attributes[:-1]) + t.last_separator + attributes[-1] if len(attributes) > 1 else attributes[0]
        return t.document.replace("{attributes}", listed).replace("{name}", name)

    # -- relevance -----------------------------------------------------------------------------------------------

    @property
    def n_written(self) -> int:
        """Documents that will be written."""
        return self.relevant_docs.size if self.config.small else self.config.n_docs

    def relevant_ids(self) -> list[tuple[str, str]]:
        """(query id, document id) pairs, by query."""
        rows, columns = self._pairs
        names = dict(zip(self.relevant_docs.tolist(), self._names.of(self.relevant_docs)))
        return [(self.query_ids[q], names[j]) for q, j in zip(rows.tolist(), columns.tolist())]

    def relevance(self, doc_ids: list[str]) -> RelevanceMatrix:
        """The relevance matrix over the written documents."""
        rows, columns = self._pairs
        if self.config.small:
            columns = np.searchsorted(self.relevant_docs, columns)
        return RelevanceMatrix.from_pairs(rows, columns, query_ids=self.query_ids, doc_ids=doc_ids)


def make_limit(
    config: LimitConfig | None = None, *, vocabulary: Vocabulary | None = None, name: str | None = None, **options: Any
) -> Dataset:
    """A LIMIT-like dataset in memory.

    Parameters
    ----------
    config
        A LimitConfig, or its fields as keywords: n_docs, n_queries, k, pattern, seed, attributes_per_doc, small, split, synonyms.
    vocabulary
        Default: the built-in English one.

    Raises
    ------
    RangeError
        See LimitPlan.

    Examples
    --------
    >>> make_limit(small=True).n_docs
    46

    References
    ----------
    [Weller2025]
    """
    if config is not None and options:
        raise InvalidArgument(f"make_limit(): a config or its fields are expected, not both; got config= and {', '.join(options)}=.")
    config = LimitConfig(**options) if config is None else config
    plan = LimitPlan(config, vocabulary)
    ids: list[str] = []
    texts: list[str] = []
    for block_ids, block_texts in plan.blocks():
        ids += block_ids
        texts += block_texts
    return Dataset(
        name or config.name,
        TextList(ids, texts),
        TextList(plan.query_ids, plan.query_texts),
        plan.relevance(ids),
        origin={
            "generator": "limit",
            "pattern": config.pattern,
            "config": config.to_dict(),
            "attributes_per_doc": plan.attributes_per_doc,
            "templates": dict(plan.vocabulary.templates.__dict__),
        },
    )


def write_limit(
    config: LimitConfig, folder: Any, *, vocabulary: Vocabulary | None = None, overwrite: bool = False, progress: Any = None
) -> Any:
    """Stream a LIMIT-like dataset to a folder that BEIR, ``datasets`` and mteb open; memory does not grow with n_docs.

    Returns
    -------
    The folder's path. It appears only when complete.
    """
    from limitlab.data.formats import write_stream

    plan = LimitPlan(config, vocabulary)
    return write_stream(plan, folder, overwrite=overwrite, progress=progress)


def attribute_pools(vocabulary: Vocabulary) -> dict[str, list[str]]:
    """Which attributes test queries, train queries, and neither may ask: {"test": ..., "train": ..., "filler": ...}.

    Fixed by the vocabulary alone, so that no seed of one split asks an attribute of the other: 1,000 (a third of a small
    vocabulary) are for each split. The three have the same distribution of lengths, or the length of a document would
    give its relevance away.
    """
    words = list(vocabulary.attributes)
    shuffled = [words[i] for i in derived(0, "pools").permutation(len(words))]
    ordered = sorted(shuffled, key=len)
    pool = min(_POOL, len(words) // 3)
    # Dealt like cards along the lengths: of every stretch of the sorted list each pool gets its share.
    share = pool / max(1, len(words))
    pools: dict[str, list[str]] = {"test": [], "train": [], "filler": []}
    for i, word in enumerate(ordered):
        turn = int((i + 1) * 2 * share) - int(i * 2 * share)
        target = "filler" if not turn else "test" if len(pools["test"]) <= len(pools["train"]) else "train"
        pools[target].append(word)
    return pools


def length_matched(fillers: list[str], asked: list[str], *, at_least: int) -> list[str]:
    """Fillers without the longest (or shortest) ones, so that their mean length is that of the asked; at least ``at_least`` stay."""
    ordered = sorted(fillers, key=len)
    goal = sum(map(len, asked)) / len(asked)
    total = sum(map(len, ordered))
    dropped: set[str] = set()
    while len(ordered) > at_least and abs(total / len(ordered) - goal) > 0.02:
        word = ordered.pop(-1 if total / len(ordered) > goal else 0)
        if (total / (len(ordered) + 1) - goal) * ((total - len(word)) / len(ordered) - goal) < 0:
            break  # one more would overshoot
        total -= len(word)
        dropped.add(word)
    return [f for f in fillers if f not in dropped]


def _distinct_rows(rng: np.random.Generator, rows: int, per_row: int, n: int) -> np.ndarray:
    """(rows, per_row) of numbers below n, distinct within a row, uniform over ordered selections."""
    if per_row * per_row > 6 * n:  # fewer than one draw in twenty would have no repetition
        return np.stack([rng.permutation(n)[:per_row] for _ in range(rows)])
    out = rng.integers(n, size=(rows, per_row), dtype=np.int32)
    again = np.arange(rows)
    while again.size:
        ordered = np.sort(out[again], axis=1)
        again = again[(ordered[:, 1:] == ordered[:, :-1]).any(axis=1)]
        out[again] = rng.integers(n, size=(again.size, per_row), dtype=np.int32)
    return out
