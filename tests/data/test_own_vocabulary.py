"""Own vocabulary files: good ones are used, bad ones are refused at the line that is to blame."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from limitlab._core.errors import DataError, LimitlabError
from limitlab.data import Vocabulary, make_limit, write_limit
from limitlab.data.limit import LimitConfig
from limitlab.data.vocabulary import Templates

FRUIT = [
    f"{colour} {fruit}"
    for colour in ("Red", "Green", "Blue", "White", "Black", "Pink")
    for fruit in ("Apples", "Pears", "Plums", "Figs", "Dates")
]


def file(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refused(path: Path, line: int | None, **files: Path) -> str:
    """The message of the refusal, which must name the file and the line."""
    with pytest.raises(DataError) as caught:
        Vocabulary.from_files(**files)
    message = str(caught.value)
    assert message.startswith(f"{path}:{line}: " if line else f"{path}:"), message
    return message


def test_own_files_replace_the_builtin_ones(tmp_path):
    words = Vocabulary.from_files(
        attributes=file(tmp_path, "a.txt", "# fruit\n" + "\n\n".join(FRUIT) + "\n"),
        synonyms=file(tmp_path, "s.tsv", "Eyeglasses\tSpectacles\n"),
        first_names=file(tmp_path, "f.txt", "Ada\r\nBob\r\n"),
        last_names=file(tmp_path, "l.txt", "王\nMüller"),
        templates=file(
            tmp_path, "t.toml", 'document = "{name} mag {attributes}!"\nquery = "Wer mag {attribute}?"\nlast_separator = " und "\n'
        ),
    )
    assert words.attributes == ("Eyeglasses", *FRUIT)
    assert words.synonyms == {"Eyeglasses": "Spectacles"}
    assert words.first_names == ("Ada", "Bob")
    assert words.last_names == ("王", "Müller")
    assert words.templates == Templates("{name} mag {attributes}!", "Wer mag {attribute}?", ", ", " und ")


def test_a_dataset_is_made_of_own_words(tmp_path):
    words = Vocabulary.from_files(
        attributes=file(tmp_path, "a.txt", "\n".join(FRUIT)),
        templates=file(
            tmp_path, "t.toml", 'document = "{attributes}: {name}"\nquery = "{attribute}, who?"\nseparator = "; "\nlast_separator = " + "\n'
        ),
    )
    data = make_limit(n_docs=20, n_queries=5, attributes_per_doc=6, vocabulary=words)
    for text, name in zip(data.docs, data.docs.ids):
        listed, _, end = text.rpartition(": ")
        items = re.split("; | \\+ ", listed)
        assert end == name and len(items) == 6 and set(items) <= set(FRUIT)
    for i, query in enumerate(data.queries):
        asked = query.removesuffix(", who?")
        assert asked in FRUIT
        assert [j for j, text in enumerate(data.docs) if asked in text] == data.relevance.row(i).tolist()


def test_the_manifest_names_the_templates_used(tmp_path):
    words = Vocabulary.from_files(templates=file(tmp_path, "t.toml", 'query = "Find {attribute}"'))
    out = write_limit(LimitConfig(n_docs=20, n_queries=5), tmp_path / "out", vocabulary=words)
    assert '"query": "Find {attribute}"' in (out / "manifest.json").read_text()


def test_own_attributes_come_without_the_builtin_synonyms(tmp_path):
    assert Vocabulary.from_files(attributes=file(tmp_path, "a.txt", "\n".join(FRUIT))).synonyms == {}


def test_no_file_given_is_the_builtin_vocabulary():
    assert Vocabulary.from_files() == Vocabulary.builtin()


@pytest.mark.parametrize("kind", ["attributes", "first_names", "last_names"])
def test_a_repeated_entry_is_refused_with_both_lines(tmp_path, kind):
    path = file(tmp_path, "entries.txt", "# comment\nApples\n\nPears\nApples\n")
    assert "line 2" in refused(path, 5, **{kind: path})


def test_a_contained_attribute_is_refused_at_its_line(tmp_path):
    path = file(tmp_path, "a.txt", "Ice Cream\nApples\nStrawberry Ice Creams\n")
    message = refused(path, 3, attributes=path)
    assert "Ice Cream in Strawberry Ice Creams" in message


def test_attributes_alike_after_stemming_are_refused_at_the_line(tmp_path):
    path = file(tmp_path, "a.txt", "Apple\nPears\nApples\n")
    message = refused(path, 3, attributes=path)
    assert "'Apple'" in message and "'Apples'" in message


def test_an_attribute_without_a_word_is_refused_at_its_line(tmp_path):
    path = file(tmp_path, "a.txt", "Apple\n+++\n")
    assert "'+++'" in refused(path, 2, attributes=path)


def test_own_synonyms_beside_the_builtin_attributes_are_checked_too(tmp_path):
    """ "Snow Leopards" are in the built-in list: "Leopards" in it would make that query find them."""
    inside = next(a for a in Vocabulary.builtin().attributes if len(a.split()) == 2 and a not in Vocabulary.builtin().synonyms)
    path = file(tmp_path, "s.tsv", f"{inside.split()[1]}\tSomething Else\n")
    with pytest.raises(DataError, match=re.escape(str(path))):
        Vocabulary.from_files(synonyms=path)


def test_a_synonym_that_is_another_attribute_is_refused(tmp_path):
    """Who asks for "Lenses" would find everybody who likes them, and not those who like "Glasses"."""
    attributes, synonyms = file(tmp_path, "a.txt", "Lenses\nApples\n"), file(tmp_path, "s.tsv", "Pears\tPomes\nGlasses\tLenses\n")
    with pytest.raises(DataError, match="Lenses"):
        Vocabulary.from_files(attributes=attributes, synonyms=synonyms)


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        ("Glasses\tSpectacles\nCars Automobiles\n", 2, "attribute<TAB>synonym"),
        ("Glasses\tSpectacles\tLenses\n", 1, "3 fields"),
        ("Glasses\t\n", 1, "attribute<TAB>synonym"),
        ("Glasses\tSpectacles\n# again\nGlasses\tLenses\n", 3, "'Glasses' has a synonym already"),
    ],
    ids=["no tab", "three fields", "no synonym", "twice"],
)
def test_bad_synonym_lines_are_refused(tmp_path, content, line, says):
    path = file(tmp_path, "s.tsv", content)
    assert says in refused(path, line, synonyms=path)


@pytest.mark.parametrize("kind", ["attributes", "first_names", "last_names"])
@pytest.mark.parametrize("content", ["", "\n \n# only a comment\n"], ids=["empty", "comments"])
def test_a_file_without_entries_is_refused(tmp_path, kind, content):
    path = file(tmp_path, "entries.txt", content)
    assert "no entries" in refused(path, None, **{kind: path})


@pytest.mark.parametrize("kind", ["attributes", "synonyms", "first_names", "templates"])
def test_a_file_that_is_not_utf8_is_refused(tmp_path, kind):
    path = file(tmp_path, "latin1", 'query = "Caf\u00e9 {attribute}"\tx\n'.encode("latin-1"))
    assert "not UTF-8" in refused(path, None, **{kind: path})


@pytest.mark.parametrize("kind", ["attributes", "synonyms", "first_names", "templates"])
def test_a_missing_file_is_refused(tmp_path, kind):
    path = tmp_path / "absent"
    assert "cannot be read" in refused(path, None, **{kind: path})


@pytest.mark.parametrize("kind", ["attributes", "first_names"])
def test_a_byte_order_mark_is_not_part_of_the_first_entry(tmp_path, kind):
    path = file(tmp_path, "bom.txt", b"\xef\xbb\xbfApples\nPears\n")
    assert getattr(Vocabulary.from_files(**{kind: path}), kind) == ("Apples", "Pears")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('document = "{name} likes things."\n', "{attributes}"),
        ('document = "Likes {attributes}."\n', "{name}"),
        ('query = "Who?"\n', "{attribute}"),
        ('documents = "{name} {attributes}"\n', "'documents' is not a template text; known: document, query"),
        ("separator = 3\n", "'separator' is not a template text"),
        ('document = "{name} likes\n', "line 1"),
        ("=\n", "not valid TOML"),
    ],
    ids=["no attributes", "no name", "no attribute", "unknown key", "not a text", "unclosed", "not TOML"],
)
def test_bad_templates_are_refused(tmp_path, content, says):
    path = file(tmp_path, "t.toml", content)
    assert says in refused(path, None, templates=path)


def test_more_documents_than_names_are_refused_with_the_number(tmp_path):
    words = Vocabulary.from_files(first_names=file(tmp_path, "f.txt", "Ada"), last_names=file(tmp_path, "l.txt", "Lee\nMay"))
    assert make_limit(n_docs=54, n_queries=5, vocabulary=words).n_docs == 54  # 2 names, and 26 middle initials each
    with pytest.raises(LimitlabError, match=r"at most 54 with 1 first and 2 last names; got n_docs=55"):
        make_limit(n_docs=55, n_queries=5, vocabulary=words)
