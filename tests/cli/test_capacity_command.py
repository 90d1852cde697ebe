"""``limitlab capacity``: the four answers, the number left out, certificates, the map."""

from __future__ import annotations

import json
import re

import pytest


def test_the_example_of_the_manual(cli):
    done = cli("capacity", "--n-docs", "50e6", "--k", "10", "--dim", "1024", "--dtype", "int8")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == "50,000,000 documents, every set of 10, 1,024 dimensions, any positive gap, documents int8, queries float32: exists"
    assert re.match(r"  certified    nothing; that is no limit", lines[1])
    assert re.match(r"  exists       gap 0\.0\d+ in 1,024 dimensions; already unit documents in \d+ dimensions", lines[2])
    assert "certified from 8,192 dimensions on" in done.out
    assert "what a trained encoder learns" in lines[-1]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (("--n-docs", "1000", "--k", "2", "--dim", "3"), ": impossible"),
        (("--n-docs", "46", "--k", "2", "--dim", "4"), ": possible"),
        (("--n-docs", "50_000", "--k", "2", "--dim", "4"), "open between these dimensions: needed at least 4, known to suffice from 12 on"),
        (("--k", "2", "--dim", "1024", "--dtype", "binary", "--gap", "0.38"), "1,099,511,627,776 documents: "),
        (("--n-docs", "50000", "--dim", "384"), "the largest k"),
        (("--n-docs", "2^20", "--k", "2"), "impossible   below 4 dimensions: "),
        (("--k", "2", "--dim", "1024"), "one optimiser's critical n [Weller2025] reads 4,005,322 documents at this dimension; no limit"),
    ],
)
def test_answers(cli, question, words):
    done = cli("capacity", *question)
    assert done.code == 0 and words in done.out


def test_json_holds_what_the_text_says(cli):
    found = cli("capacity", "--n-docs", "8e6", "--k", "2", "--dim", "384", "--json").json()
    assert found["schema"] == "limitlab.capacity/1" and found["status"] == "possible" and found["n_docs"] == 8_000_000
    assert found["certified"]["n_docs"] >= 8_000_000 and found["says_not"]


def test_a_certificate_is_written_and_proved(cli, tmp_path):
    path = tmp_path / "c.json"
    done = cli("capacity", "--n-docs", "46", "--k", "2", "--dim", "12", "--gap", "0.05", "--certificate", str(path))
    assert done.code == 0 and f"limitlab verify {path}" in done.out
    assert cli("verify", str(path)).code == 0
    done = cli("capacity", "--n-docs", "50e6", "--k", "10", "--dim", "1024", "--certificate", str(tmp_path / "none.json"))
    assert done.code == 3 and "nothing is certified" in done.err and not (tmp_path / "none.json").exists()


def test_the_map(cli, tmp_path):
    done = cli("capacity", "--map", "--gap", "0.01", "-o", str(tmp_path / "map.html"), "--png", str(tmp_path), "--svg", str(tmp_path))
    assert done.code == 0 and "impossible below d" in done.out
    page = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert "How many documents fit: every pair" in page and "limitlab capacity --map" in page
    assert (tmp_path / "capacity-k2-float32-gap0.01.png").stat().st_size > 20_000
    assert (tmp_path / "capacity-k2-float32-gap0.01.svg").exists()
    cli("capacity", "--map", "--k", "3", "-o", str(tmp_path / "map.json"), "--json")
    assert json.loads((tmp_path / "map.json").read_text())["k"] == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--k", "2"), "InvalidArgument: capacity(): at most one of n_docs, k and dim may be left out"),
        (("--n-docs", "fifty", "--k", "2"), "RangeError: --n-docs: a whole number"),
        (("--n-docs", "1.5", "--k", "2"), "RangeError: --n-docs: a whole number"),
        (("--n-docs", "10", "--k", "10", "--dim", "3"), "RangeError: capacity(): k must be in"),
        (("--n-docs", "10", "--k", "2", "--dim", "3", "--dtype", "int7"), "UnknownName: capacity(): unknown dtype 'int7'"),
        (("--map", "--n-docs", "10"), "InvalidArgument: limitlab capacity: --map shows all n and d"),
        (("--map", "-o", "x.txt"), "UnknownName: --output: unknown file type"),
        (("--n-docs", "10", "--k", "2", "-o", "x.html"), "InvalidArgument: limitlab capacity: -o, --png and --svg go with --map"),
    ],
)
def test_refusals(cli, arguments, sentence):
    cli("capacity", *arguments).refused(1, sentence)
