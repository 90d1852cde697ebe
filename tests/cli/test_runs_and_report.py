"""``limitlab runs`` and ``limitlab report``."""

from __future__ import annotations

import shutil

import pytest

from limitlab.data import load
from limitlab.ledger import Ledger


@pytest.fixture
def stored(evaluated, home) -> str:
    """A copy of the evaluated state folder as this test's own; the run's id."""
    shutil.copytree(evaluated.home, home)
    return evaluated.answer.json()["run_ids"][0]


def test_no_runs_yet(cli):
    assert cli("runs").out == "No runs yet. Make one: limitlab demo\n"
    assert cli("runs", "--json").json() == {"schema": "limitlab.runs/1", "runs": []}


def test_runs_lists_what_was_run(cli, stored):
    text = cli("runs").out
    assert stored in text and "solved" in text and "3/3" in text
    listed = cli("runs", "--json").json()
    assert listed["schema"] == "limitlab.runs/1"
    assert [(r["id"], r["kind"], r["status"], r["n_cells"], r["n_solved"]) for r in listed["runs"]] == [(stored, "eval", "solved", 3, 3)]


def test_show_gives_the_evaluation(cli, stored, evaluated):
    told = {k: v for k, v in evaluated.answer.json().items() if k != "comparisons"}
    assert cli("runs", "show", "--json").json() == told
    text = cli("runs", "show", stored[:-1]).out
    assert text.startswith(f"{stored}  eval  ")
    assert "command: limitlab eval" in text and "versions: " in text and "machine: " in text and "R@10" in text


def test_rm_and_gc_free_the_files(cli, stored, home):
    assert cli("runs", "gc", "--json").json() == {"schema": "limitlab.runs-gc/1", "files": 0, "bytes": 0}
    cli("runs", "rm", "zzz").refused(1, "UnknownName: ledger")
    assert cli("runs", "rm", stored, "--json").json() == {"schema": "limitlab.runs-rm/1", "removed": [stored]}
    assert Ledger().runs() == []
    assert list((home / "artefacts").rglob("*.npz"))
    collected = cli("runs", "gc", "--json").json()
    assert collected["files"] == 3 and collected["bytes"] > 0
    assert not list((home / "artefacts").rglob("*.npz"))


def test_rm_takes_the_same_run_twice_for_once(cli, stored):
    found = cli("runs", "rm", stored, "last")
    assert found.code == 0 and found.err == ""
    assert Ledger().runs() == []


def test_gc_deletes_embeddings_only_when_asked(cli, home):
    kept = [home / "embeddings" / "aa" / "1-2.npz", home / "scores" / "bb" / "1-2.npz", home / "answers" / "cc.sqlite"]
    for path in kept:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x" * 1000)
    assert cli("runs", "gc", "--json").json()["bytes"] == 0
    assert all(path.exists() for path in kept)
    assert cli("runs", "gc", "--embeddings", "--json").json()["bytes"] == 3000
    assert not any(path.exists() for path in kept)


# -- report ----------------------------------------------------------------------------------------------------------------


def test_report_writes_the_page_and_figures_without_any_text(cli, stored, limit_folder, tmp_path):
    pytest.importorskip("matplotlib", reason="figures need matplotlib (pip install 'limitlab[figures]')")
    found = cli("report", "last", "-o", "page.html", "--png", "figures", "--svg", "figures", "--title", "My <title>", "--json").json()
    assert found["schema"] == "limitlab.report/1"
    files = sorted(p.name for p in (tmp_path / "figures").iterdir())
    assert any(f.endswith(".png") for f in files) and any(f.endswith(".svg") for f in files)
    assert len(found["files"]) == 1 + len(files)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "My &lt;title&gt;" in page
    data = load(limit_folder)
    for text in [*data.docs, *data.queries]:
        assert text not in page


def test_report_shows_text_when_asked(cli, stored, limit_folder, tmp_path):
    found = cli("report", stored, "--with-text", limit_folder)
    assert found.out == "written: report.html\n"
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    data = load(limit_folder)
    assert data.queries[0] in page
    assert any(data.docs[int(j)][:60].replace("'", "&#39;") in page for j in data.relevance.row(0))


def test_text_of_other_data_is_refused(cli, stored, tmp_path):
    assert cli("make", "limit", "-o", "other", "--n-docs", "50", "--n-queries", "20").code == 0
    cli("report", "last", "--with-text", "other").refused(1, "InvalidArgument: --with-text: the folder must hold the data of the run")
    assert not (tmp_path / "report.html").exists()
