"""How a lexical retriever cuts texts into words, also where words are written without spaces."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import metadata

from limitlab._core.checks import choice
from limitlab._core.optional import available, require
from limitlab._core.scripts import UNSPACED

TOKENISERS = ("auto", "words", "jieba", "bigrams")
_PIECES = re.compile(rf"[{UNSPACED}]+|[^\W_{UNSPACED}]+")
_RUN = re.compile(rf"[{UNSPACED}]")
_LETTER = re.compile(r"[^\W\d_]")
_SAMPLE = 200  # texts looked at by "auto"
_SHARE = 0.3  # of letters in scripts without spaces, from which a text is taken to be of such a script


def resolved(name: str, texts: Iterable[str]) -> str:
    """What a tokeniser's name means for these texts: "auto" is words, or where texts have none jieba if installed, else bigrams.

    Raises
    ------
    UnknownName
        No such tokeniser.
    """
    choice("BM25()", "tokeniser", name, TOKENISERS)
    if name != "auto":
        return name
    unspaced = letters = 0
    for _, text in zip(range(_SAMPLE), texts):
        unspaced += len(_RUN.findall(text))
        letters += len(_LETTER.findall(text))
    if unspaced <= _SHARE * letters:
        return "words"
    return "jieba" if available("jieba") else "bigrams"


def described(name: str) -> str:
    """The tokeniser as it goes into the key of stored results: with what "auto" can mean here, and the version of jieba."""
    if name in ("words", "bigrams"):
        return name
    version = metadata.version("jieba") if available("jieba") else None
    return f"{name}, jieba {version}" if version else f"{name}, without jieba"


def unspaced_tokens(texts: Iterable[str], name: str) -> list[list[str]]:
    """Tokens of texts: runs of scripts without spaces are cut by jieba or into pairs of neighbours, everything else into lower-cased words.

    Parameters
    ----------
    name
        jieba | bigrams. A run of one character is a token of its own.

    Raises
    ------
    MissingExtra
        jieba is not installed.
    """
    cut = _jieba() if name == "jieba" else _bigrams
    return [
        [token for piece in _PIECES.findall(text.lower()) for token in (cut(piece) if _RUN.match(piece) else (piece,))] for text in texts
    ]


def _bigrams(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


def _jieba():
    import logging

    jieba = require("jieba", extra="zh", what="Chinese words")
    jieba.setLogLevel(logging.WARNING)
    return lambda run: [t for t in jieba.lcut_for_search(run) if t.strip()]
