"""Reading dataset folders: every layout, and every malformed input refused where it stands."""

from __future__ import annotations

import json

import pytest

from limitlab._core.errors import DataError, InvalidArgument
from limitlab.data import Dataset, load
from limitlab.data.formats import jsonl

HEADER = "query-id\tcorpus-id\tscore\n"
JSON_QRELS = '{"query-id": "q1", "corpus-id": "d1", "score": 1}\n{"query-id": "q2", "corpus-id": "d2", "score": 1}\n'


def refusal(folder, **options) -> str:
    with pytest.raises(DataError) as caught:
        load(folder, **options)
    return str(caught.value)


# -- layouts ---------------------------------------------------------------------------------------------------------


def test_beir(folder):
    data = load(folder())
    assert data.name == "fruit"
    assert list(data.docs.ids) == ["d1", "d2", "d3"] and list(data.docs) == ["red apples", "green pears", "blue plums"]
    assert list(data.queries.ids) == ["q1", "q2"] and list(data.queries) == ["apples?", "pears?"]
    assert data.relevance.to_qrels() == {"q1": {"d1": 1}, "q2": {"d2": 1}}
    assert data.notes == {}


@pytest.mark.parametrize("place", ["qrels.jsonl", "qrels/test.jsonl", "default/test.jsonl"])
def test_released_layout_and_hub_folders(folder, place):
    data = load(folder(qrels=JSON_QRELS, qrels_at=place))
    assert data.fingerprint() == load(folder(name="beir")).fingerprint()


def test_hub_folder_with_a_folder_for_each_configuration(folder):
    beir = folder(name="beir")
    parts = {f"{part}/{part}.jsonl": (beir / f"{part}.jsonl").read_bytes() for part in ("corpus", "queries")}
    nested = folder(name="nested", corpus=None, queries=None, qrels=JSON_QRELS, qrels_at="default/test.jsonl", **parts)
    assert load(nested).fingerprint() == load(beir).fingerprint()


def test_the_release(released):
    data = load(released)
    assert (data.n_docs, data.n_queries, data.relevance.n_relevant) == (46, 1000, 2000)
    assert data.docs.ids[0] == "Geneva Durben" and data.docs[0].startswith("Geneva Durben likes Quokkas, River Otters, ")
    assert data.queries[0] == "Who likes Joshua Trees?"
    assert data.relevance.to_qrels()["query_0"] == {"Geneva Durben": 1, "Dorathea Bastress": 1}


def test_titles_are_put_before_texts(folder):
    corpus = [
        {"_id": "d1", "title": " Fruit ", "text": "red apples"},
        {"_id": "d2", "title": None, "text": "pears"},
        {"_id": "d3", "title": "Only a title", "text": ""},
    ]
    data = load(folder(corpus=corpus))
    assert list(data.docs) == ["Fruit red apples", "pears", "Only a title"]
    assert data.notes == {}


def test_ids_may_be_whole_numbers_and_the_field_may_be_id(folder):
    data = load(
        folder(corpus=[{"id": 1, "text": "a"}, {"id": 2, "text": "b"}], queries=[{"id": 7, "text": "?"}], qrels=HEADER + "7\t2\t1\n")
    )
    assert list(data.docs.ids) == ["1", "2"] and data.relevance.to_qrels() == {"7": {"2": 1}}


def test_graded_and_negative_judgements_are_kept(folder):
    data = load(folder(qrels=HEADER + "q1\td1\t3\nq1\td2\t-1\nq1\td3\t0\nq2\td2\t2\n"))
    assert data.relevance.to_qrels() == {"q1": {"d1": 3, "d2": -1, "d3": 0}, "q2": {"d2": 2}}
    assert data.relevance.n_relevant == 2


def test_other_splits(folder):
    root = folder(**{"qrels/dev.tsv": HEADER + "q1\td3\t1\n", "qrels/train.jsonl": JSON_QRELS})
    assert load(root, split="dev").relevance.to_qrels() == {"q1": {"d3": 1}}
    assert load(root, split="train").n_queries == 2


def test_another_qrels_file(folder, tmp_path):
    (tmp_path / "other.tsv").write_text(HEADER + "q2\td3\t1\n")
    assert load(folder(), qrels=tmp_path / "other.tsv").relevance.to_qrels() == {"q2": {"d3": 1}}


@pytest.mark.parametrize(
    "content", ["q1 0 d1 1\nq2 0 d2 2\n", "q1\t0\td1\t1\nq2\t0\td2\t2\n", "q1  0   d1 1\r\n\r\nq2 0 d2 2"], ids=["spaces", "tabs", "CRLF"]
)
def test_trec_qrels(folder, tmp_path, content):
    (tmp_path / "trec.qrels").write_bytes(content.encode())
    assert load(folder(), qrels=tmp_path / "trec.qrels").relevance.to_qrels() == {"q1": {"d1": 1}, "q2": {"d2": 2}}


