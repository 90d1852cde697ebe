"""Facts added to documents of a corpus: the relevance checked from the texts alone, the rest of the corpus unchanged."""

from __future__ import annotations

import json

import pytest

from limitlab._core.errors import DataError, InvalidArgument, RangeError, UnknownName
from limitlab._core.texts import TextList
from limitlab.data import Dataset, FactWords, StressConfig, audit, load, make_stress, write_stress
from limitlab.data.phrases import Phrases

PATTERNS = ["dense", "random", "cycle", "disjoint"]
SENTENCE = {"en": "The author of this text likes ", "zh": "本文作者喜欢"}
STOP = {"en": ".", "zh": "。"}
LIST = {"en": (" and ", ", "), "zh": ("和", "、")}


def texts(n: int = 200, language: str = "en") -> TextList:
    """n different texts that hold none of the words of the facts' sentence; every tenth is about chess, in zh too."""
    if language == "zh":
        return TextList(
            [f"d{i}" for i in range(n)], [f"第{i}号报告写于会议之后" + ("，谈到象棋。" if i % 10 == 0 else "。") for i in range(n)]
        )
    return TextList([f"d{i}" for i in range(n)], [f"Report number {i}" + (" is about chess." if i % 10 == 0 else ".") for i in range(n)])


def jsonl(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")
    return path


def facts(text: str, language: str) -> list[str]:
    """What the sentence of facts lists; nothing without one."""
    _, found, rest = text.partition(SENTENCE[language])
    last, separator = LIST[language]
    return rest.partition(STOP[language])[0].replace(last, separator).split(separator) if found else []


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_query_asks_a_fact_of_its_k_documents_and_of_no_other(pattern, k, language):
    docs = texts(language=language)
    data = make_stress(docs, n_queries=40, k=k, pattern=pattern, n_chosen=150, language=language, seed=4)
    before, after = ("Which text is by an author who likes ", "?") if language == "en" else ("哪篇文章的作者喜欢", "？")
    asked = [q.removeprefix(before).removesuffix(after) for q in data.queries]
    assert len(set(asked)) == 40
    holders = [[j for j, text in enumerate(data.docs) if phrase in facts(text, language)] for phrase in asked]
    assert holders == [data.relevance.row(i).tolist() for i in range(40)]
    assert {len(h) for h in holders} == {k}
    found = Phrases(asked)
    assert all({i for i in range(40) if j in holders[i]} == found.found_in(text) for j, text in enumerate(data.docs))
    counts = [len(facts(text, language)) for text in data.docs]
    assert sorted(set(counts))[0] == 0 and len(set(counts)) == 2 and counts.count(0) == 50
    for j, text in enumerate(data.docs):
        assert text.endswith(docs[j]) if counts[j] else text == docs[j]
    report = audit(data)
    assert report.sound, report.problems
    assert report.documents_without_facts == 50 and pattern in report.patterns


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_default_sizes_leave_attributes_over_in_both_languages(language):
    data = make_stress(texts(1500), language=language)
    assert (data.n_docs, data.n_queries, data.relevance.n_relevant) == (1500, 300, 600)
    assert audit(data).sound
    words = FactWords.builtin(language)
    assert len(words.attributes) >= 1300 and len(words.sayable()) >= len(words.attributes) - 5
    found = Phrases(words.attributes)
    assert all(found.found_in(a) == {i} for i, a in enumerate(words.attributes))


def test_attributes_of_the_corpus_are_not_used_whatever_their_form(tmp_path):
    (tmp_path / "words.txt").write_text("Chess\nTorches\nOaks\nPoems\nGoats\nLaw\n", encoding="utf-8")
    words = FactWords.from_files(attributes=tmp_path / "words.txt")
    docs = TextList(["a", "b", "c"], ["A torch and CHESS.", "Lawyers.", "Boats."])
    asked = {
        q.removeprefix("Which text is by an author who likes ")[:-1]
        for seed in range(5)
        for q in make_stress(docs, words=words, n_queries=3, k=1, n_chosen=3, seed=seed).queries
    }
    assert asked == {"Oaks", "Poems", "Goats"}
    with pytest.raises(
        RangeError, match=r"there must be 5 attributes that do not occur in the corpus .* of 6 known, 3 occur and 3 are left"
    ):
        make_stress(docs, words=words, n_queries=4, k=1, pattern="cycle")


def test_lines_of_other_documents_are_copied_to_the_byte_and_fields_are_kept(tmp_path):
    records = [{"_id": f"d{i}", "title": f"T{i}" if i % 2 else "", "text": f"Bericht Ü {i}", "url": f"u{i}"} for i in range(60)]
    path = jsonl(tmp_path / "corpus.jsonl", records)
    before = path.read_bytes()
    out = write_stress(path, tmp_path / "out", n_queries=10, n_chosen=20)
    assert path.read_bytes() == before
    old, new = before.splitlines(), (out / "corpus.jsonl").read_bytes().splitlines()
    changed = [i for i in range(60) if old[i] != new[i]]
    added = {r["_id"]: r["added"] for r in map(json.loads, (out / "facts.jsonl").read_text(encoding="utf-8").splitlines())}
    assert [f"d{i}" for i in changed] == list(added) and len(changed) == 20
    for i in changed:
        record = json.loads(new[i])
        assert record == {**records[i], "text": f"{added[f'd{i}']} {records[i]['text']}"}


def test_other_spellings_of_a_corpus_become_the_usual_one(tmp_path):
    path = jsonl(tmp_path / "c.jsonl", [{"id": i, "text": f"text {i}"} for i in range(30)])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    data = load(write_stress(path, tmp_path / "out", n_queries=5, n_chosen=10, position="end"))
    assert list(data.docs.ids) == [str(i) for i in range(30)]
    assert all(text.startswith(f"text {i}") for i, text in enumerate(data.docs))
    first = json.loads((tmp_path / "out" / "corpus.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert list(first) == ["_id", "title", "text"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_written_and_in_memory_are_the_same_data_and_the_same_seed_gives_the_same_bytes(folder, tmp_path, language):
    root = folder(corpus=[{"_id": f"d{i}", "title": "Title" if i % 3 else "", "text": f"words {i}" if i != 6 else ""} for i in range(80)])
    options = {"n_queries": 12, "n_chosen": 30, "language": language, "seed": 5}
    one, two, other = (write_stress(root, tmp_path / name, **{**options, "seed": seed}) for name, seed in (("1", 5), ("2", 5), ("3", 6)))
    files = sorted(p.relative_to(one) for p in one.rglob("*") if p.is_file())
    assert all((one / f).read_bytes() == (two / f).read_bytes() for f in files)
    assert (one / "corpus.jsonl").read_bytes() != (other / "corpus.jsonl").read_bytes()
    assert load(one).fingerprint() == make_stress(root, **options).fingerprint()
    assert audit(one).sound and audit(make_stress(root, **options)).sound
    card = json.loads((one / "manifest.json").read_text(encoding="utf-8"))
    assert card["generator"] == "stress" and card["config"] == StressConfig(**options).to_dict()
    assert card["empty_documents"] == 1 and card["n_chosen"] == 30 and card["corpus"]["name"] == "fruit"


def test_a_text_that_utf8_cannot_hold_is_escaped(tmp_path):
    path = tmp_path / "c.jsonl"
    path.write_text("".join(f'{{"_id": "d{i}", "title": "", "text": "odd \\ud800 {i}"}}\n' for i in range(5)), encoding="utf-8")
    out = write_stress(path, tmp_path / "out", n_queries=3, n_chosen=5)
    assert all("odd \ud800" in text for text in load(out).docs)


def test_empty_documents_are_never_chosen():
    docs = TextList([f"d{i}" for i in range(40)], ["" if i % 2 else f"text {i}" for i in range(40)])
    data = make_stress(docs, n_queries=6, pattern="random")
    assert data.notes["empty_documents"] == 20
    assert all(bool(facts(text, "en")) == (j % 2 == 0) for j, text in enumerate(data.docs))


REFUSED = {
    "too few": ({"n_queries": 300}, RangeError, "at least 25 documents with text for n_queries=300, k=2, pattern=dense; my corpus has 10"),
    "chosen": ({"n_queries": 3, "n_chosen": 11}, RangeError, r"n_chosen must be in \[3, 10\]"),
    "chosen few": ({"n_queries": 3, "n_chosen": 2}, RangeError, r"n_chosen must be in \[3, 10\]"),
    "facts": ({"n_queries": 3, "facts_per_doc": 1}, RangeError, "facts_per_doc must be at least 2"),
    "pattern": ({"pattern": "ring"}, UnknownName, "unknown pattern 'ring'"),
    "language": ({"language": "fr"}, UnknownName, "unknown language 'fr'"),
    "position": ({"position": "middle"}, UnknownName, "unknown position"),
    "seed": ({"seed": -1}, RangeError, "seed must be >= 0"),
    "both": ({"config": StressConfig(), "k": 2}, InvalidArgument, "not both"),
}


@pytest.mark.parametrize(("options", "error", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_sizes_that_do_not_fit_are_refused(options, error, sentence):
    with pytest.raises(error, match=sentence):
        make_stress(texts(10), **options)


def test_what_is_not_a_corpus_is_refused(tmp_path):
    with pytest.raises(InvalidArgument, match=r"none\.jsonl does not exist"):
        make_stress(tmp_path / "none.jsonl")
    with pytest.raises(InvalidArgument, match="a folder, a file of JSON lines, a Dataset or texts with ids must be given; got int"):
        make_stress(3)
    (tmp_path / "notes.txt").write_text("hello\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"notes\.txt:1: not valid JSON"):
        make_stress(tmp_path / "notes.txt")
    with pytest.raises(DataError, match=r"corpus\.jsonl is missing; the folder holds notes\.txt"):
        make_stress(tmp_path)
    (tmp_path / "empty.jsonl").write_text("\n", encoding="utf-8")
    with pytest.raises(DataError, match="empty: the corpus is empty"):
        make_stress(tmp_path / "empty.jsonl")
    with pytest.raises(RangeError, match=r"has 0 \(9 of 9 are empty\)"):
        make_stress(jsonl(tmp_path / "blank.jsonl", [{"_id": f"{i}", "text": " "} for i in range(9)]))
    with pytest.raises(DataError, match=r"c\.jsonl:2: field 'text' is missing"):
        make_stress(jsonl(tmp_path / "c.jsonl", [{"_id": "1", "text": "a"}, {"_id": "2"}]))
    twice = [{"_id": "1", "text": "a"}, {"_id": "2", "text": "b"}, {"_id": "1", "text": "c"}]
    with pytest.raises(DataError, match="ids must be distinct; 1 repeat: '1'"):
        make_stress(jsonl(tmp_path / "twice.jsonl", twice))


def test_the_corpus_itself_is_never_written_over(tmp_path, folder):
    root = folder(corpus=[{"_id": f"d{i}", "text": f"text {i}"} for i in range(20)])
    for target in (root, root.parent, root / "corpus.jsonl"):
        with pytest.raises(InvalidArgument, match="the output must be another folder than that of the corpus"):
            write_stress(root, target, n_queries=3, overwrite=True)
    out = write_stress(root, tmp_path / "out", n_queries=3)
    with pytest.raises(InvalidArgument, match=r"does\. Choose another -o, or pass --overwrite"):
        write_stress(root, out, n_queries=3)
    assert write_stress(root, out, n_queries=3, overwrite=True) == out
    with pytest.raises(DataError, match=r"no document may hold the facts' own sentence .*20 do"):
        write_stress(out, tmp_path / "again", n_queries=3)
    assert not (tmp_path / "again").exists() and not list(tmp_path.glob(".again*"))


def test_the_audit_finds_a_spoiled_corpus(tmp_path):
    out = write_stress(texts(60), tmp_path / "out", n_queries=10, n_chosen=20)
    lines = (out / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    relevant = load(out).relevance.row(0).tolist()
    asked = load(out).queries[0].removeprefix("Which text is by an author who likes ")[:-1]
    other = next(i for i in range(60) if i not in relevant and SENTENCE["en"] not in lines[i])
    lines[other] = json.dumps({"_id": f"d{other}", "title": "", "text": f"a text about {asked}"})
    lines[relevant[0]] = json.dumps({"_id": f"d{relevant[0]}", "title": "", "text": "nothing"})
    (out / "corpus.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    report = audit(out)
    assert report.n_leaking_queries == 1 and report.leaks[0].doc_id == f"d{other}"
    assert "1 relevant documents hold no facts." in report.problems


def test_own_templates_and_attributes(tmp_path):
    (tmp_path / "t.toml").write_text(
        'document = "Tags: {attributes};"\nquery = "tag {attribute}"\nlast_separator = ", "\n', encoding="utf-8"
    )
    (tmp_path / "a.txt").write_text("".join(f"zeta{i:03}\n" for i in range(200)), encoding="utf-8")
    words = FactWords.from_files(attributes=tmp_path / "a.txt", templates=tmp_path / "t.toml")
    data = make_stress(texts(100), words=words, n_queries=20)
    assert audit(data).sound
    assert data.queries[0].startswith("tag zeta") and data.docs[0].startswith("Tags: zeta")
    assert isinstance(data, Dataset)
    for content, problem in (
        ('document = "Tags {attributes}"', "template 'document' must hold"),
        ('document = "{attributes}."', "template 'document' must hold"),
        ('query = "tag"', "template 'query' must hold"),
        ('separator = ""', "template 'separator' must not be empty"),
        ('name = "x"', "'name' is not a template text"),
    ):
        (tmp_path / "t.toml").write_text(content, encoding="utf-8")
        with pytest.raises(DataError, match=problem):
            FactWords.from_files(templates=tmp_path / "t.toml")
    (tmp_path / "a.txt").write_text("苹果\n苹果派\n", encoding="utf-8")
    with pytest.raises(DataError, match="no attribute may begin at a word of another"):
        FactWords.from_files("zh", attributes=tmp_path / "a.txt")
