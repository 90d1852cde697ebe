"""Training pairs, and the data that the trained model is evaluated on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from limitlab._core.errors import DataError, RangeError
from limitlab._core.files import content_hash
from limitlab._core.seeds import derived
from limitlab._core.texts import TextList
from limitlab.data import Dataset, LimitConfig, load, make_limit
from limitlab.data.limit import LimitPlan
from limitlab.relevance import RelevanceMatrix
from limitlab.training.config import USUAL_PAIRS, TrainConfig


@dataclass(frozen=True)
class TrainingPairs:
    """What the model sees while it learns.

    Attributes
    ----------
    queries, docs
        Texts of the pairs, in order: ``docs[i]`` is relevant to ``queries[i]``.
    relevant
        ``relevant[i]``: all texts that are relevant to ``queries[i]``, also those that are not drawn as a pair.
    test_queries
        Ids of the evaluated queries among them.
    shown
        Queries and documents of the pairs as a dataset: what the model fits.
    notes
        Counts for the record.
    """

    queries: tuple[str, ...]
    docs: tuple[str, ...]
    relevant: tuple[frozenset[str], ...]
    test_queries: tuple[str, ...]
    shown: Dataset
    notes: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.queries)

    def fingerprint(self) -> str:
        """16 hex digits over all texts, in order."""
        return content_hash([list(self.queries), list(self.docs), [sorted(r) for r in self.relevant]])


@dataclass(frozen=True)
class _Drawn:
    query: str
    query_id: str
    docs: tuple[str, ...]
    test: bool


def test_data(config: TrainConfig, n_docs: int) -> Dataset:
    """What is evaluated: LIMIT with ``n_docs`` documents, or the test split of the user's folder, whole."""
    if config.data == "limit":
        return make_limit(LimitConfig(n_docs=n_docs, n_queries=config.queries, seed=config.data_seed), name="LIMIT")
    return load(config.data, split="test")


def training_pairs(config: TrainConfig, test: Dataset) -> TrainingPairs:
    """The pairs of a configuration; the same seed gives the same pairs in the same order.

    Parameters
    ----------
    test
        From ``test_data``: the test split's pairs are its queries and relevant documents.

    Raises
    ------
    RangeError
        A folder has fewer pairs than asked for.
    DataError
        The folder has no qrels for the split.
    """
    if config.pairs is None:
        return counted_pairs(config, test)[1]
    rng = derived(config.seed, "pairs", config.split)
    if config.split == "mix":
        half = config.pairs // 2
        drawn = [*_taken(_from(test, test=True), config.pairs - half, rng, config), *_taken(_other(config), half, rng, config)]
    else:
        source = _from(test, test=True) if config.split == "test" else _other(config)
        drawn = _taken(source, config.pairs, rng, config)
    answers: dict[str, set[str]] = {}  # by text: further draws ask the same of other documents
    for d in drawn:
        answers.setdefault(d.query, set()).update(d.docs)
    flat = [(d.query, text, frozenset(answers[d.query])) for d in drawn for text in d.docs]
    order = rng.permutation(len(flat)).tolist()
    evaluated = set(test.queries)
    notes = {
        "pairs": len(flat),
        "queries": len({d.query for d in drawn}),
        "documents": len({text for _, text, _ in flat}),
        "queries_also_in_test": len({d.query for d in drawn} & evaluated),
    }
    return TrainingPairs(
        tuple(flat[i][0] for i in order),
        tuple(flat[i][1] for i in order),
        tuple(flat[i][2] for i in order),
        tuple(d.query_id for d in drawn if d.test),
        _shown(drawn),
        notes,
    )


def counted_pairs(config: TrainConfig, test: Dataset) -> tuple[TrainConfig, TrainingPairs]:
    """The same, with the number of pairs where none was asked for: 2,000, or all where there are fewer.

    Raises
    ------
    As ``training_pairs``.
    """
    asked = config if config.pairs is not None else replace(config, pairs=USUAL_PAIRS)
    while True:
        try:
            return asked, training_pairs(asked, test)
        except _TooFewPairs as error:
            fewer = error.available * (2 if config.split == "mix" else 1)
            if config.pairs is not None or fewer < 2:
                raise
            asked = replace(asked, pairs=fewer)


