"""Language packs: Chinese as shipped, and folders of the user's own."""

from __future__ import annotations

import shutil

import pytest

import limitlab as ll
from limitlab._core.errors import DataError, RangeError, UnknownName
from limitlab.data.pack import pack_folder, read_facts
from limitlab.data.vocabulary import check_attributes

ZH = ll.Vocabulary.builtin("zh")


def test_the_chinese_pack_is_large_and_sound():
    assert len(ZH.attributes) >= 2_400 and ZH.n_names > 1_000_000
    check_attributes(list(ZH.attributes), path="attributes.txt", spaces=False)
    data = ll.make_limit(n_docs=3_000, n_queries=700, vocabulary=ZH)
    report = ll.audit(data)
    assert report.sound and report.patterns[0] == "dense"
    assert data.queries[0].startswith("谁喜欢") and data.docs[0].endswith("。") and " " not in data.docs[0]
    assert len(set(data.docs.ids)) == 3_000


def test_no_name_holds_an_attribute():
    attributes = set(ZH.attributes)
    firsts = {name[0] for name in ZH.first_names}
    assert not attributes & set(ZH.first_names) and not attributes & set(ZH.last_names)
    assert not [a for a in attributes if len(a) == 2 and a[0] in ZH.last_names and a[1] in firsts]
    assert not [a for a in attributes if len(a) == 1 and (a in ZH.last_names or any(a in name for name in ZH.first_names))]


def test_chinese_names_end_without_initials():
    with pytest.raises(RangeError, match=r"n_docs must be at most 1,930,611 with 4,863 first and 397 last names"):
        ll.make_limit(n_docs=2_000_000, n_queries=10, vocabulary=ZH)


def test_the_same_seed_gives_the_same_bytes_and_english_is_what_it_was():
    a, b = (ll.make_limit(n_docs=100, n_queries=20, vocabulary=ZH, seed=4) for _ in range(2))
    assert a.fingerprint() == b.fingerprint()
    assert ll.Vocabulary.from_pack("en") == ll.Vocabulary.builtin() and ll.Vocabulary.builtin().language == "en"


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "de"
    shutil.copytree(pack_folder("en"), folder)
    (folder / "synonyms.tsv").unlink()
    (folder / "pack.toml").write_text('language = "de"\nname = "{last}, {first}"\n')
    (folder / "templates.toml").write_text(
        'document = "{name} mag {attributes}."\nquery = "Wer mag {attribute}?"\nlast_separator = " und "\n'
    )
    return folder


def test_a_folder_of_the_users_own(own):
    words = ll.Vocabulary.from_pack(own)
    data = ll.make_limit(n_docs=50, n_queries=10, vocabulary=words)
    assert words.language == "de" and data.queries[0].startswith("Wer mag ") and ", " in data.docs.ids[0]
    assert ll.audit(data).sound


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("pack.toml", 'language = "de"\ncolour = "red"\n', r"pack\.toml:2: 'colour' is not known here"),
        ("pack.toml", 'language = "de"\n\nspaces = "no"\n', r"pack\.toml:3: 'spaces' must be true or false; got 'no'"),
        ("pack.toml", 'language = "de"\nname = "{first}"\n', r"pack\.toml:2: 'name' must hold \{first\} and \{last\}"),
        ("pack.toml", 'language = "de"\ntokeniser = "spaces"\n', r"pack\.toml:2: 'tokeniser' must be one of words, jieba, bigrams"),
        ("pack.toml", 'title = "Deutsch"\n', r"pack\.toml: 'language' is missing"),
        ("pack.toml", "language = \n", r"pack\.toml: not valid TOML.*line 1"),
        ("attributes.txt", "Äpfel\nBirnen\nÄpfel\n", r"attributes\.txt:3: 'Äpfel' is already in line 1"),
        ("attributes.txt", "Tee\nGrüner Tee\n", r"attributes\.txt:2: no attribute may be contained in another.*Tee in Grüner Tee"),
        ("templates.toml", 'query = "Wer?"\n', r"templates\.toml: template 'query' must contain \{attribute\}"),
    ],
)
def test_a_bad_pack_is_refused_with_file_and_line(own, name, text, message):
    (own / name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        ll.Vocabulary.from_pack(own)


def test_what_is_no_pack_is_refused(tmp_path, own):
    with pytest.raises(UnknownName, match="Or the folder of a pack of your own"):
        ll.Vocabulary.from_pack("fr")
    (own / "last_names.txt").unlink()
    with pytest.raises(DataError, match=r"missing: last_names\.txt"):
        ll.Vocabulary.from_pack(own)
    (own / "pack.toml").write_text('language = "xx"\nspaces = false\n')
    assert read_facts(own / "pack.toml").spaces is False


def test_without_spaces_an_attribute_is_contained_wherever_it_stands():
    with pytest.raises(DataError, match=r"a\.txt:2: no attribute may be contained in another.*'苹果' is in '青苹果树'"):
        check_attributes(["苹果", "青苹果树"], path="a.txt", lines={"苹果": 1, "青苹果树": 2}, spaces=False)


def test_a_chinese_synonym_gives_nothing_away():
    data = ll.make_limit(n_docs=500, n_queries=100, vocabulary=ZH, synonyms=True)
    assert ll.audit(data).sound
    asked = [q.removeprefix("谁喜欢").removesuffix("？") for q in data.queries]
    assert set(asked) <= set(ZH.synonyms.values()) and not set(asked) & set(ZH.attributes)
    inside = [s for s in ZH.synonyms.values() if any(s in a or a in s for a in ZH.attributes)]
    assert inside == []
