"""Answers of a platform as ranked lists of documents, and counts of everything that a reader must know about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from limitlab._core.errors import DataError, first_examples
from limitlab.retrieval.platforms.contract import Answer, Capabilities, Hit
from limitlab.retrieval.platforms.mapping import DocumentMap
from limitlab.search import RelevantRanks, RelevantSet, SearchResult

RANK_BY = ("score", "position")
_EXAMPLES = 3


def ranked(
    answers: Sequence[Answer | None],
    documents: DocumentMap,
    *,
    who: str,
    asked: int,
    wanted: int,
    k: int,
    rank_by: str,
    capabilities: Capabilities,
    places: np.ndarray,
    relevant: RelevantSet,
) -> tuple[SearchResult, dict[str, int | str]]:
    """Ranked lists of documents, and notes.

    A document's score is the greatest of its chunks, its position that of the first. Where a hit of an answer has no score, the whole answer
    is ranked by position. Equal scores are ties, under the rule of ``places``.

    Parameters
    ----------
    answers
        One a query; None for queries that were not asked.
    asked, wanted
        Hits that were asked for, and those of a full answer: fewer where the corpus is smaller.
    k
        Length of the lists returned.
    rank_by
        score | position.

    Raises
    ------
    DataError
        There are hits and none belongs to a document of the corpus.
    """
    indices = np.full((len(answers), k), -1, np.int64)
    scores = np.full((len(answers), k), -np.inf, np.float32)
    count: Counter[str] = Counter()
    strange: dict[str, None] = {}
    n_hits = 0
    for i, answer in enumerate(answers):
        if answer is None:
            count["queries_not_asked"] += 1
            continue
        hits = answer.hits
        n_hits += len(hits)
        count.update(answer.facts)
        count["empty_answers"] += not hits
        short = "answers_ended_by_token_budget" if capabilities.budget == "tokens" else "short_answers"
        count[short] += 0 < len(hits) < wanted
        count["long_answers"] += len(hits) > asked
        values = _values(hits, rank_by, capabilities.higher_is_better)
        count["answers_without_scores"] += any(hit.score is None for hit in hits)
        count["answers_out_of_order"] += rank_by == "score" and any(a < b for a, b in pairwise(values))
        best: dict[int, float] = {}
        repeats = 0
        for hit, value in zip(hits, values):
            row = documents.find(hit)
            if row is None:
                count["unknown_hits"] += 1
                strange.setdefault(hit.keys[0][1] if hit.keys else hit.text[:40])
                continue
            repeats += row in best
            best[row] = max(best.get(row, value), value)
        count["repeated_hits"] += repeats
        count["answers_with_repeats"] += repeats > 0
        kept = sorted(((np.float32(value), row) for row, value in best.items()), key=lambda pair: (-pair[0], places[pair[1]]))[:k]
        for at, (rounded, row) in enumerate(kept):
            indices[i, at], scores[i, at] = row, rounded
    if n_hits and count["unknown_hits"] == n_hits:
        raise DataError(
            f"{who}: hits must name documents of the corpus; none of {n_hits:,} does: {first_examples(strange)}. "
            "Pass id_field=, chunk_separator= or chunk_pattern=."
        )
    notes: dict[str, int | str] = {name: int(number) for name, number in sorted(count.items()) if number}
    if strange:
        notes["unknown_hits_such_as"] = first_examples(strange, n=_EXAMPLES)
    if documents.fields:
        notes["documents_named_by"] = ", ".join(f"{field} ({number:,} hits)" for field, number in sorted(documents.fields.items()))
    return SearchResult(indices, scores, RelevantRanks.from_lists(relevant, indices, scores, places)), notes


def _values(hits: Sequence[Hit], rank_by: str, higher_is_better: bool) -> list[float]:
    """What every hit is ranked by, higher first."""
    if rank_by == "position" or any(hit.score is None for hit in hits):
        return [-float(at) for at in range(len(hits))]
    return [float(hit.score) if higher_is_better else -float(hit.score) for hit in hits if hit.score is not None]
