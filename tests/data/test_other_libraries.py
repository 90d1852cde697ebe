"""The written folder opens in BEIR, ``datasets`` and mteb as it is, without a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from limitlab.data import Dataset, LimitConfig, load, make_limit, write_dataset, write_limit

# Put before each script: connecting anywhere is an error.
_NO_NETWORK = """
import json, socket, sys
def refuse(*a, **k):
    raise RuntimeError("a connection was tried")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
folder = sys.argv[1]
"""

_DATASETS = """
from datasets import load_dataset
found = {}
for config in ("corpus", "queries", "default"):
    loaded = load_dataset(folder, config)
    found[config] = {split: rows.to_list() for split, rows in loaded.items()}
    found[config + " columns"] = {split: {n: str(f.dtype) for n, f in rows.features.items()} for split, rows in loaded.items()}
print(json.dumps(found))
"""

_HUB = """
from limitlab.data import load
from limitlab._core.errors import DataError
try:
    data = load("hf:" + folder)
    print(json.dumps({"fingerprint": data.fingerprint(), "qrels": data.relevance.to_qrels()}))
except DataError as error:
    print(json.dumps({"error": str(error)}))
"""

_MTEB = """
from mteb.abstasks import AbsTaskRetrieval
from mteb.abstasks.task_metadata import TaskMetadata

class Folder(AbsTaskRetrieval):
    metadata = TaskMetadata(
        name="FolderRetrieval", description="A folder", reference=None, dataset={"path": folder, "revision": "1"},
        type="Retrieval", category="t2t", modalities=["text"], eval_splits=["test"], eval_langs=["eng-Latn"],
        main_score="recall_at_2", date=None, domains=None, task_subtypes=None, license=None, annotations_creators=None,
        dialect=None, sample_creation=None, bibtex_citation=None,
    )

task = Folder()
task.load_data()
split = task.dataset["default"]["test"]
qrels = {q: {d: int(s) for d, s in row.items()} for q, row in split["relevant_docs"].items()}
print(json.dumps({"corpus": split["corpus"].to_list(), "queries": split["queries"].to_list(), "qrels": qrels}))
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> tuple[Dataset, Path]:
    """A generated dataset and the folder that was streamed for it."""
    config = LimitConfig(n_docs=60, n_queries=30, seed=2)
    return make_limit(config), write_limit(config, tmp_path_factory.mktemp("written") / "limit")


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> tuple[Dataset, Path]:
    """Awkward ids and grades, written by write_dataset."""
    docs = {"a b": "one", 'say "hi"': "two 汉字", "🦦,tab\there": "three", "50%": "four"}
    data = Dataset.from_texts(
        docs, {"q 1": "first?", "é\t2": "second?"}, {"q 1": {"a b": 2, "🦦,tab\there": 0}, "é\t2": {'say "hi"': 1, "50%": 1}}
    )
    return data, write_dataset(data, tmp_path_factory.mktemp("graded") / "graded")


