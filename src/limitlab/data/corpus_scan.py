"""One pass over a corpus before facts are added to it: size, empty texts, repeated ids, attributes that occur."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from limitlab._core.errors import DataError, first_examples
from limitlab._core.progress import SILENT, Progress
from limitlab.data.formats.corpus import Corpus
from limitlab.data.phrases import Phrases, StemmedPhrases


@dataclass(frozen=True)
class CorpusScan:
    """What a pass found.

    Attributes
    ----------
    n_docs
        Documents.
    empty
        Positions of those without text, ascending int64.
    occurring
        The attributes that occur in some document: at the beginning of a word, or with the same stems.
    """

    n_docs: int
    empty: np.ndarray
    occurring: frozenset[str]


def scan_corpus(
    corpus: Corpus, attributes: Sequence[str], sentence_start: str, *, stemmed: bool = False, progress: Progress = SILENT
) -> CorpusScan:
    """Go through a corpus once. Memory: 8 bytes a document, whatever its texts.

    Parameters
    ----------
    attributes
        Those to be looked for.
    sentence_start
        How the sentence of facts begins; no document may hold it.
    stemmed
        Whether an attribute also occurs where its words have the same English stems.

    Raises
    ------
    DataError
        No documents, repeated ids, or a document that holds the sentence of facts already.
    """
    left = list(attributes)
    finders = _finders(left, stemmed)
    found: set[int] = set()
    occurring: set[str] = set()
    keys = array("Q")
    empty = array("q")
    taken: list[str] = []
    with progress.task("read the corpus", None) as bar:
        for position, doc in enumerate(corpus):
            keys.append(_key(doc.id))
            if not doc.text.strip():
                empty.append(position)
            if sentence_start in doc.text:
                taken.append(doc.id)
            for finder in finders:
                found |= finder.found_in(doc.text)
            if len(found) > 8 + len(left) // 20:  # what was found once need not be looked for again
                occurring.update(left[i] for i in found)
                left = [a for i, a in enumerate(left) if i not in found]
                finders, found = _finders(left, stemmed), set()
            bar.advance()
    occurring.update(left[i] for i in found)
    if not keys:
        raise DataError(f"{corpus.name}: the corpus is empty; at least one document is needed.")
    _check_distinct(corpus, np.frombuffer(keys, np.uint64))
    if taken:
        raise DataError(
            f"{corpus.name}: no document may hold the facts' own sentence ({sentence_start.strip()!r}); {len(taken)} do: {first_examples(taken)}. "
            "Pass the original corpus, or other templates."
        )
    return CorpusScan(len(keys), np.asarray(empty, np.int64), frozenset(occurring))


def _finders(phrases: list[str], stemmed: bool) -> list[Phrases | StemmedPhrases]:
    return [Phrases(phrases), StemmedPhrases(phrases)] if stemmed else [Phrases(phrases)]


def _key(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _check_distinct(corpus: Corpus, keys: np.ndarray) -> None:
    """Refuse repeated ids. Keys are hashes, so the ids behind equal ones are compared before anything is said."""
    ordered = np.sort(keys)
    repeated = set(ordered[1:][ordered[1:] == ordered[:-1]].tolist())
    if not repeated:
        return
    seen: dict[str, int] = {}
    for key, doc in zip(keys.tolist(), corpus):
        if key in repeated:
            seen[doc.id] = seen.get(doc.id, 0) + 1
    twice = [name for name, count in seen.items() if count > 1]
    if twice:
        raise DataError(f"{corpus.name}: ids must be distinct; {len(twice)} repeat: {first_examples(twice)}.")
