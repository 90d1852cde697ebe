"""Phrases found in texts where a tokeniser may see them: the leak rule of the audit and of the generators."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from operator import add

from limitlab._core.scripts import UNSPACED
from limitlab.data.vocabulary import word_stems

_WORD = re.compile(rf"[^\W_{UNSPACED}]+")
_RUN = re.compile(rf"[{UNSPACED}]")
_SEEN_WORDS = 1 << 18  # distinct words remembered; a corpus of any size stays within it


class Phrases:
    """Finds phrases where they begin at a word: "Law" in "Lawyers", not "Oats" in "Goats".

    Scripts without spaces show no words, so a phrase that holds such a character is found wherever it stands.

    Parameters
    ----------
    phrases
        The phrases; case does not matter.
    """

    def __init__(self, phrases: Sequence[str]) -> None:
        self._texts = [p.lower() for p in phrases]
        self._first_words: dict[str, list[int]] = {}  # of phrases of several words: the first must be there whole
        self._prefixes: dict[str, list[int]] = {}
        self._pieces: dict[str, list[int]] = {}  # the first two characters of phrases that are found anywhere
        for i, text in enumerate(self._texts):
            words = _WORD.findall(text)
            if _RUN.search(text):
                self._pieces.setdefault(text[:2], []).append(i)
            elif words:
                (self._first_words if len(words) > 1 else self._prefixes).setdefault(words[0], []).append(i)
        self._lengths = sorted({len(p) for p in self._prefixes})
        self._single = any(len(p) == 1 for p in self._pieces)
        self._seen: set[str] = set()
        self._starting: dict[str, tuple[int, ...]] = {}  # words seen that some phrase may begin with

    def found_in(self, text: str) -> set[int]:
        """Numbers of the phrases that occur in a text."""
        text = text.lower()
        hit: set[int] = set()
        if self._lengths or self._first_words:
            words = set(_WORD.findall(text))
            if len(self._seen) > _SEEN_WORDS:
                self._seen.clear()
                self._starting.clear()
            self._learn(words - self._seen)
            for word in words & self._starting.keys():
                hit.update(i for i in self._starting[word] if i not in hit and _begins_a_word(self._texts[i], text))
        if self._pieces:
            pieces = set(map(add, text, text[1:])).union(text if self._single else ())
            for piece in pieces & self._pieces.keys():
                hit.update(i for i in self._pieces[piece] if self._texts[i] in text)
        return hit

    def _learn(self, words: Iterable[str]) -> None:
        for word in words:
            found = [*self._first_words.get(word, ())]
            for length in self._lengths:
                if length > len(word):
                    break
                found += self._prefixes.get(word[:length], ())
            if found:
                self._starting[word] = tuple(found)
            self._seen.add(word)


class StemmedPhrases:
    """Finds English phrases as a lexical retriever with a stemmer does: "Torches" in "a torch", not in "torchlight".

    Parameters
    ----------
    phrases
        The phrases; case does not matter.
    """

    def __init__(self, phrases: Sequence[str]) -> None:
        self._stems = [word_stems(p) for p in phrases]
        self._first: dict[str, list[int]] = {}
        for i, stems in enumerate(self._stems):
            if stems:
                self._first.setdefault(stems[0], []).append(i)
        self._stem_of: dict[str, str] = {}  # of words seen
        self._starting: dict[str, list[int]] = {}  # words seen whose stem some phrase begins with

    def found_in(self, text: str) -> set[int]:
        """Numbers of the phrases that occur in a text."""
        words = _WORD.findall(text.lower())
        distinct = set(words)
        if len(self._stem_of) > _SEEN_WORDS:
            self._stem_of.clear()
            self._starting.clear()
        new = [word for word in distinct if word not in self._stem_of]
        for word, stem in zip(new, word_stems(" ".join(new)), strict=True):
            self._stem_of[word] = stem
            if stem in self._first:
                self._starting[word] = self._first[stem]
        hit: set[int] = set()
        begun = distinct & self._starting.keys()
        there = {self._stem_of[word] for word in distinct} if begun else set()
        for word in begun:
            for i in self._starting[word]:
                stems = self._stems[i]
                if there.issuperset(stems) and (len(stems) == 1 or self._follows(words, word, stems)):
                    hit.add(i)
        return hit

    def _follows(self, words: list[str], first: str, stems: tuple[str, ...]) -> bool:
        """Whether the rest of a phrase stands behind its first word somewhere."""
        at, last = -1, len(words) - len(stems)
        for _ in range(words.count(first)):
            at = words.index(first, at + 1)
            if at > last:
                return False
            if all(self._stem_of[w] == s for w, s in zip(words[at + 1 : at + len(stems)], stems[1:])):
                return True
        return False


def _begins_a_word(phrase: str, text: str) -> bool:
    at = text.find(phrase)
    while at >= 0:
        before = text[at - 1] if at else ""
        if not (before.isalnum() and phrase[0].isalnum()) or _RUN.match(before):
            return True
        at = text.find(phrase, at + 1)
    return False