def opened(script: str, folder: Path, home: Path) -> dict:
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    environment = {**os.environ, **offline, "HF_HOME": str(home), "MTEB_CACHE": str(home / "mteb")}
    for name in ("HF_DATASETS_CACHE", "HF_HUB_CACHE"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", _NO_NETWORK + script, str(folder)], capture_output=True, text=True, env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("which", ["written", "graded"])
def test_beir_opens_the_folder(which, request, needs):
    needs("beir")
    from beir.datasets.data_loader import GenericDataLoader

    data, folder = request.getfixturevalue(which)
    corpus, queries, qrels = GenericDataLoader(str(folder)).load(split="test")
    assert {d: row["text"] for d, row in corpus.items()} == dict(zip(data.docs.ids, data.docs))
    assert {row["title"] for row in corpus.values()} == {""}
    assert queries == dict(zip(data.queries.ids, data.queries))
    assert qrels == data.relevance.to_qrels()


@pytest.mark.parametrize("which", ["written", "graded"])
def test_datasets_opens_each_configuration(which, request, needs, tmp_path):
    needs("datasets")
    data, folder = request.getfixturevalue(which)
    found = opened(_DATASETS, folder, tmp_path)
    assert list(found["corpus"]) == ["corpus"] and list(found["queries"]) == ["queries"] and list(found["default"]) == ["test"]
    assert {r["_id"]: r["text"] for r in found["corpus"]["corpus"]} == dict(zip(data.docs.ids, data.docs))
    assert {r["_id"]: r["text"] for r in found["queries"]["queries"]} == dict(zip(data.queries.ids, data.queries))
    pairs = {(r["query-id"], r["corpus-id"]): r["score"] for r in found["default"]["test"]}
    assert pairs == {(q, d): g for q, row in data.relevance.to_qrels().items() for d, g in row.items()}
    assert found["default columns"]["test"]["score"].startswith("int")


def test_mteb_opens_the_folder_as_a_retrieval_task(written, needs, tmp_path):
    needs("mteb")
    data, folder = written
    found = opened(_MTEB, folder, tmp_path)
    assert {r["id"]: r["text"] for r in found["corpus"]} == dict(zip(data.docs.ids, data.docs))
    assert {r["id"]: r["text"] for r in found["queries"]} == dict(zip(data.queries.ids, data.queries))
    assert found["qrels"] == data.relevance.to_qrels()


def test_what_beir_writes_is_read(needs, tmp_path, graded):
    """BEIR's own writer: the csv module with tabs and minimal quotes."""
    needs("beir")
    from beir.util import write_to_json, write_to_tsv

    data, _ = graded
    write_to_json(str(tmp_path / "corpus.jsonl"), {d: {"title": "", "text": t} for d, t in zip(data.docs.ids, data.docs)})
    write_to_json(str(tmp_path / "queries.jsonl"), dict(zip(data.queries.ids, data.queries)))
    (tmp_path / "qrels").mkdir()
    write_to_tsv(str(tmp_path / "qrels/test.tsv"), data.relevance.to_qrels())
    read = load(tmp_path)
    assert dict(zip(read.docs.ids, read.docs)) == dict(zip(data.docs.ids, data.docs))
    assert read.relevance.to_qrels() == data.relevance.to_qrels()


@pytest.mark.parametrize("which", ["written", "graded"])
def test_the_reader_for_the_hub_reads_the_same(which, request, needs, tmp_path):
    """``hf:`` goes through ``datasets``, which also takes a local folder in the place of a repository."""
    needs("datasets")
    data, folder = request.getfixturevalue(which)
    assert opened(_HUB, folder, tmp_path) == {"fingerprint": data.fingerprint(), "qrels": data.relevance.to_qrels()}


def test_a_hub_dataset_that_cannot_be_reached_is_refused_with_the_reason(needs, tmp_path):
    needs("datasets")
    message = opened(_HUB, Path("nobody/absent"), tmp_path)["error"]
    assert message.startswith("hf:nobody/absent: configuration 'corpus' cannot be loaded") and "HF_HUB_OFFLINE is set" in message


def test_fractional_scores_are_refused_not_cut(folder, needs, tmp_path):
    needs("datasets")
    parts = {"corpus": ("corpus", "corpus.jsonl"), "queries": ("queries", "queries.jsonl"), "default": ("test", "qrels/test.jsonl")}
    configs = [{"config_name": name, "data_files": [{"split": split, "path": path}]} for name, (split, path) in parts.items()]
    readme = f"---\n{json.dumps({'configs': configs})}\n---\n"  # JSON is YAML
    qrels = '{"query-id": "q1", "corpus-id": "d1", "score": 1.5}\n{"query-id": "q2", "corpus-id": "d2", "score": 1.0}\n'
    found = opened(_HUB, folder(qrels=qrels, qrels_at="qrels/test.jsonl", **{"README.md": readme}), tmp_path)
    assert "1.5" in found.get("error", ""), found
