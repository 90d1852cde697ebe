"""Language packs: folders with the words and sentences of one language."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from limitlab._core.errors import DataError, UnknownName

LANGUAGES = ("en", "zh")
FILES = ("attributes.txt", "first_names.txt", "last_names.txt", "templates.toml")
TOKENISERS = ("words", "jieba", "bigrams")


@dataclass(frozen=True)
class PackFacts:
    """What ``pack.toml`` says.

    Attributes
    ----------
    language, title
        Code and name of the language.
    name
        How a full name is made from ``{first}`` and ``{last}``.
    initials
        Whether names may get a middle initial when there are more documents than names.
    spaces
        Whether words are written with spaces between them.
    tokeniser
        What a lexical retriever should cut texts with: words, jieba or bigrams. A hint, shown after ``make``.
    """

    language: str
    title: str = ""
    name: str = "{first} {last}"
    initials: bool = True
    spaces: bool = True
    tokeniser: str = "words"


def pack_folder(language: str | Path) -> Path:
    """The folder of a pack: that of a language which ships with limitlab, or one of the user's own.

    Raises
    ------
    UnknownName
        Neither a language that ships with limitlab nor a folder.
    DataError
        The folder lacks files that every pack has.
    """
    if str(language) in LANGUAGES:
        found = resources.files("limitlab.data").joinpath("packs", str(language))
        return Path(str(found))
    folder = Path(language)
    if not folder.is_dir():
        raise UnknownName.of("language packs", "language", str(language), LANGUAGES, hint="Or the folder of a pack of your own.")
    missing = [name for name in ("pack.toml", *FILES) if not (folder / name).is_file()]
    if missing:
        raise DataError.at(folder, None, f"a language pack holds pack.toml, {', '.join(FILES)}; missing: {', '.join(missing)}")
    return folder


def read_facts(path: Path) -> PackFacts:
    """``pack.toml``, checked.

    Raises
    ------
    DataError
        With the path, and the line where TOML itself is wrong.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError.at(path, None, f"not valid TOML: {error}") from error
    kinds = {name: type(getattr(PackFacts("x"), name)) for name in PackFacts.__dataclass_fields__}
    for name, value in found.items():
        if name not in kinds:
            raise DataError.at(path, _line_of(path, name), f"{name!r} is not known here; known: {', '.join(kinds)}")
        if type(value) is not kinds[name]:
            raise DataError.at(path, _line_of(path, name), f"{name!r} must be {_WORDS[kinds[name]]}; got {value!r}")
    if not found.get("language"):
        raise DataError.at(path, None, "'language' is missing: a code such as \"de\"")
    facts = PackFacts(**found)
    if "{first}" not in facts.name or "{last}" not in facts.name:
        raise DataError.at(path, _line_of(path, "name"), f"'name' must hold {{first}} and {{last}}; it is {facts.name!r}")
    if facts.tokeniser not in TOKENISERS:
        raise DataError.at(
            path, _line_of(path, "tokeniser"), f"'tokeniser' must be one of {', '.join(TOKENISERS)}; it is {facts.tokeniser!r}"
        )
    return facts


_WORDS = {str: "text", bool: "true or false"}


def _line_of(path: Path, name: str) -> int | None:
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    return next((n for n, line in enumerate(lines, 1) if line.partition("=")[0].strip() == name), None)
