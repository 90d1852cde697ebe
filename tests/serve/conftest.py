"""A served retriever on a free port, and Dify as its client."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from limitlab.data import Dataset
from limitlab.retrieval.remote.keys import Secret

NEEDED = {"serve": ("starlette", "uvicorn"), "models": ("torch", "sentence_transformers")}
KEY = "sk-serve-0123456789"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skipped where a package is missing; fails there when LIMITLAB_REQUIRE_ALL is set."""
    needed = NEEDED["serve"] + (NEEDED["models"] if item.get_closest_marker("models") else ())
    missing = [m for m in needed if importlib.util.find_spec(m) is None]
    if missing:
        reason = f"not installed: {', '.join(missing)} (pip install 'limitlab[serve,models]')"
        (pytest.fail if os.environ.get("LIMITLAB_REQUIRE_ALL") == "1" else pytest.skip)(reason)


def _loaded(name: str, *parts: str):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1].joinpath(*parts))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def fakes():
    """The module ``tests/fakes/rag_platforms.py``."""
    return _loaded("fakes_rag_platforms", "fakes", "rag_platforms.py")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """The tiny model of the retrieval tests."""
    return _loaded("retrieval_conftest", "retrieval", "conftest.py").tiny_model.__wrapped__(tmp_path_factory)


@pytest.fixture(scope="session")
def data() -> Dataset:
    """Eight documents and four queries."""
    liked = ["apples", "boxing", "chess", "dahlias"]
    docs = {f"doc {i}": f"person{i} likes {liked[i % 4]} and {liked[(i + 1) % 4]}" for i in range(8)}
    queries = {f"q{i}": f"who likes {name}" for i, name in enumerate(liked)}
    qrels = {f"q{i}": {d: 1 for d, text in docs.items() if name in text} for i, name in enumerate(liked)}
    return Dataset.from_texts(docs, queries, qrels, name="served")


@pytest.fixture(scope="session")
def running():
    """``with running(searcher, key=..., max_bytes=...) as url``: a real server on a free port."""

    @contextlib.contextmanager
    def run(searcher, *, key: str | None = KEY, **options):
        import uvicorn

        from limitlab.serve import ServeConfig, application

        app = application(searcher, ServeConfig("kb", **options), None if key is None else Secret(key, "K"))
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False, lifespan="off"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)

    return run


@pytest.fixture(scope="session")
def lexical(data):
    """BM25 over the documents."""
    from limitlab.retrieval import build
    from limitlab.serve import Searcher

    return Searcher(build("bm25"), data.docs)
