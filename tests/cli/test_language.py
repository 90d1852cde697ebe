"""``--language`` on the verbs that write pages: refused before any work, and carried to the page."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from limitlab._core.errors import UnknownName
from limitlab.cli.main import app

VERBS = (
    ["report", "last"], ["eval", "FOLDER"], ["diagnose", "FOLDER"], ["critical-n", "--dim", "4"], ["train"], ["demo"], ["bounds"],
    ["capacity", "--map"], ["reproduce", "run", "theorem-table"], ["reproduce", "theorem-table"], ["reproduce", "all"], ["reproduce", "patterns"],
    ["reproduce", "critical-n"],
)  # fmt: skip


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_an_unknown_language_is_refused_before_any_work(verb, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(app, [*verb, "--language", "zhh"])
    assert isinstance(found.exception, UnknownName) and "did you mean 'zh'" in str(found.exception)
    assert not list(tmp_path.iterdir())


def test_pages_are_in_the_language_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMITLAB_HOME", str(tmp_path / "home"))
    runner = CliRunner()
    for verb in (["bounds", "--n-docs", "20", "--k", "2"], ["reproduce", "theorem-table"], ["capacity", "--map"]):
        for language, tag in (("en", "en"), ("zh", "zh-CN")):
            path = tmp_path / f"{verb[0]}-{language}.html"
            found = runner.invoke(app, [*verb, "--language", language, "-o", str(path)])
            assert found.exit_code == 0, found.output
            assert f'<html lang="{tag}">' in path.read_text(encoding="utf-8")
    assert "20 篇文档中恰好 2 篇的全部集合：需要多少维" in (tmp_path / "bounds-zh.html").read_text(encoding="utf-8")
    stored = runner.invoke(app, ["report", "last", "--language", "zh", "-o", str(tmp_path / "stored.html")])
    assert stored.exit_code == 0 and "嵌入检索的理论局限" in (tmp_path / "stored.html").read_text(encoding="utf-8")