def test_windows_line_ends(folder):
    unix = folder(name="unix")
    files = {p.relative_to(unix).as_posix(): p.read_bytes().replace(b"\n", b"\r\n") for p in unix.rglob("*") if p.is_file()}
    windows = folder(name="windows", **files)
    assert load(windows).fingerprint() == load(unix).fingerprint()


@pytest.mark.parametrize("qrels_at", ["qrels/test.tsv", "qrels/test.jsonl"])
def test_a_byte_order_mark_is_accepted(folder, qrels_at):
    mark = b"\xef\xbb\xbf"
    plain = folder(name="plain")
    qrels = (HEADER + "q1\td1\t1\nq2\td2\t1\n" if qrels_at.endswith("tsv") else JSON_QRELS).encode()
    marked = folder(
        name="marked",
        corpus=mark + (plain / "corpus.jsonl").read_bytes(),
        queries=mark + (plain / "queries.jsonl").read_bytes(),
        qrels=mark + qrels,
        qrels_at=qrels_at,
    )
    assert load(marked).fingerprint() == load(plain).fingerprint()


def test_a_byte_order_mark_is_no_part_of_the_first_id(folder):
    data = load(folder(qrels=b"\xef\xbb\xbfq1\td1\t1\nq2\td2\t1\n"))  # a table without a header
    assert data.relevance.to_qrels() == {"q1": {"d1": 1}, "q2": {"d2": 1}}


# -- what is counted, or refused when strict ---------------------------------------------------------------------------


def test_queries_without_relevant_documents_are_left_out_and_counted(folder):
    root = folder(
        queries=[{"_id": f"q{i}", "text": f"{i}?"} for i in range(1, 6)], qrels=HEADER + "q1\td1\t1\nq2\td2\t0\nq3\td1\t-2\nq5\td3\t1\n"
    )
    data = load(root)
    assert list(data.queries.ids) == ["q1", "q5"] and list(data.queries) == ["1?", "5?"]
    assert data.notes == {"queries_without_relevant_documents": 3}
    message = refusal(root, strict=True)
    assert "3 queries have no relevant document ('q2', 'q3', 'q4')" in message


def test_empty_documents_are_counted(folder):
    root = folder(
        corpus=[
            {"_id": "d1", "text": "a"},
            {"_id": "d2", "text": ""},
            {"_id": "d3", "title": "", "text": " \n"},
            {"_id": "d4", "text": None},
        ]
    )
    assert load(root).notes == {"empty_documents": 3}
    assert "3 documents are empty" in refusal(root, strict=True)


def test_strict_accepts_what_is_whole(folder):
    assert load(folder(), strict=True).n_queries == 2


# -- malformed lines ---------------------------------------------------------------------------------------------------

GOOD = '{"_id": "d1", "text": "a"}\n'
BAD_LINES = {
    "bad JSON": ('{"_id": "d2", "text": "a"\n', "not valid JSON"),
    "text after the object": ('{"_id": "d2", "text": "a"} x\n', "not valid JSON"),
    "a list": ('["d2", "a"]\n', "a JSON object is expected; the line holds a list"),
    "a number": ("7\n", "a JSON object is expected"),
    "no id": ('{"text": "a"}\n', "field '_id' is missing; the line has 'text'"),
    "no text": ('{"_id": "d2", "title": "a"}\n', "field 'text' is missing; the line has '_id', 'title'"),
    "id is null": ('{"_id": null, "text": "a"}\n', "field '_id' must be a non-empty text"),
    "id is empty": ('{"_id": "", "text": "a"}\n', "field '_id' must be a non-empty text"),
    "id is a fraction": ('{"_id": 1.5, "text": "a"}\n', "field '_id' must be a non-empty text"),
    "id is true": ('{"_id": true, "text": "a"}\n', "field '_id' must be a non-empty text"),
    "text is a number": ('{"_id": "d2", "text": 5}\n', "field 'text' must be a text; it is 5"),
    "text is a list": ('{"_id": "d2", "text": ["a"]}\n', "field 'text' must be a text"),
    "title is a number": ('{"_id": "d2", "title": 5, "text": "a"}\n', "field 'title' must be a text"),
    "Latin-1": ('{"_id": "d2", "text": "caf\u00e9"}\n'.encode("latin-1"), "not UTF-8"),
}


