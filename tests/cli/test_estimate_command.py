"""``limitlab estimate``: text, JSON, exit codes, from files and from bare sizes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from limitlab.estimation.machine import RATES, MachineProfile, write_profile


@pytest.fixture
def profile(tmp_path):
    products = tuple((q, d, 1e11) for q in (1, 1024) for d in (64, 1024))
    rates = dict.fromkeys(RATES, 1e9)
    made = MachineProfile(
        "nobody's", 2, 16 << 30, 1.0, 100 << 20, rates, products, ((6e4, 2e-5), (8e8, 0.1)), 1.5, "2026-01-01T00:00:00+00:00"
    )
    write_profile(made, tmp_path / "m.json")
    return tmp_path / "m.json"


def test_bare_sizes_need_nothing_to_exist(cli, profile):
    sizes = ["--n-docs", "100e6", "--n-queries", "1000", "--dim", "768", "--dtype", "int8", "--tokens-per-doc", "120"]
    told = cli(
        "estimate", "eval", *sizes, "--engine", "ray", "--workers", "64", "--price-per-hour", "2", "--machine", profile, "--json"
    ).json()
    assert told["schema"] == "limitlab.estimate/1" and told["verb"] == "eval"
    assert told["sizes"]["n_docs"] == 100_000_000 and told["machines"] == 32
    assert told["seconds"]["low"] < told["seconds"]["expected"] < told["seconds"]["high"]
    assert {"name", "formula", "amount", "unit", "rate", "assumption", "seconds"} <= {*told["parts"][0]}
    assert told["cost"] > 0 and told["network_bytes"] == 100_000_000 * 768
    found = cli("estimate", "diagnose", *sizes, "--machine", profile)
    assert found.code == 0 and found.err == ""
    assert found.out.startswith("diagnose: about ") and "assumption" in found.out and "note: " in found.out
    assert cli("estimate", "diagnose", *sizes, "--machine", profile, "--json").json()["disk_bytes"] == 4 * 100_000_000 * 768


def test_the_arguments_of_diagnose_are_taken_as_they_are(cli, profile, tmp_path):
    rng = np.random.default_rng(0)
    for name, n in (("d", 500), ("q", 20)):
        np.save(tmp_path / f"{name}.npy", rng.standard_normal((n, 16)).astype(np.float32))
    files = ["--docs", tmp_path / "d.npy", "--queries", tmp_path / "q.npy", "--machine", profile, "--json"]
    told = cli("estimate", "diagnose", *files, "--dim", "8", "--dtype", "int8", "--skip", "gaps,geometry").json()
    assert (told["sizes"]["n_docs"], told["sizes"]["dim"], told["sizes"]["unit"]) == (500, 16, False)
    assert (told["sizes"]["served_dim"], told["sizes"]["served_dtype"]) == (8, "int8")
    names = {p["name"] for p in told["parts"]}
    assert {"products: truncation", "products: quantisation", "products: drowning"} <= names and "moments" not in names
    both = cli(
        "estimate",
        "eval",
        "-m",
        f"vectors:docs={tmp_path / 'd.npy'},queries={tmp_path / 'q.npy'}",
        "--dim",
        "4,8",
        "--machine",
        profile,
        "--json",
    )
    assert [p["formula"] for p in both.json()["parts"] if p["name"] == "products: search"]
    assert both.json()["sizes"]["dims"] == [4, 8]


def test_a_sweep_over_a_hundred_thousand_dimensions_is_foreseen(cli, profile):
    told = cli("estimate", "critical-n", "--dim", "4:100000", "--machine", profile, "--json").json()
    assert told["sizes"]["n_dims"] == 99_997 and told["sizes"]["refused"] > 99_000
    assert told["seconds"]["expected"] > 86_400
    three = cli("estimate", "critical-n", "--dim", "8", "--k", "3", "--n-docs", "14", "--seeds", "2", "--machine", profile)
    assert three.code == 0 and "critical-n: about" in three.out


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (["eval", "--n-docs", "10", "--n-queries", "2"], "InvalidArgument: limitlab estimate: --dim must be known"),
        (
            ["eval", "-m", "rerank(bm25)", "--n-docs", "10", "--n-queries", "2", "--dim", "4"],
            "InvalidArgument: limitlab estimate eval: -m must be",
        ),
        (
            ["eval", "-m", "openai:model=m", "--n-docs", "10", "--n-queries", "2"],
            "InvalidArgument: limitlab estimate eval: --texts-per-second",
        ),
        (["diagnose", "--n-docs", "ten", "--n-queries", "2", "--dim", "4"], "RangeError: --n-docs"),
        (
            ["diagnose", "--n-docs", "10", "--n-queries", "2", "--dim", "4", "--engine", "spark"],
            "UnknownName: limitlab estimate: unknown engine",
        ),
        (["diagnose", "--docs", "d.npy"], "InvalidArgument: limitlab estimate diagnose: --docs and --queries"),
        (["critical-n", "--dim", "4", "--k", "3"], "InvalidArgument: limitlab estimate critical-n: with --k other than 2"),
        (["critical-n", "--dim", "x"], "RangeError: --dim"),
    ],
)
def test_bad_input_is_one_sentence(cli, profile, arguments, start):
    cli("estimate", *arguments, "--machine", profile).refused(1, start)


def test_a_profile_that_is_none_is_refused(cli, tmp_path):
    (tmp_path / "bad.json").write_text(json.dumps({"schema": "x"}))
    cli("estimate", "critical-n", "--dim", "4", "--machine", tmp_path / "bad.json").refused(1, "DataError: ")
    cli("estimate", "critical-n", "--dim", "4", "--machine", tmp_path / "bad.json", "--fresh").refused(1, "InvalidArgument: ")


def test_the_machine_is_kept_and_written(cli, profile, tmp_path, monkeypatch):
    from limitlab import estimation

    monkeypatch.setattr(estimation, "stored_profile", lambda measure, fresh: estimation.read_profile(profile))
    found = cli("estimate", "machine", "-o", tmp_path / "out.json")
    assert found.code == 0 and "flop/s" in found.out
    assert json.loads((tmp_path / "out.json").read_text()) == json.loads(profile.read_text())
    cli("estimate", "machine", "-o", tmp_path / "out.txt").refused(1, "UnknownName: ")