class _TooFewPairs(RangeError):
    """A split, or its half of a mix, has only so many."""

    available = 0


def _other(config: TrainConfig) -> Iterable[_Drawn]:
    """The train split: LIMIT about other attributes, draw after draw, or the folder's own train qrels."""
    if config.data != "limit":
        yield from _from(load(config.data, split="train"), test=False)
        return
    per_draw = config.attributes * LimitConfig().k
    asked: list[str] | None = None
    for draw in range(math.ceil((config.pairs or USUAL_PAIRS) / per_draw)):
        plan = _limit_draw(config, draw)
        asked = plan.asked if asked is None else asked
        plan.asked = asked  # other people like the same things: the number of different attributes is the one asked for
        texts = {i: text for ids, block in plan.blocks() for i, text in zip(ids, block)}
        docs: dict[str, list[str]] = {}
        for query_id, doc_id in plan.relevant_ids():
            docs.setdefault(query_id, []).append(texts[doc_id])
        for query_id, query in zip(plan.query_ids, plan.query_texts):
            yield _Drawn(query, query_id, tuple(docs[query_id]), test=False)


def _limit_draw(config: TrainConfig, draw: int) -> LimitPlan:
    """One set of documents for the train attributes; only those of the pairs are written."""
    # A seed of its own: with that of the test data the same people would like other things in both.
    seed = int(derived(config.data_seed, "training draw", draw).integers(2**31 - 1))
    n_docs = max(LimitConfig().k * config.attributes, 50)
    return LimitPlan(LimitConfig(n_docs=n_docs, n_queries=config.attributes, pattern=config.pattern, seed=seed, small=True, split="train"))


def _from(data: Dataset, *, test: bool) -> Iterable[_Drawn]:
    for i, (query_id, query) in enumerate(zip(data.queries.ids, data.queries)):
        docs = tuple(data.docs[int(j)] for j in data.relevance.row(i))
        if docs:
            yield _Drawn(query, query_id, docs, test)


def _taken(source: Iterable[_Drawn], pairs: int, rng: np.random.Generator, config: TrainConfig) -> list[_Drawn]:
    """Whole queries at random until there are ``pairs`` pairs."""
    found = list(source)
    available = sum(len(d.docs) for d in found)
    if available < pairs:
        way = "Ask more --queries" if config.data == "limit" else "Pass fewer --pairs"
        few = _TooFewPairs(
            f"train(): pairs must be at most {available:,} in split {config.split!r} of {config.data}; got pairs={config.pairs:,}. {way}."
        )
        few.available = available
        raise few
    out: list[_Drawn] = []
    count = 0
    for i in rng.permutation(len(found)).tolist():
        if count >= pairs:
            break
        out.append(found[i])
        count += len(found[i].docs)
    return out


def _shown(drawn: Sequence[_Drawn]) -> Dataset:
    """The drawn queries and their documents as a dataset."""
    texts = list(dict.fromkeys(text for d in drawn for text in d.docs))
    place = {text: j for j, text in enumerate(texts)}
    if len(texts) < 2:
        raise DataError("train(): the pairs must hold at least two different documents; they hold one. The loss needs negatives.")
    query_ids = [f"q{i}" for i in range(len(drawn))]
    doc_ids = [f"d{j}" for j in range(len(texts))]
    pairs = [(i, place[text]) for i, d in enumerate(drawn) for text in dict.fromkeys(d.docs)]
    relevance = RelevanceMatrix.from_pairs(
        np.array([i for i, _ in pairs]), np.array([j for _, j in pairs]), query_ids=query_ids, doc_ids=doc_ids
    )
    return Dataset("training pairs", TextList(doc_ids, texts), TextList(query_ids, [d.query for d in drawn]), relevance)


def describe(pairs: TrainingPairs) -> dict[str, Any]:
    """Counts for the record, with the hash of the pairs."""
    return {**pairs.notes, "fingerprint": pairs.fingerprint()}
