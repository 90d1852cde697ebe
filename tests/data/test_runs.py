"""Runs (ranked lists) as TREC text and JSON."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import DataError, InvalidArgument
from limitlab.data import read_run, write_run

IDS = [
    "plain",
    "two words",
    "a\ttab",
    'a "quoted" id',
    "50%",
    "%20",
    "a,b",
    "汉字",
    "🦦",
    "e\u0301",
    "new\nline",
    "carriage\rreturn",
    "nbsp\u00a0",
    "\u2028",
    "{",
]
RUN = {q: {d: 10.5 - n for n, d in enumerate(IDS)} for q in IDS}


@pytest.mark.parametrize("format", ["trec", "json"])
def test_a_run_comes_back_in_its_order(tmp_path, format):
    read = read_run(write_run(RUN, tmp_path / "run", format=format))
    assert read == RUN
    assert list(read) == list(RUN) and all(list(read[q]) == list(RUN[q]) for q in RUN)


@pytest.mark.parametrize("format", ["trec", "json"])
def test_float32_scores_come_back_exactly(tmp_path, format):
    scores = np.random.default_rng(0).standard_normal(500).astype(np.float32) * np.float32(10.0) ** np.arange(
        -20, 20, 0.08, dtype=np.float32
    )
    run = {"q": {f"d{i}": s for i, s in enumerate(scores)}}
    read = read_run(write_run(run, tmp_path / "run", format=format))["q"]
    assert np.array_equal(np.array(list(read.values()), np.float32), scores)


def test_the_trec_line_is_the_standard_one(tmp_path):
    path = write_run({"q 1": {"d1": 2.5, "d%2": 1}}, tmp_path / "run", tag="mine")
    assert path.read_text() == "q%201 Q0 d1 1 2.5 mine\nq%201 Q0 d%252 2 1 mine\n"


def test_a_tag_with_spaces_does_not_make_the_run_unreadable(tmp_path):
    assert read_run(write_run({"q": {"d": 1.0}}, tmp_path / "run", tag="my best run")) == {"q": {"d": 1.0}}


@pytest.mark.parametrize(
    "content", ["q1 Q0 d1 1 2.5 t\r\n\r\nq1\tQ0\td2\t2\t1e-3\tt\r\n", '\n {"q1": {"d1": 2.5, "d2": 0.001}}'], ids=["trec", "json"]
)
def test_both_are_told_apart_by_content(tmp_path, content):
    (tmp_path / "run").write_bytes(content.encode())
    assert read_run(tmp_path / "run") == {"q1": {"d1": 2.5, "d2": 0.001}}


@pytest.mark.parametrize("content", ["q1 Q0 d1 1 2.5 t\n", '{"q1": {"d1": 2.5}}'], ids=["trec", "json"])
def test_a_byte_order_mark_is_not_part_of_the_run(tmp_path, content):
    (tmp_path / "run").write_bytes(b"\xef\xbb\xbf" + content.encode())
    assert read_run(tmp_path / "run") == {"q1": {"d1": 2.5}}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("q1 Q0 d2 2 1.0", "six fields are expected (qid Q0 docid rank score tag); the line has 5"),
        ("q1 Q0 d 2 2 1.0 t", "the line has 7"),
        ("q1 Q0 d1 2 1.0 t", "document 'd1' is listed twice for query 'q1'"),
        ("q1 Q0 d2 2 high t", "scores must be finite numbers; got 'high'"),
        ("q1 Q0 d2 2 nan t", "scores must be finite numbers; got 'nan'"),
        ("q1 Q0 d2 2 -inf t", "scores must be finite numbers; got '-inf'"),
    ],
)
def test_a_malformed_trec_line_is_refused_with_its_number(tmp_path, line, says):
    path = tmp_path / "run"
    path.write_text(f"q1 Q0 d1 1 2.5 t\n\n{line}\n")
    with pytest.raises(DataError) as caught:
        read_run(path)
    assert str(caught.value) == f"{path}:3: {says}" or (str(caught.value).startswith(f"{path}:3: ") and says in str(caught.value))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"q1": {"d1": 1},\n "q2": }', ":2: not valid JSON"),
        ('{"q1": ["d1", "d2"]}', "a run must map query ids to"),
        ('{"q1": {"d1": NaN}}', "scores must be finite numbers"),
        ('{"q1": {"d1": "high"}}', "scores must be finite numbers"),
        ('{"q1": {"d1": null}}', "scores must be finite numbers"),
        ('{"q1": {"d1": 1, "d1": 2}}', "twice"),
    ],
)
def test_a_malformed_json_run_is_refused(tmp_path, content, says):
    path = tmp_path / "run.json"
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        read_run(path)
    assert str(caught.value).startswith(str(path)) and says in str(caught.value)


@pytest.mark.parametrize("good_lines", [0, 5000], ids=["first line", "far inside"])
def test_a_run_that_is_not_utf8_is_refused(tmp_path, good_lines):
    path = tmp_path / "run"
    path.write_bytes(b"".join(b"q1 Q0 d%d 1 2.5 t\n" % i for i in range(good_lines)) + "q1 Q0 caf\u00e9 1 2.5 t\n".encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8"):
        read_run(path)


def test_a_missing_run_and_an_unknown_format_are_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_run(tmp_path / "absent")
    with pytest.raises(InvalidArgument, match="format"):
        write_run(RUN, tmp_path / "run", format="csv")
    assert not (tmp_path / "run").exists()
