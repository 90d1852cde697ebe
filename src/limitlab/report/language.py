"""A finished page in another language: its texts, labels and figures said with the messages of that language.

Pages are written in English. Turning the finished page, not each builder, leaves the builders alone, and reaches sentences that lower rooms
made and the ledger kept.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from typing import Any

from limitlab._core.checks import choice
from limitlab.report.message_book import MARKS, MessageBook, message_book

LANGUAGES = {"en": "en", "zh": "zh-CN"}
HAN_FONTS = "'PingFang SC', 'Hiragino Sans GB', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Source Han Sans SC'"

_TOKEN = re.compile(r"(<(?P<raw>script|style|pre)\b.*?</(?P=raw)>|<[^>]*>)", re.DOTALL)
_PLOT = re.compile(r'(<script type="application/json" class="plot-data">)(.*)(</script>)', re.DOTALL)
_LABEL = re.compile(r'((?:aria-label|placeholder|title)=")([^"]*)(")')
_TAGS = {mark: tag for tag, mark in MARKS.items()}
_PLOTTED = {"name", "text", "label", "ticktext", "hovertemplate", "customdata", "choice"}
_FULL = "，。：；！？、）”"


def known_language(who: str, language: str) -> str:
    """``language`` if pages can be written in it.

    Raises
    ------
    UnknownName
        Another language, with the nearest known name.
    """
    return choice(who, "language", language, LANGUAGES)


def in_language(page: str, language: str, names: frozenset[str] = frozenset()) -> str:
    """A page in a language; an English one unchanged.

    Parameters
    ----------
    page
        HTML as ``rendered`` makes it.
    language
        A key of ``LANGUAGES``.
    names
        The user's own words: titles, names of data, texts. They stay as they are wherever they stand alone or in a sentence.
    """
    if language == "en":
        return page
    spoken = _Spoken(message_book(language), names)
    for token in _pieces(page):
        spoken.take(token)
    return spoken.page().replace('<html lang="en">', f'<html lang="{LANGUAGES[language]}">', 1)


def own_words(*texts: str | None) -> frozenset[str]:
    """The user's words, for ``in_language``; None is no word."""
    return frozenset(" ".join(t.split()) for t in texts if t and t.strip())


def said(text: str, language: str, names: frozenset[str] = frozenset()) -> str:
    """A sentence of limitlab's own in a language, with the user's ``names`` as they are; what has no translation stays English."""
    return text if language == "en" else message_book(language).said(text, names)


def script_words(language: str) -> dict[str, str]:
    """What the page's script says, by its English words; empty for English."""
    if language == "en":
        return {}
    return {english: words for english, words in message_book(language).messages.items() if english in SCRIPT_WORDS}


SCRIPT_WORDS = (
    *("Measure", "Vertical range", "0–100 %", "Closer", "Show or hide", "Copied", "Not copied"),
    *("Show the first {rows} rows", "Show all {rows} rows", "{left} of {rows} rows", "{rows} rows", "{rows} row"),
)


def _pieces(page: str) -> Iterable[str]:
    at = 0
    for match in _TOKEN.finditer(page):
        yield page[at : match.start()]
        yield match[0]
        at = match.end()
    yield page[at:]


class _Spoken:
    """The page as it grows: text is held until a tag ends its sentence."""

    def __init__(self, book: MessageBook, names: frozenset[str]) -> None:
        self._book, self._names = book, names
        self._out: list[str] = []
        self._text = ""
        self._last = "x"  # the last character that a reader saw

    def take(self, token: str) -> None:
        """The next piece of text or the next tag."""
        if not token.startswith("<") or token in MARKS:
            self._text += token
            return
        self._say()
        if plot := _PLOT.fullmatch(token):
            token = plot[1] + self._figure(plot[2]) + plot[3]
        elif not token.startswith(("<script", "<style", "<pre")):
            token = _LABEL.sub(lambda m: m[1] + html.escape(self._said(html.unescape(m[2]))) + m[3], token)
        self._out.append(token)

    def page(self) -> str:
        """Everything taken."""
        self._say()
        return "".join(self._out)

    def _said(self, text: str) -> str:
        return self._book.said(" ".join(text.split()), self._names)

    def _say(self) -> None:
        text, self._text = self._text, ""
        core = text.strip()
        before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :] if core else ""
        if before == " " and self._last in _FULL:
            before = ""  # a full-width mark holds its own space
        if core:
            core = self._told(core)
            if after == " " and self._last in _FULL:
                after = ""
        self._out.append(before + core + after)

    def _told(self, core: str) -> str:
        """The translation of a text with entities and tags; the text itself, to the byte, where there is none."""
        plain = core
        for tag, mark in MARKS.items():
            plain = plain.replace(tag, mark)
        plain = " ".join(html.unescape(plain).split())
        words = self._book.said(plain, self._names)
        self._last = words[-1]
        if words == plain:
            return core
        told = html.escape(words)
        for mark, tag in _TAGS.items():
            told = told.replace(mark, tag)
        return told

    def _figure(self, text: str) -> str:
        return harmless(json.dumps(self._plotted(json.loads(text), ""), ensure_ascii=False, separators=(",", ":")))

    def _plotted(self, value: Any, key: str) -> Any:
        """A figure's JSON with the texts under the keys that plotly shows."""
        if isinstance(value, dict):
            return {k: self._plotted(v, k.rpartition(".")[2]) for k, v in value.items()}
        if isinstance(value, list):
            return [self._plotted(v, key) for v in value]
        if isinstance(value, str) and key == "family":
            return value.replace("sans-serif", HAN_FONTS + ", sans-serif")
        if key == "ticksuffix":
            return str(value).strip()
        return self._label(value) if isinstance(value, str) and key in _PLOTTED else value

    def _label(self, text: str) -> str:
        """A label of a figure: tags of plotly stay, what is between them is said."""
        parts = re.split(r"(<[^<>]*>)", text)
        for i in range(0, len(parts), 2):
            plain = html.unescape(parts[i])
            core = " ".join(plain.split())
            words = self._book.said(core, self._names)
            if words != core:
                start, end = plain[: len(plain) - len(plain.lstrip())], plain[len(plain.rstrip()) :]
                parts[i] = html.escape(start + words + ("" if words[-1] in _FULL else end), quote=False)
        return "".join(parts)


def harmless(text: str) -> str:
    """JSON that cannot end its script element: the same values, with the risky characters as escapes."""
    for risky in "<>&\u2028\u2029":
        text = text.replace(risky, f"\\u{ord(risky):04x}")
    return text
