"""Vocabularies as text files: attributes, synonyms, names, templates; and the checks a vocabulary must pass."""

from __future__ import annotations

import re
import string
import tomllib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from limitlab._core.checks import choice
from limitlab._core.errors import DataError, first_examples
from limitlab.data.pack import LANGUAGES, PackFacts, pack_folder, read_facts

_WORD = re.compile(r"[^\W_]+", re.UNICODE)


@dataclass(frozen=True)
class Templates:
    """How texts are built; ``{name}``, ``{attributes}`` and ``{attribute}`` are filled in."""

    document: str = "{name} likes {attributes}."
    query: str = "Who likes {attribute}?"
    separator: str = ", "
    last_separator: str = " and "


@dataclass(frozen=True)
class Vocabulary:
    """Words a LIMIT-like dataset is made of.

    Attributes
    ----------
    attributes
        Distinct; those with a synonym come first.
    synonyms
        ``{attribute: synonym}``.
    first_names, last_names
        Combined to unique names; a middle initial is added when there are more documents than pairs.
    templates
        Sentence templates.
    pack
        Language, how names are made, whether words are written with spaces.
    """

    attributes: tuple[str, ...]
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    synonyms: dict[str, str] = field(default_factory=dict, hash=False)
    templates: Templates = field(default_factory=Templates)
    pack: PackFacts = field(default_factory=lambda: PackFacts("en"))

    @property
    def language(self) -> str:
        """Language code."""
        return self.pack.language

    @property
    def n_names(self) -> int:
        """Distinct full names that can be made, with and without middle initial."""
        return len(self.first_names) * len(self.last_names) * (1 + len(string.ascii_uppercase) * self.pack.initials)

    @classmethod
    def builtin(cls, language: str = "en") -> Vocabulary:
        """A vocabulary that ships with limitlab: en or zh.

        Raises
        ------
        UnknownName
            Another language.
        """
        return _builtin(choice("Vocabulary.builtin()", "language", language, LANGUAGES))

    @classmethod
    def from_pack(cls, folder: Path | str) -> Vocabulary:
        """The vocabulary of a language pack: a language that ships with limitlab, or a folder of the user's own.

        A pack holds ``pack.toml`` (see PackFacts), ``attributes.txt``, ``first_names.txt``, ``last_names.txt``, ``templates.toml``, and perhaps ``synonyms.tsv``.

        Raises
        ------
        UnknownName, DataError
            No such pack; a file is missing, or path:line of what is wrong in it.
        """
        return _builtin(str(folder)) if str(folder) in LANGUAGES else _of_folder(pack_folder(folder), checked=True)

    @classmethod
    def from_files(
        cls,
        language: Path | str = "en",
        *,
        attributes: Path | str | None = None,
        synonyms: Path | str | None = None,
        first_names: Path | str | None = None,
        last_names: Path | str | None = None,
        templates: Path | str | None = None,
    ) -> Vocabulary:
        """The vocabulary of a language, or of a pack's folder, with some files replaced by the user's own.

        ``attributes``, ``first_names``, ``last_names``: one entry a line; blank lines and lines starting with ``#`` are
        skipped. ``synonyms``: ``attribute<TAB>synonym`` lines. ``templates``: TOML with ``document``, ``query``,
        ``separator``, ``last_separator``. Own attributes come without synonyms unless a file of them is given too.

        Raises
        ------
        DataError
            path:line of the first entry that is repeated, contained in another attribute, or malformed.
        """
        base = cls.from_pack(language)
        pairs = read_pairs(synonyms) if synonyms else ({} if attributes else base.synonyms)
        words = read_entries(attributes) if attributes else [a for a in base.attributes if a not in base.synonyms]
        if attributes or synonyms:
            lines = {**(_numbers(synonyms) if synonyms else {}), **(_numbers(attributes) if attributes else {})}
            check_attributes(
                list(dict.fromkeys([*pairs, *words])), path=Path(attributes or synonyms or ""), lines=lines, spaces=base.pack.spaces
            )
            if base.pack.spaces:
                check_synonyms(pairs, words, path=Path(synonyms or attributes or ""), lines=lines)
        return cls(
            attributes=tuple(dict.fromkeys([*pairs, *words])),
            first_names=tuple(read_entries(first_names)) if first_names else base.first_names,
            last_names=tuple(read_entries(last_names)) if last_names else base.last_names,
            synonyms=pairs,
            templates=read_templates(templates) if templates else base.templates,
            pack=base.pack,
        )


@lru_cache(maxsize=4)
def _builtin(language: str) -> Vocabulary:
    return _of_folder(pack_folder(language), checked=False)


def _of_folder(folder: Path, *, checked: bool) -> Vocabulary:
    facts = read_facts(folder / "pack.toml")
    listed = folder / "synonyms.tsv"
    pairs = read_pairs(listed) if listed.is_file() else {}
    words = read_entries(folder / "attributes.txt")
    if checked:
        lines = {**(_numbers(listed) if pairs else {}), **_numbers(folder / "attributes.txt")}
        check_attributes(list(dict.fromkeys([*pairs, *words])), path=folder / "attributes.txt", lines=lines, spaces=facts.spaces)
        if facts.spaces and pairs:
            check_synonyms(pairs, words, path=listed, lines=lines)
    return Vocabulary(
        attributes=tuple(dict.fromkeys([*pairs, *words])),
        first_names=tuple(read_entries(folder / "first_names.txt")),
        last_names=tuple(read_entries(folder / "last_names.txt")),
        synonyms=pairs,
        templates=read_templates(folder / "templates.toml"),
        pack=facts,
    )


