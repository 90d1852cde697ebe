"""``limitlab verify``: proves certificates again, refuses with a reason, never a traceback."""

from __future__ import annotations

import json

from limitlab._core.errors import EngineError
from limitlab.capacity import certified_n


def test_a_file_is_proved_changed_and_refused(tmp_path, cli):
    path = certified_n(4, min_gap=1e-3).save(tmp_path / "c.json")
    done = cli("verify", str(path))
    assert done.code == 0 and done.out.startswith("verified")
    record = json.loads(path.read_text())
    record["claim"]["min_gap"] *= 1.1
    path.write_text(json.dumps(record))
    done = cli("verify", str(path), "--json")
    assert done.code == 3
    assert done.json()["verified"] is False and done.json()["certificates"][0]["reason"].startswith("not proved")


def test_files_that_are_no_certificates(tmp_path, cli):
    path = tmp_path / "c.json"
    path.write_text("{")
    assert "not a certificate" in cli("verify", str(path)).refused(1, "DataError: ")
    path.write_text("{}")
    assert cli("verify", str(path)).code == 3
    cli("verify", str(tmp_path / "absent.json")).refused(1, "")


def test_a_file_that_cannot_be_read_does_not_keep_the_others_from_being_proved(tmp_path, cli):
    good = certified_n(4, min_gap=1e-3).save(tmp_path / "good.json")
    done = cli("verify", str(tmp_path / "absent.json"), str(good))
    assert done.code == 1 and done.out.startswith("verified") and "absent.json" in done.err
    record = cli("verify", str(tmp_path / "absent.json"), str(good), "--json").json()
    assert record["verified"] is False and len(record["certificates"]) == len(record["unreadable"]) == 1


def test_json_is_printed_where_no_file_can_be_read_too(tmp_path, cli):
    done = cli("verify", str(tmp_path / "absent.json"), "--json")
    assert done.code == 1
    record = done.json()
    assert record["verified"] is False and record["certificates"] == [] and len(record["unreadable"]) == 1


def test_a_cluster_that_went_away_is_no_unreadable_certificate(tmp_path, cli, monkeypatch):
    path = certified_n(4, min_gap=1e-3).save(tmp_path / "c.json")

    def gone(source):
        raise EngineError("engine ray: the cluster must stay; it is gone.")

    monkeypatch.setattr("limitlab.capacity.verify", gone)
    assert "it is gone" in cli("verify", str(path), str(path)).refused(1, "EngineError: ")


def test_shipped_ones(cli):
    assert cli("verify", "--shipped", "--dim", "4").code == 0
    done = cli("verify", "--shipped", "--construction", "kerdock", "--dim", "16:64", "--k", "3", "--json")
    assert done.code == 0 and {c["name"] for c in done.json()["certificates"]} == {"kerdock-d64-n2048-k4", "kerdock-d64-n2112-k4"}
    assert "did you mean" in cli("verify", "--shipped", "--construction", "kerdok").refused(1, "UnknownName: ")
    cli("verify", "--construction", "kerdock", "x.json").refused(1, "InvalidArgument: ")
    cli("verify", "--shipped", "--dim", "3").refused(1, "InvalidArgument: ")
    cli("verify").refused(1, "InvalidArgument: ")
    cli("verify", "--dim", "4", "x.json").refused(1, "InvalidArgument: ")


def test_engines(tmp_path, cli):
    path = certified_n(4, min_gap=1e-3).save(tmp_path / "c.json")
    here, there = (cli("verify", str(path), "--json", *options).json() for options in ([], ["--engine", "local:2"]))
    assert [{**c, "seconds": 0} for c in here["certificates"]] == [{**c, "seconds": 0} for c in there["certificates"]]
    assert cli("verify", str(path), "--workers", "2").code == 0
    assert "did you mean 'ray'" in cli("verify", str(path), "--engine", "rai").refused(1, "UnknownName: ")
    assert cli("verify", str(path), "--workers", "0").code == 2
    cli("verify", str(path), "--engine", "local:2", "--workers", "3").refused(1, "InvalidArgument: ")
