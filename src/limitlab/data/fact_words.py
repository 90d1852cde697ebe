"""Words of the facts that are added to documents: attributes and sentence templates, in English and Chinese."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from limitlab._core.checks import choice
from limitlab._core.errors import DataError, first_examples
from limitlab.data.pack import LANGUAGES, pack_folder
from limitlab.data.phrases import Phrases
from limitlab.data.vocabulary import Templates, Vocabulary, read_entries, read_template_texts


@dataclass(frozen=True)
class FactWords:
    """What the facts say.

    Attributes
    ----------
    attributes
        Distinct; none begins at a word of another.
    templates
        ``document`` is the sentence that is added, with ``{attributes}`` and text before and after it; ``query`` holds ``{attribute}``.
    language
        en | zh: how the sentence is joined to the text, with a space or without.
    """

    attributes: tuple[str, ...]
    templates: Templates
    language: str = "en"

    @classmethod
    def builtin(cls, language: str = "en") -> FactWords:
        """The words that ship with limitlab: en or zh.

        Raises
        ------
        UnknownName
            Another language.
        """
        return _builtin(choice("FactWords.builtin()", "language", language, LANGUAGES))

    @classmethod
    def from_files(cls, language: str = "en", *, attributes: Path | str | None = None, templates: Path | str | None = None) -> FactWords:
        """The built-in words of a language with attributes (one a line) or templates (TOML) of the user's own.

        Raises
        ------
        DataError
            An entry is repeated or begins at a word of another one, or a template lacks a part.
        """
        base = cls.builtin(language)
        words = base.attributes
        if attributes is not None:
            words = tuple(read_entries(attributes))
            _check_apart(words, Path(attributes))
        return cls(words, base.templates if templates is None else read_fact_templates(templates, base.templates), language)

    def sentence(self, attributes: list[str]) -> str:
        """The sentence that states these facts."""
        t = self.templates
        *first, last = attributes
        return t.document.replace("{attributes}", t.separator.join(first) + (t.last_separator if first else "") + last)

    def question(self, attribute: str) -> str:
        """The query about one fact."""
        return self.templates.query.replace("{attribute}", attribute)

    def joined(self, first: str, second: str) -> str:
        """Two texts, one after the other: with a space, in Chinese without."""
        return first + ("" if self.language == "zh" else " ") + second

    def sayable(self) -> list[str]:
        """Attributes that can be told apart again: they hold no part of the sentence around them, nor does it hold them."""
        t = self.templates
        before, after = t.document.split("{attributes}")
        parts = [t.separator, t.last_separator, after]
        held = Phrases(self.attributes).found_in(" | ".join([before, *parts, *t.query.split("{attribute}")]))
        return [a for i, a in enumerate(self.attributes) if i not in held and not any(p.lower() in a.lower() for p in parts)]


def read_fact_templates(path: Path | str, base: Templates) -> Templates:
    """A TOML file with document, query, separator, last_separator (each optional); DataError when one lacks what it needs."""
    templates = Templates(**{**base.__dict__, **read_template_texts(path)})
    before, _, after = templates.document.partition("{attributes}")
    if not before.strip() or not after.strip() or "{attributes}" in after:
        raise DataError.at(
            path,
            None,
            f"template 'document' must hold {{attributes}} once, with words before it and a mark after it; it is {templates.document!r}",
        )
    if templates.query.count("{attribute}") != 1:
        raise DataError.at(path, None, f"template 'query' must hold {{attribute}} once; it is {templates.query!r}")
    for name in ("separator", "last_separator"):
        if not getattr(templates, name):
            raise DataError.at(path, None, f"template {name!r} must not be empty")
    return templates


@lru_cache(maxsize=2)
def _builtin(language: str) -> FactWords:
    templates = Templates(**read_template_texts(pack_folder(language) / "facts.toml"))
    return FactWords(Vocabulary.builtin(language).attributes, templates, language)


def _check_apart(attributes: tuple[str, ...], path: Path) -> None:
    phrases = Phrases(attributes)
    inside = [(attributes[i], a) for j, a in enumerate(attributes) for i in sorted(phrases.found_in(a)) if i != j]
    if inside:
        pairs = first_examples([f"{a} in {b}" for a, b in inside])
        raise DataError.at(
            path, None, f"no attribute may begin at a word of another, or a query about one finds the other; {len(inside)} do: {pairs}"
        )
