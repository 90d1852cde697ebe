"""What the report says in another language: English sentences with places for values, and how each reads there.

The English sentence is the name of its message, as in gettext: results that were stored long ago hold sentences and no keys, and can still be
shown in Chinese. One file a language, ``messages/<language>.toml``, is all a translator edits; its head explains how entries are written.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources

from limitlab._core.errors import DataError

NUMBER = r"(?:[+±−-]?\d[\d,.]*(?:e[+-]?\d+)?(?: (?:million|billion|trillion|M|bn|tn)\b)?|%\{[^{}]*\}|10\^\([^()]*\))"
_WITHIN_A_SENTENCE = r"(?:(?!(?<=[.?!]) (?=[A-Z])).)+?"
_PLACE = re.compile(r"(?<!%)\{([^{}]*)\}")
_KINDS = {"": _WITHIN_A_SENTENCE, "n": NUMBER, "w": r"\S+?", "part": r"(?:(?![,;] ).)+?", "clause": r"(?:(?!; ).)+?", "all": r".+?"}
_BORDER = re.compile(r"(?<=[.?!]) +(?=[A-Z\ue000“\"])")
_HAN = r"[\u2e80-\u2fff\u3040-\u9fff\uf900-\ufaff]"
_SHORT = 12  # characters of a list's longest part up to which it is a list of words, not of clauses
_FIRST_NAME, _MOST_NAMES = 0xE100, 200
_LATIN = r"[A-Za-z0-9+−@\ue100-\uf0ff]"
_FULL = "，。：；！？、（）“”《》"
_LARGE = {"million": (100, "万"), "M": (100, "万"), "billion": (10, "亿"), "bn": (10, "亿"), "trillion": (1, "万亿"), "tn": (1, "万亿")}


@dataclass(frozen=True)
class Entry:
    """One message: the English sentence as a pattern, and the pieces of its translation, names of places at odd positions."""

    english: str
    pattern: re.Pattern[str]
    anchor: str
    pieces: tuple[str, ...]

    @property
    def weight(self) -> int:
        """How much of the sentence is fixed; where several patterns fit, the one that fixes most is meant."""
        return len(_PLACE.sub("", self.english))


class MessageBook:
    """All messages of one language.

    Parameters
    ----------
    messages
        English sentence -> translation. Places: ``{name}`` any words within a sentence, ``{name:n}`` a number, ``{name:w}`` one word,
        ``{name:part}`` up to a comma, ``{name:clause}`` up to a semicolon, ``{name:all}`` anything; ``{one/other}`` one of several fixed
        words. What stands in a place is translated too.

    Raises
    ------
    DataError
        A translation names a place that its sentence does not have.
    """

    def __init__(self, messages: Mapping[str, str]) -> None:
        self.messages = {_marked(english): _marked(words) for english, words in messages.items()}
        self._exact = {english: words for english, words in self.messages.items() if not _PLACE.search(english)}
        self._known: dict[tuple[str, frozenset[str]], str | None] = {}

    @cached_property
    def entries(self) -> list[Entry]:
        """The messages with places, those with most fixed words first."""
        found = [_entry(english, words) for english, words in self.messages.items() if english not in self._exact]
        return sorted(found, key=lambda e: -e.weight)

    def said(self, text: str, names: frozenset[str] = frozenset()) -> str:
        """``text`` in the book's language; what no message fits stays as it is.

        Parameters
        ----------
        text
            A word, a sentence or several, on one line.
        names
            The user's own words, which are never translated.
        """
        masks = {name: chr(_FIRST_NAME + i) for i, name in enumerate(sorted(filter(_distinct, names), key=len, reverse=True)[:_MOST_NAMES])}
        masked = text
        for name, mask in masks.items():
            if text != name:
                masked = masked.replace(name, mask)
        words = self._found(masked, names)
        if words is None:
            return text
        for name, mask in masks.items():
            words = words.replace(mask, name)
        return words

    def _found(self, text: str, names: frozenset[str]) -> str | None:
        key = (text, names)
        if key not in self._known:
            self._known[key] = None  # a text that is asked for while it is looked up has no translation
            self._known[key] = self._looked_up(text, names)
        return self._known[key]

    def _looked_up(self, text: str, names: frozenset[str]) -> str | None:
        if text in names or not text.strip():
            return None
        words = self._one(text, names)
        if words is None and text[:2] in (": ", "; ", ", "):
            rest = self._found(text[2:], names)
            words = None if rest is None else "：；，"[":;,".index(text[0])] + rest
        if words is None:
            words = self._several(text, names)
        return words if words is not None else _numbers(text)

    def _one(self, text: str, names: frozenset[str]) -> str | None:
        exact = self._exact.get(text) or self._exact.get(text[:1].lower() + text[1:])
        if exact is not None:
            return exact
        if not re.search(r"[A-Za-z]", text):
            return None
        for entry in self.entries:
            if entry.anchor in text and (match := entry.pattern.fullmatch(text)):
                return _filled(entry.pieces, {name: self._found(value, names) or value for name, value in match.groupdict().items()})
        return None

    def _several(self, text: str, names: frozenset[str]) -> str | None:
        """Sentences, as many at a time as one message has; else the parts of a list, if half of them have a translation."""
        sentences = _BORDER.split(text)
        if len(sentences) > 1:
            return self._in_turn(sentences, names)
        for parts, mark in ((text.split("; "), "；"), (text.split(", "), "")):
            found = [self._found(part, names) or part for part in parts]
            if len(parts) > 1 and sum(bool(re.search(_HAN, words)) for words in found) >= len(parts) / 2:
                return (mark or ("、" if max(map(len, found)) <= _SHORT else "，")).join(found)
        return None

    def _in_turn(self, sentences: list[str], names: frozenset[str]) -> str | None:
        told: list[str] = []
        at, any_found = 0, False
        while at < len(sentences):
            for end in range(len(sentences) if at else len(sentences) - 1, at, -1):
                part = " ".join(sentences[at:end])
                words = self._one(part, names) if end > at + 1 else self._found(part, names)
                if words is not None or end == at + 1:
                    any_found = any_found or words is not None
                    told.append(part if words is None else words)
                    at = end
                    break
        return _joined(told) if any_found else None


def _distinct(name: str) -> bool:
    """Whether a name can be told from the words around it; one plain word can not, and is kept only where it stands alone."""
    return len(name) > 2 and not re.fullmatch(r"[a-z]+", name)


def _marked(text: str) -> str:
    """Tags that may stand inside a sentence, as single characters: they survive escaping and are no words."""
    return re.sub(r"</?(?:code|i)>", lambda tag: MARKS[tag[0]], " ".join(text.split()))


MARKS = {"<code>": "\ue000", "</code>": "\ue001", "<i>": "\ue002", "</i>": "\ue003"}


def _entry(english: str, words: str) -> Entry:
    pattern, fixed, names = "", [], set()
    for i, part in enumerate(_PLACE.split(english)):
        if i % 2 == 0:
            pattern += re.escape(part)
            fixed.append(part)
        elif "/" in part:
            pattern += "(?:" + "|".join(map(re.escape, sorted(part.split("/"), key=len, reverse=True))) + ")"
        else:
            name, _, kind = part.partition(":")
            pattern += f"(?P<{name}>{_KINDS[kind]})" if name not in names else f"(?P={name})"
            names.add(name)
    pieces = tuple(_PLACE.split(words))
    if unknown := set(pieces[1::2]) - names:
        raise DataError(f"messages: {english!r}: the translation names {', '.join(sorted(unknown))}, which the sentence does not have.")
    return Entry(english, re.compile(pattern), max(fixed, key=len), pieces)


def _filled(pieces: Iterable[str], values: Mapping[str, str]) -> str:
    """The pieces with their values, with a space where Han meets Latin or a digit, and none between Han."""
    out = ""
    for i, piece in enumerate(pieces):
        out = _touching(out, values[piece] if i % 2 else piece)
    return out


def _touching(left: str, right: str) -> str:
    if re.search(rf"(?:{_HAN}|[{_FULL}]) $", left) and re.match(rf"{_HAN}|[{_FULL}]", right):
        return left[:-1] + right
    if re.search(rf"(?:{_HAN}|[{_FULL}])$", left) and re.match(rf" (?:{_HAN}|[{_FULL}])", right):
        return left + right[1:]
    if (re.search(rf"{_HAN}$", left) and re.match(_LATIN, right)) or (re.search(rf"{_LATIN}$", left) and re.match(_HAN, right)):
        return f"{left} {right}"
    return left + right


def _joined(sentences: Iterable[str]) -> str:
    """Sentences in one paragraph: a space only behind one that does not end in a full-width mark."""
    out = ""
    for sentence in sentences:
        out += sentence if not out or out[-1] in _FULL else " " + sentence
    return out


def _numbers(text: str) -> str | None:
    """Large numbers by ten thousands, and the percent sign at its number; None when there is nothing to change."""

    def large(match: re.Match[str]) -> str:
        factor, unit = _LARGE[match[2]]
        value = float(match[1].replace(",", "")) * factor
        if unit == "万" and value >= 10_000:
            value, unit = value / 10_000, "亿"
        return f"{value:,.10g} {unit}"

    changed = re.sub(r"(?<![\w.])(\d[\d,.]*) (million|billion|trillion|M|bn|tn)\b", large, text)
    changed = re.sub(r"(?<=[\d}]) %", "%", changed)
    return changed if changed != text else None


@lru_cache(maxsize=4)
def message_book(language: str) -> MessageBook:
    """The book of a language, read once.

    Raises
    ------
    DataError
        A sentence has two different translations.
    """
    text = resources.files("limitlab.report").joinpath("messages", f"{language}.toml").read_text(encoding="utf-8")
    messages: dict[str, str] = {}
    for section, entries in tomllib.loads(text).items():
        for english, words in entries.items():
            if messages.setdefault(english, words) != words:
                raise DataError(
                    f"messages/{language}.toml: a sentence must have one translation; [{section}] {english!r} has a second one."
                )
    return MessageBook(messages)