@pytest.mark.parametrize("which", ["corpus", "queries"])
@pytest.mark.parametrize("case", BAD_LINES)
def test_a_malformed_line_is_refused_with_its_number(folder, which, case):
    bad, says = BAD_LINES[case]
    content = GOOD.encode() + b"\n" + (bad if isinstance(bad, bytes) else bad.encode()) + b'{"_id": "d9", "text": "b"}\n'
    root = folder(**{which: content})
    message = refusal(root)
    assert message.startswith(f"{root / which}.jsonl:3: "), message
    assert says in message


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("q2\td2\n", "three tab-separated fields"),
        ("q2\td2\t1\tx\ty\n", "three tab-separated fields"),
        ("q2\n", "three tab-separated fields"),
        ("q2\td2\tyes\n", "score must be a whole number; it is 'yes'"),
        ("q2\td2\t1.5\n", "score must be a whole number; it is '1.5'"),
        ("q2\td2\tnan\n", "score must be a whole number; it is 'nan'"),
        ("q2\td2\tinf\n", "score must be a whole number; it is 'inf'"),
        ("q2\td2\t\n", "score must be a whole number; it is ''"),
        ("q2\td2\t99999999999\n", "score must be a whole number"),
        ("\td2\t1\n", "an id is empty"),
        ("q2\t\t1\n", "an id is empty"),
    ],
)
def test_a_malformed_qrels_line_is_refused_with_its_number(folder, line, says):
    root = folder(qrels=HEADER + "q1\td1\t1\n" + line + "q1\td2\t1\n")
    message = refusal(root)
    assert message.startswith(f"{root}/qrels/test.tsv:3: "), message
    assert says in message


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"query-id": "q2", "corpus-id": "d2", "score": 1.5}', "score must be a whole number; it is 1.5"),
        ('{"query-id": "q2", "corpus-id": "d2", "score": NaN}', "score must be a whole number; it is nan"),
        ('{"query-id": "q2", "corpus-id": "d2", "score": Infinity}', "score must be a whole number; it is inf"),
        ('{"query-id": "q2", "corpus-id": "d2", "score": null}', "score must be a whole number; it is None"),
        ('{"query-id": "q2", "corpus-id": "d2", "score": true}', "score must be a whole number; it is True"),
        ('{"query-id": "q2", "corpus-id": "d2", "score": [1]}', "score must be a whole number"),
        ('{"query-id": "q2", "score": 1}', "field 'corpus-id' is missing"),
        ('{"corpus-id": "d2", "score": 1}', "field 'query-id' is missing"),
        ("{", "not valid JSON"),
    ],
)
def test_a_malformed_json_qrels_line_is_refused_with_its_number(folder, line, says):
    root = folder(qrels='{"query-id": "q1", "corpus-id": "d1", "score": 1}\n' + line + "\n", qrels_at="qrels/test.jsonl")
    message = refusal(root)
    assert message.startswith(f"{root}/qrels/test.jsonl:2: "), message
    assert says in message


def test_qrels_that_are_not_utf8_are_refused(folder):
    root = folder(qrels=(HEADER + "q1\td\u00e9\t1\n").encode("latin-1"))
    message = refusal(root)
    assert message.startswith(f"{root}/qrels/test.tsv") and "not UTF-8" in message


# -- what does not fit together ----------------------------------------------------------------------------------------


def test_repeated_ids_are_counted_with_their_lines(folder):
    root = folder(corpus=[{"_id": f"d{i % 5}", "text": "a"} for i in range(11)])
    message = refusal(root)
    assert message.startswith(f"{root}/corpus.jsonl: ids must be distinct; 6 repeat: ")
    assert "d0 (lines 1 and 6)" in message and "d1 (lines 2 and 7)" in message and message.endswith(", ...")


def test_a_pair_judged_twice_is_refused(folder):
    assert "('q1', 'd1')" in refusal(folder(qrels=HEADER + "q1\td1\t1\nq1\td1\t2\n"))


def test_qrels_naming_unknown_documents_or_queries_are_refused(folder):
    message = refusal(folder(qrels=HEADER + "q1\td1\t1\nq1\tx1\t1\nq2\tx1\t1\nq2\tx2\t0\n"))
    assert "qrels must name known documents; 3 lines name 2 unknown ids: 'x1', 'x2'" in message
    message = refusal(folder(name="other", qrels=HEADER + "q1\td1\t1\nq9\td1\t1\n"))
    assert "qrels must name known queries; 1 lines name 1 unknown ids: 'q9'" in message


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"corpus": ""}, "the corpus is empty"),
        ({"corpus": "\n\n"}, "the corpus is empty"),
        ({"queries": ""}, "there are no queries"),
        ({"qrels": HEADER}, "no document is relevant to any query"),
        ({"qrels": ""}, "no document is relevant to any query"),
        ({"qrels": HEADER + "q1\td1\t0\nq2\td2\t-1\n"}, "no document is relevant to any query (2 judgements, none with a positive grade)"),
    ],
    ids=str,
)
def test_nothing_to_measure_is_refused(folder, files, says):
    assert says in refusal(folder(**files))


