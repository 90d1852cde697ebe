"""How dimensions are written on the command line, and how answers are printed."""

from __future__ import annotations

import json

import pytest

from limitlab._core.errors import RangeError
from limitlab.cli.options import answer, answer_json, parse_dims, save


@pytest.mark.parametrize(
    ("text", "dims"),
    [
        (None, None),
        ("12", [12]),
        ("8,12,16", [8, 12, 16]),
        ("16,8", [16, 8]),
        ("4:7", [4, 5, 6, 7]),
        ("4:4", [4]),
        ("4:20:4", [4, 8, 12, 16, 20]),
        ("4:10:4", [4, 8]),
        ("8, 12 ,16", [8, 12, 16]),
        ("8,4:8:2,8", [8, 4, 6]),
    ],
)
def test_dims(text, dims):
    assert parse_dims(text) == dims


@pytest.mark.parametrize("text", ["", "abc", "8;9", "1.5", "-4", "4:", ":4", "4:8:2:1", "8,,9", "8,"])
def test_other_texts_are_refused_as_they_came(text):
    with pytest.raises(RangeError, match="12, or 8,12,16, or 4:20 is expected") as caught:
        parse_dims(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["0", "8:4", "4:8:0", "0:4"])
def test_impossible_dims_are_refused(text):
    with pytest.raises(RangeError, match="at least 1 and ascend"):
        parse_dims(text)


def test_answers_go_to_standard_output(capsys):
    answer("line")
    answer_json({"b": 1, "a": "ä"})
    out, err = capsys.readouterr()
    assert out.startswith("line\n{") and err == ""
    assert json.loads(out.removeprefix("line\n")) == {"a": "ä", "b": 1}
    assert "ä" in out


def test_save_writes_text_or_json(tmp_path):
    save(tmp_path / "a.json", {"x": 1})
    save(tmp_path / "a.txt", "text")
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 1}
    assert (tmp_path / "a.txt").read_text() == "text"