def read_entries(path: Path | str) -> list[str]:
    """One entry a line; DataError with path:line for repeated entries, and when there are none."""
    seen: dict[str, int] = {}
    for number, line in _lines(path):
        if line in seen:
            raise DataError.at(path, number, f"{line!r} is already in line {seen[line]}")
        seen[line] = number
    if not seen:
        raise DataError.at(path, None, "there are no entries; one a line is expected")
    return list(seen)


def read_pairs(path: Path | str) -> dict[str, str]:
    """``attribute<TAB>synonym`` a line."""
    pairs: dict[str, str] = {}
    for number, line in _lines(path):
        parts = [p.strip() for p in line.split("\t")]
        if len(parts) != 2 or not all(parts):
            raise DataError.at(path, number, f"attribute<TAB>synonym is expected; the line has {len(parts)} fields")
        if parts[0] in pairs:
            raise DataError.at(path, number, f"{parts[0]!r} has a synonym already")
        pairs[parts[0]] = parts[1]
    return pairs


def read_template_texts(path: Path | str) -> dict[str, str]:
    """Those of document, query, separator, last_separator that a TOML file gives."""
    try:
        found = tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise DataError.at(path, None, f"not valid TOML: {error}") from error
    known = Templates.__dataclass_fields__
    for name, value in found.items():
        if name not in known or not isinstance(value, str):
            raise DataError.at(path, None, f"{name!r} is not a template text; known: {', '.join(known)}")
    return found


def read_templates(path: Path | str) -> Templates:
    """A TOML file with document, query, separator, last_separator (each optional)."""
    templates = Templates(**read_template_texts(path))
    for name, needed in (("document", ("{name}", "{attributes}")), ("query", ("{attribute}",))):
        missing = [n for n in needed if n not in getattr(templates, name)]
        if missing:
            raise DataError.at(path, None, f"template {name!r} must contain {' and '.join(missing)}; it is {getattr(templates, name)!r}")
    return templates


def word_stems(text: str) -> tuple[str, ...]:
    """Lower-cased words under the Snowball English stemmer: what a lexical retriever sees of a text."""
    return tuple(_stemmer().stemWords([w.lower() for w in _WORD.findall(text)]))


def check_attributes(attributes: list[str], *, path: Path | str, lines: dict[str, int] | None = None, spaces: bool = True) -> None:
    """Refuses attributes that repeat after stemming or contain one another as a word sequence, naming the first pairs.

    ``lines`` has the line of every attribute, for the message. Without ``spaces`` between words an attribute is contained wherever its
    characters stand.
    """
    lines = lines or {}
    if not spaces:
        _check_unspaced(attributes, path, lines)
        return
    stems: dict[tuple[str, ...], str] = {}
    for attribute in attributes:
        key = word_stems(attribute)
        if not key:
            raise DataError.at(path, lines.get(attribute), f"attribute {attribute!r} has no word")
        if key in stems:
            raise DataError.at(
                path, lines.get(attribute), f"attributes must differ after stemming; {stems[key]!r} and {attribute!r} do not"
            )
        stems[key] = attribute
    inside = [(stems[part], name) for key, name in stems.items() for part in _proper_parts(key) if part in stems]
    if inside:
        pairs = first_examples([f"{a} in {b}" for a, b in inside])
        line = lines.get(inside[0][1], lines.get(inside[0][0]))  # of the one that holds the other
        raise DataError.at(
            path, line, f"no attribute may be contained in another, or a query about one finds the other; {len(inside)} are: {pairs}"
        )


def _check_unspaced(attributes: list[str], path: Path | str, lines: dict[str, int]) -> None:
    known = set(attributes)
    longest = max(map(len, attributes))
    for whole in attributes:
        for size in range(1, min(longest, len(whole) - 1) + 1):
            part = next((whole[i : i + size] for i in range(len(whole) - size + 1) if whole[i : i + size] in known), None)
            if part is not None:
                raise DataError.at(
                    path,
                    lines.get(whole),
                    f"no attribute may be contained in another, or a query about one finds the other; {part!r} is in {whole!r}",
                )


def check_synonyms(synonyms: dict[str, str], attributes: list[str], *, path: Path | str, lines: dict[str, int]) -> None:
    """Refuses a synonym that a lexical retriever would find in a document: it holds, or lies in, some attribute."""
    stems = {word_stems(a): a for a in [*synonyms, *attributes]}
    parts = {part for key in stems for part in _proper_parts(key)}
    for attribute, synonym in synonyms.items():
        key = word_stems(synonym)
        if not key:
            raise DataError.at(path, lines.get(attribute), f"synonym {synonym!r} has no word")
        if key in stems or key in parts or any(part in stems for part in _proper_parts(key)):
            raise DataError.at(
                path,
                lines.get(attribute),
                f"synonym {synonym!r} of {attribute!r} must not be, hold or lie in an attribute, or its query leaks",
            )


def _numbers(path: Path | str) -> dict[str, int]:
    """The line of every entry (of every pair's attribute)."""
    return {line.split("\t")[0].strip(): number for number, line in _lines(path)}


def _proper_parts(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    n = len(words)
    return [words[i:j] for i in range(n) for j in range(i + 1, n + 1) if j - i < n]


@lru_cache(maxsize=1)
def _stemmer():
    import Stemmer

    return Stemmer.Stemmer("english")


def _lines(path: Path | str) -> list[tuple[int, str]]:
    return [(n, line.strip()) for n, line in enumerate(_text(path).splitlines(), 1) if line.strip() and not line.startswith("#")]


def _text(path: Path | str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError.at(path, None, f"not UTF-8 text ({error.reason} at byte {error.start})") from error
    except OSError as error:
        raise DataError.at(path, None, f"cannot be read ({error.strerror})") from error