@pytest.mark.parametrize("missing", ["corpus", "queries"])
def test_a_missing_file_is_named_with_what_is_there(folder, missing):
    root = folder(**{missing: None})
    message = refusal(root)
    assert message.startswith(f"{root}: {missing}.jsonl is missing; the folder holds ") and "qrels" in message


def test_a_missing_split_is_answered_with_the_splits_that_are_there(folder):
    root = folder(**{"qrels/dev.tsv": HEADER + "q1\td1\t1\n"})
    message = refusal(root, split="train")
    assert "no qrels found for split 'train'" in message and message.endswith("splits found: dev, test")


def test_missing_qrels(folder, tmp_path):
    assert "no qrels found for split 'test'" in refusal(folder(qrels=None))
    assert refusal(folder(name="other"), qrels=tmp_path / "absent.tsv") == f"{tmp_path / 'absent.tsv'}: this qrels file does not exist"


def test_a_path_that_is_no_folder_is_refused(folder, tmp_path):
    with pytest.raises(InvalidArgument, match="does not exist"):
        load(tmp_path / "absent")
    with pytest.raises(InvalidArgument, match="is a file, not a folder"):
        load(folder() / "corpus.jsonl")


def test_a_broken_manifest_is_refused_with_its_line(folder):
    root = folder(**{"manifest.json": '{"config": {},\n oops}'})
    assert refusal(root).startswith(f"{root}/manifest.json:2: not valid JSON")


# -- texts that stay on disk ---------------------------------------------------------------------------------------------


def test_a_large_corpus_read_from_disk_equals_one_held_in_memory(folder, monkeypatch):
    corpus = b"\xef\xbb\xbf" + b"\n".join(
        json.dumps({"_id": f"d{i}", "title": "t" * (i % 2), "text": f"text {i} 汉字 é"}, ensure_ascii=bool(i % 3)).encode()
        + b"\n" * (i % 4 == 0)
        for i in range(200)
    )
    root = folder(corpus=corpus.replace(b"\n", b"\r\n", 5) + b"\n\n  \n")
    memory = load(root)
    monkeypatch.setattr(jsonl, "_IN_MEMORY_BYTES", 0)
    disk = load(root)
    assert isinstance(disk.docs, jsonl.JsonlTexts) and not isinstance(memory.docs, jsonl.JsonlTexts)
    assert len(disk.docs) == len(memory.docs) == 200
    assert list(disk.docs.ids) == list(memory.docs.ids) and list(disk.docs) == list(memory.docs)
    assert disk.fingerprint() == memory.fingerprint() and disk.notes == memory.notes
    for position in (199, 0, 57, 3, 57, 198):
        assert disk.docs[position] == memory.docs[position] == ("t " * (position % 2)) + f"text {position} 汉字 é"
    assert list(disk.docs)[10] == disk.docs[10]  # reading on after a jump


def test_a_corpus_on_disk_is_checked_as_well(folder, monkeypatch):
    monkeypatch.setattr(jsonl, "_IN_MEMORY_BYTES", 0)
    assert "corpus.jsonl:2: field 'text' is missing" in refusal(folder(corpus=GOOD + '{"_id": "d2"}\n'))
    assert load(folder(name="empty", corpus=[{"_id": "d1", "text": " "}, {"_id": "d2", "text": "b"}])).notes == {"empty_documents": 1}


# -- plain dictionaries --------------------------------------------------------------------------------------------------


def test_from_texts_passes_the_same_checks(folder):
    data = Dataset.from_texts(
        {"d1": "red apples", "d2": "green pears", "d3": "blue plums"}, {"q1": "apples?", "q2": "pears?"}, {"q1": {"d1": 1}, "q2": {"d2": 1}}
    )
    assert data.fingerprint() == load(folder()).fingerprint()
    with pytest.raises(DataError, match="unknown ids: 'x'"):
        Dataset.from_texts({"d": "a"}, {"q": "b"}, {"q": {"x": 1}})
    with pytest.raises(DataError, match="the corpus is empty"):
        Dataset.from_texts({}, {"q": "b"}, {"q": {"x": 1}})


def test_the_fingerprint_sees_ids_texts_and_grades():
    def fingerprint(doc="d", text="a", grade=1):
        return Dataset.from_texts({doc: text}, {"q": "b"}, {"q": {doc: grade}}).fingerprint()

    assert len({fingerprint(), fingerprint(doc="e"), fingerprint(text="A"), fingerprint(grade=2)}) == 4
    assert fingerprint() == fingerprint()
