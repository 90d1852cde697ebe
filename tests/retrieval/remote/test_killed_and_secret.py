"""A run killed in the middle asks nothing twice, and a key is nowhere: not on disk, not in what is printed, not in reports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import limitlab as ll
from fakes.chat_server import FakeChat
from fakes.embedding_servers import FakeJina, FakeOpenAI
from fakes.http_service import Faults

RUN = "from limitlab.cli.main import run; run()"
KEY = "sk-9f3e5b7a1c"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "limit"
    ll.write_dataset(ll.make_limit(n_docs=200, n_queries=45), folder)
    return folder


def command(home: Path, *arguments: object) -> list[str]:
    return [sys.executable, "-c", RUN, *map(str, arguments)]


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "LIMITLAB_HOME": str(home), "MY_KEY": KEY, "NUMBA_DISABLE_JIT": "1"}


def batches_of(service):
    return [tuple(body.get("input") or body.get("documents") or [body["messages"][1]["content"]]) for _, body in service.answered]


@pytest.mark.parametrize("what", ["embeddings", "rerank", "reader"])
def test_a_run_killed_in_the_middle_asks_again_only_for_what_was_in_flight(what, corpus, tmp_path):
    faults = Faults(hold_after=6)
    service = {
        "embeddings": lambda: FakeOpenAI(key=None, faults=faults),
        "rerank": lambda: FakeJina(key=None, faults=faults),
        "reader": lambda: FakeChat(faults=faults),
    }[what]()
    spec = {
        "embeddings": f"openai:model=text-embedding-3-small,url={service.url}/v1,batch=16,concurrency=2",
        "rerank": f"rerank(bm25):server=openai,model=m,url={service.url}/v1,depth=5,concurrency=2",
        "reader": f"reader:model=long-reader,url={service.url}/v1,queries_per_prompt=4,concurrency=2,budget=1000000",
    }[what]
    with service:
        process = subprocess.Popen(command(tmp_path, "eval", corpus, "-m", spec), env=environment(tmp_path), stderr=subprocess.DEVNULL)
        assert faults.held.wait(120)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        faults.hold_after = 0
        faults.released.set()
        before = batches_of(service)[:6]
        done = subprocess.run(
            command(tmp_path, "eval", corpus, "-m", spec, "--json"), env=environment(tmp_path), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        every = batches_of(service)
        # Two requests are in flight at most: of the six that were answered, two may not have been on disk yet.
        assert len(before) == 6 and sum(every.count(batch) > 1 for batch in set(before)) <= 2
        texts = [text for batch in set(every) for text in batch] if what == "embeddings" else [str(batch) for batch in set(every)]
        assert len(texts) == len(set(texts))


def test_a_key_is_nowhere(corpus, tmp_path):
    """Written to the ledger, caches, journals, reports, tables, errors: the name of its variable at most."""
    home = tmp_path / "home"
    printed = ""
    with FakeOpenAI(key=KEY) as good, FakeOpenAI(key="other") as bad, FakeJina(key=KEY) as rerank, FakeChat(key=KEY) as chat:
        models = [
            f"openai:model=text-embedding-3-small,url={good.url}/v1,key=MY_KEY",
            f"openai:model=text-embedding-3-small,url={bad.url}/v1,key=MY_KEY,name=refused,dimensions=8",
            f"rerank(bm25):server=jina,model=m,url={rerank.url}/v1,key=MY_KEY,depth=3",
            f"reader:model=long-reader,url={chat.url}/v1,key=MY_KEY,queries_per_prompt=45,budget=1000000",
        ]
        chosen = [word for model in models for word in ("-m", model)]
        for extra in (["--json"], ["-o", home / "page.html"]):
            done = subprocess.run(
                command(home, "--debug", "eval", corpus, *chosen, *extra),
                env=environment(home),
                capture_output=True,
                text=True,
                check=False,
            )
            printed += done.stdout + done.stderr
        assert done.returncode == 1  # one of the four is refused
        assert any(h.get("authorization") == f"Bearer {KEY}" for s in (good, rerank, chat) for h in s.headers)
    assert "Incorrect API key provided: " in printed and "***" in printed
    kept = [p for p in home.rglob("*") if p.is_file()]
    assert len(kept) > 5 and any(p.suffix == ".html" for p in kept)
    for text in [printed.encode(), *(p.read_bytes() for p in kept)]:
        assert KEY.encode() not in text
