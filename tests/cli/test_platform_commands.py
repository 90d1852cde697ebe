"""``limitlab eval`` with a platform on LIMIT-small, beside BM25 and a run file; keys stay out of everything that is written."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def fakes():
    """The module ``tests/fakes/rag_platforms.py``."""
    path = Path(__file__).parents[1] / "fakes" / "rag_platforms.py"
    spec = importlib.util.spec_from_file_location("fakes_rag_platforms", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_limit_small_through_dify_with_one_request_in_three_failing(cli, fakes, tmp_path, home):
    assert cli("make", "limit", "-o", "small", "--small", "--n-queries", "200").code == 0
    with fakes.Dify(fail_every=3) as service:
        spec = f"dify:url={service.url}/v1,upload=true,poll_seconds=0,keep=false,top_k=10,name=our-dify"
        answer = cli(
            "eval", "small", "-m", "bm25", "-m", spec, "--measure", "recall@2", "-o", "out.html", "--runs", "runs", DIFY_API_KEY=fakes.KEY
        )
        assert answer.code == 0, answer.err
        assert service.datasets == {} and len(service.deleted) == 1
        assert len(service.asked("/retrieve")) == 200
    line = next(line for line in answer.out.splitlines() if line.startswith("our-dify"))
    assert "100.0" in line
    for words in ("documents were uploaded", "requests failed and were repeated", "score threshold off", "was deleted afterwards"):
        assert words in answer.out and words in Path("out.html").read_text(encoding="utf-8")
    for path in (p for p in tmp_path.rglob("*") if p.is_file()):
        assert fakes.KEY.encode() not in path.read_bytes(), path
    assert fakes.KEY not in answer.out + answer.err
    # What was written of the platform can be read as a run, beside the others.
    (run,) = Path("runs").glob("*our-dify*")
    again = cli("eval", "small", "-m", f"run:file={run}", "--measure", "recall@2")
    assert again.code == 0 and "100.0" in again.out


def test_a_key_on_the_command_line_is_refused_and_not_shown(cli):
    cli("make", "limit", "-o", "small", "--small", "--n-queries", "10")
    line = cli("eval", "small", "-m", "dify:dataset=x,key=dataset-AbC123").refused(1, "InvalidArgument: dify: key must be the NAME")
    assert "AbC123" not in line


def test_models_lists_the_platforms(cli):
    out = cli("models").out
    assert all(name in out for name in ("dify-external", "ragflow", "fastgpt", "taskingai", "json:config=", "run:file="))
