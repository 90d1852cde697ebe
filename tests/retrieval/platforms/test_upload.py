"""Upload: a dataset with the corpus's hash, only what is missing, waited for, deleted when asked; and a run that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from limitlab._core.errors import TooLarge
from limitlab.data import Dataset, write_dataset
from limitlab.evaluation import evaluate

SPECS = {
    "Dify": "dify:url={url}/v1,upload=true,poll_seconds=0",
    "RAGFlow": "ragflow:url={url},upload=true,poll_seconds=0",
    "FastGPT": "fastgpt:url={url},upload=true,poll_seconds=0",
    "TaskingAI": "taskingai:url={url},upload=true,embedding_model_id=abcdefgh,poll_seconds=0",
}
ADDED = {"Dify": "/create-by-text", "RAGFlow": "/documents", "FastGPT": "/create/text", "TaskingAI": "/records"}


def uploads(service, name):
    return [body for method, path, body in service.log if method == "POST" and path.endswith(ADDED[name]) and body]


@pytest.mark.parametrize("name", SPECS)
def test_a_corpus_is_uploaded_once_asked_and_deleted_when_it_is_not_to_stay(fakes, keys, data, measure, name):
    with getattr(fakes, name)() as service:
        service.looks = 3
        spec = SPECS[name].format(url=service.url)
        recall, notes = measure(spec)
        assert recall == 1.0 and notes["uploaded_documents"] == 10
        (kept,) = service.datasets.values()
        assert kept["name"] == notes["uploaded_as"] and kept["name"].startswith("limitlab-")
        assert {fakes.unquoted(d["name"]) for d in kept["docs"].values()} == set(data.docs.ids)
        recall, notes = measure(spec + ",keep=false")
        assert recall == 1.0 and notes["documents_already_there"] == 10 and "uploaded_documents" not in notes
        assert len(uploads(service, name)) == 10
        assert list(service.datasets.values()) == [kept] and notes["dataset_left"] == kept["name"]  # it was there
        service.datasets.clear()
        recall, notes = measure(spec + ",keep=false")
        assert recall == 1.0 and notes["uploaded_documents"] == 10
        assert service.datasets == {} and service.deleted == [notes["dataset_deleted"]]


@pytest.mark.parametrize("name", SPECS)
def test_failing_requests_upload_nothing_twice(fakes, keys, measure, name):
    with getattr(fakes, name)(fail_every=3) as service:
        recall, notes = measure(SPECS[name].format(url=service.url))
        assert recall == 1.0 and "documents_twice_at_service" not in notes
        assert len(uploads(service, name)) == 10


def test_a_copy_made_by_a_lost_answer_is_counted(fakes, keys, measure):
    with fakes.Dify() as service:
        service.lose_answer_to = "/create-by-text"
        recall, notes = measure(f"dify:url={service.url}/v1,upload=true,poll_seconds=0")
        assert recall == 1.0 and notes["documents_twice_at_service"] == 1 and notes["repeated_hits"] == 10


@pytest.mark.parametrize("name", SPECS)
def test_documents_that_cannot_be_indexed_end_the_run(fakes, keys, data, name):
    with getattr(fakes, name)() as service:
        service.failing = {"Person 3", "Person 3.txt"}
        row = evaluate(data, [SPECS[name].format(url=service.url)]).rows[0]
        assert row.status.key == "failed" and "1 of 10 documents could not be indexed" in row.message and "Person 3" in row.message


def test_an_index_that_does_not_move_is_given_up(fakes, keys, data):
    with fakes.Dify() as service:
        service.looks = 10**9
        row = evaluate(data, [f"dify:url={service.url}/v1,upload=true,poll_seconds=0,wait=0"]).rows[0]
        assert "10 of 10 documents are not indexed" in row.message and "continues where it was" in row.message


def test_what_is_left_when_deleting_fails_is_told(fakes, keys, measure):
    class Stubborn(fakes.Dify):
        def answer(self, method, path, query, body):
            if method == "DELETE":
                raise fakes.Refused(403, {"code": "forbidden"})
            return super().answer(method, path, query, body)

    with Stubborn() as service:
        recall, notes = measure(f"dify:url={service.url}/v1,upload=true,poll_seconds=0,keep=false")
        assert recall == 1.0 and "403" in notes["dataset_not_deleted"]


def test_other_documents_or_other_indexing_make_another_dataset(fakes, keys, corpus, measure, data):
    with fakes.Dify() as service:
        spec = f"dify:url={service.url}/v1,upload=true,poll_seconds=0"
        measure(spec)
        measure(spec + ",max_tokens=100")
        fewer = dict(list(corpus.items())[:-1])
        measure(spec, on=Dataset.from_texts(fewer, {"q": "Who likes Figs?"}, {"q": {"Person 5": 1}}, name="fewer"))
        assert len(service.datasets) == 3


def test_documents_without_text_are_left_out_and_counted(fakes, keys, corpus, measure):
    with fakes.Dify() as service:
        some = Dataset.from_texts({**corpus, "empty": "  "}, {"q": "Who likes Figs?"}, {"q": {"Person 5": 1}}, name="some")
        assert measure(f"dify:url={service.url}/v1,upload=true,poll_seconds=0", on=some)[1]["documents_without_text"] == 1


def test_what_does_not_fit_is_refused_before_it_is_sent(fakes, keys):
    with fakes.TaskingAI() as service:
        spec = SPECS["TaskingAI"].format(url=service.url)
        for docs, words in (
            ({f"d{i}": "x" for i in range(1001)}, "at most 1,000 documents"),
            ({"d0": "x" * 32_769}, "at most 32,768 characters"),
        ):
            row = evaluate(Dataset.from_texts(docs, {"q": "x"}, {"q": {"d0": 1}}, name="large"), [spec]).rows[0]
            assert words in row.message
        assert service.log == []
    assert issubclass(TooLarge, Exception)


def start(folder, spec, home, **environment):
    code = "from limitlab.cli.main import run; run()"
    environment = {**os.environ, "LIMITLAB_HOME": str(home), **environment}
    return subprocess.Popen(
        [sys.executable, "-c", code, "eval", str(folder), "-m", spec, "--measure", "recall@2", "-o", str(home.parent / "report.html")],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("at", [6, 24], ids=["while uploading", "while asking"])
def test_a_killed_run_continues_and_repeats_nothing_and_no_key_is_left_anywhere(fakes, keys, data, tmp_path, at):
    folder, home = write_dataset(data, tmp_path / "likes"), tmp_path / "home"
    with fakes.Dify(fail_every=3) as service:
        spec = f"dify:url={service.url}/v1,upload=true,poll_seconds=0,concurrency=2"
        process = start(folder, spec, home)

        def kill():
            if len(service.log) == at:
                process.kill()

        service.on_request = kill
        assert process.wait(timeout=120) == -signal.SIGKILL
        service.on_request = lambda: None
        before = len(service.asked("/retrieve"))
        assert (before > 0) == (at == 24)
        done = start(folder, spec, home)
        out, err = done.communicate(timeout=120)
        assert done.returncode == 0, err
        texts = [b["name"] for b in uploads(service, "Dify")]
        assert len(texts) == len(set(texts)) == 10
        asked = [b["query"] for b in service.asked("/retrieve")]
        # What was on its way when the process died may have been answered without being noted: at most one a connection.
        assert len(set(asked)) == 10 and len(asked) <= 10 + 2
        assert "100.0" in out and ("answers are those of an interrupted run" in out) == (at == 24)
    found = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert any(p.name == "report.html" for p in found) and any(p.suffix == ".sqlite" or "ledger" in p.name for p in found)
    for path in found:
        assert keys.encode() not in path.read_bytes(), path
    assert keys not in out + err
