"""Killed and competing processes: nothing encoded is lost, nothing half written is read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from limitlab._core.texts import TextList
from limitlab.retrieval import Dense
from limitlab.retrieval.cache import text_keys

pytestmark = pytest.mark.models

N, BLOCK = 96, 8
TEXTS = [f"text {i} " + "abc " * (i % 5) for i in range(N)]
DOCS = TextList([str(i) for i in range(N)], TEXTS)
QUERIES = TextList(["q"], ["question"])

# Prints a line when a block begins to be encoded; encodes slowly enough to be killed in between.
SLOW = f"""
import sys, time
from limitlab._core.texts import TextList
from limitlab.retrieval import Dense, dense
from limitlab.retrieval.encoder import SentenceEncoder
dense.BLOCK = {BLOCK}
encode = SentenceEncoder.encode
def slow(self, texts, **options):
    print("begin", len(texts), flush=True)
    time.sleep(0.1)
    return encode(self, texts, **options)
SentenceEncoder.encode = slow
texts = [f"text {{i}} " + "abc " * (i % 5) for i in range({N})]
Dense(sys.argv[1]).index(TextList([str(i) for i in range({N})], texts), TextList(["q"], ["question"]))
"""

# Loads everything, waits until the file named last appears, then encodes; saves what it got.
RACE = f"""
import sys, time, pathlib
import numpy as np
from limitlab._core.texts import TextList
from limitlab.retrieval import Dense, dense
dense.BLOCK = {BLOCK}
retriever = Dense(sys.argv[1])
retriever._encoder.model("float32")
print("ready", flush=True)
while not pathlib.Path(sys.argv[3]).exists():
    time.sleep(0.005)
texts = [f"text {{i}} " + "abc " * (i % 5) for i in range({N})]
retriever.index(TextList([str(i) for i in range({N})], texts), TextList(["q"], ["question"]))
np.save(sys.argv[2], retriever._docs)
"""


def started(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def stored_keys(home: Path) -> np.ndarray:
    """Keys of all documents in the cache."""
    shards = [np.load(p)["keys"] for p in (home / "embeddings").rglob("*.npz")]
    return np.intersect1d(np.concatenate(shards), text_keys(TEXTS)) if shards else text_keys([])


def test_a_killed_run_loses_at_most_the_block_in_work_and_the_next_one_continues(tiny_model, home, count_encoded):
    process = started(SLOW, tiny_model)
    assert process.stdout is not None
    begun = 0
    for _ in range(4):
        begun += int(process.stdout.readline().split()[1])
    os.kill(process.pid, signal.SIGKILL)
    rest = process.communicate(timeout=30)[0]
    begun += sum(int(line.split()[1]) for line in rest.splitlines())
    assert begun < N, "the process must be killed in the middle"

    kept = stored_keys(home).size
    assert begun - BLOCK <= kept <= begun
    retriever = Dense(tiny_model)
    retriever.index(DOCS, QUERIES)
    assert sum(count_encoded) == N - kept + 1  # and the query
    fresh = Dense(tiny_model, cache=home / "fresh")
    fresh.index(DOCS, QUERIES)
    np.testing.assert_allclose(retriever._docs, fresh._docs, rtol=1e-3, atol=1e-4)


def test_two_processes_may_encode_the_same_corpus_at_once(tiny_model, home, tmp_path, count_encoded):
    results, go = [tmp_path / "a.npy", tmp_path / "b.npy"], tmp_path / "go"
    processes = [started(RACE, tiny_model, r, go) for r in results]
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n", process.communicate()[1]
    go.touch()
    deadline = time.monotonic() + 60
    errors = [p.communicate(timeout=deadline - time.monotonic())[1] for p in processes]
    assert [p.returncode for p in processes] == [0, 0], errors

    first, second = (np.load(r) for r in results)
    np.testing.assert_allclose(first, second, rtol=1e-3, atol=1e-4)
    retriever = Dense(tiny_model)
    retriever.index(DOCS, QUERIES)
    assert count_encoded == []
    np.testing.assert_allclose(retriever._docs, first, rtol=1e-3, atol=1e-4)
    assert not list((home / "embeddings").rglob("*.part"))
