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
        "estimate", "eval", *sizes, "--engine", "ray", "--machines", "32", "--price-per-hour", "2", "--machine", profile, "--json"
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
        (
            ["diagnose", "--n-docs", "ten", "--n-queries", "2", "--dim", "4"],
            "RangeError: limitlab estimate: --n-docs must be a positive whole number",
        ),
        (
            ["diagnose", "--n-docs", "10", "--n-queries", "2", "--dim", "4", "--engine", "spark"],
            "UnknownName: limitlab estimate: unknown engine",
        ),
        (["diagnose", "--docs", "d.npy"], "InvalidArgument: limitlab estimate diagnose: --docs and --queries"),
        *[
            (
                ["eval", "--n-docs", n, "--n-queries", "2", "--dim", "4"],
                f"RangeError: limitlab estimate: --n-docs must be a positive whole number up to 10^13, such as 50000000 or 50e6; got '{n}'",
            )
            for n in ("-5", "100w", "1e400", "0")
        ],
        (["critical-n", "--dim", "4", "--n-docs", "1e400"], "RangeError: limitlab estimate: --n-docs must be"),
        (
            ["diagnose", "-m", "owner/name", "--n-docs", "10", "--n-queries", "2", "--texts-per-second", "5"],
            "InvalidArgument: limitlab estimate diagnose: --full-dim must say",
        ),
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


def test_headlines_say_what_will_not_run(cli, profile):
    alone = cli("estimate", "critical-n", "--dim", "1000000000", "--machine", profile).out.splitlines()
    assert alone[0] == "critical-n: will not run: the dimension is refused" and alone[1].startswith("LIMIT: 1 of 1 dimensions")
    some = cli("estimate", "critical-n", "--dim", "4,5,1000000", "--machine", profile).out.splitlines()
    assert some[0].endswith("for 2 of 3 dimensions; 1 are refused")
    memory = cli("estimate", "eval", "--n-docs", "1e10", "--n-queries", "10", "--dim", "4", "--machine", profile).out.splitlines()
    assert memory[1].startswith("LIMIT: memory is more than the machine's 16 GiB")


def test_long_times_are_years():
    from limitlab.cli.estimate_text import duration

    day = 86_400.0
    assert [duration(days * day) for days in (700, 731, 5_049, 204_802_267_581)] == [
        "700 days", "2 years", "14 years", "more than a million years",
    ]  # fmt: skip


def test_a_model_that_is_here_says_its_dimension(cli, profile):
    speed = ["--n-docs", "1e6", "--n-queries", "1000", "--texts-per-second", "1000", "--machine", profile, "--json"]
    assert cli("estimate", "eval", "-m", "minilm", *speed).json()["sizes"]["dim"] == 384
    assert cli("estimate", "eval", "-m", "bge-m3", *speed).json()["sizes"]["dim"] == 1024
    told = cli("estimate", "diagnose", "-m", "minilm", "--dim", "64", *speed).json()["sizes"]
    assert (told["dim"], told["served_dim"]) == (384, 64)
    told = cli("estimate", "diagnose", "-m", "owner/name", "--full-dim", "768", "--dim", "64", *speed).json()["sizes"]
    assert (told["dim"], told["served_dim"]) == (768, 64)


def _vectors(folder, name, n, dim):
    np.save(folder / f"{name}.npy", np.random.default_rng(0).standard_normal((n, dim)).astype(np.float32))
    return folder / f"{name}.npy"


def test_every_retriever_has_the_sizes_of_its_own_files(cli, profile, tmp_path):
    q8, q32 = _vectors(tmp_path, "q8", 20, 8), _vectors(tmp_path, "q32", 20, 32)
    small = f"vectors:docs={_vectors(tmp_path, 'd8', 500, 8)},queries={q8}"
    large = f"vectors:docs={_vectors(tmp_path, 'd32', 500, 32)},queries={q32}"

    def amounts(*models, more=()):
        given = [x for m in models for x in ("-m", m)]
        parts = cli("estimate", "eval", *given, *more, "--machine", profile, "--json").json()["parts"]
        return {name: sum(p["amount"] for p in parts if p["name"] == name) for name in {p["name"] for p in parts}}

    both, one, other = amounts(small, large), amounts(small), amounts(large)
    for name in ("products: search", "read vectors the first time", "scale rows to unit length"):
        assert both[name] == one[name] + other[name]
    assert one["products: search"] == 2 * 20 * 500 * 8 and other["products: search"] == 2 * 20 * 500 * 32
    assert amounts(small, large, more=["--dim", "16"])["products: search"] == 2 * 20 * 500 * 16  # the small one has no 16
    assert "scale rows to unit length" not in amounts(small + ",similarity=dot")
    other_rows = f"vectors:docs={_vectors(tmp_path, 'd400', 400, 8)},queries={q8}"
    cli("estimate", "eval", "-m", small, "-m", other_rows, "--machine", profile).refused(
        1, "InvalidArgument: limitlab estimate eval: every -m"
    )
    cli("estimate", "eval", "-m", small, "--n-docs", "500", "--machine", profile).refused(
        1, "InvalidArgument: limitlab estimate eval: sizes must"
    )
