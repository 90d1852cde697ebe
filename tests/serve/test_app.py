"""The server over HTTP: Dify as its client, our own client, errors as documented, limits, keys."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest

from limitlab._core.errors import InvalidArgument
from limitlab.data import write_dataset
from limitlab.evaluation import evaluate
from limitlab.retrieval import build
from limitlab.serve import Searcher, ServeConfig, application

KEY = "sk-serve-0123456789"


@pytest.fixture
def dify(fakes, running, lexical):
    """Dify beside a served BM25."""
    with running(lexical) as url:
        yield fakes.DifyApp(url, KEY, "kb")


def auth(key=KEY):
    return {"Authorization": f"Bearer {key}"}


def test_dify_gets_what_its_pipeline_needs(dify, lexical):
    records = dify.retrieve("who likes apples", top_k=3)
    expected = lexical.search(["who likes apples"], 3)[0]
    assert [(r["title"], r["content"], r["score"], r["metadata"]["doc_id"]) for r in records] == [
        (f.id, f.text, f.unit_score, f.id) for f in expected
    ]
    assert dify.retrieve("nothing known here") == []
    high = records[0]["score"]
    assert [r["title"] for r in dify.retrieve("who likes apples", top_k=3, score_threshold=high)] == [
        r["title"] for r in records if r["score"] >= high
    ]


def test_our_client_finds_the_same_as_the_retriever_itself(running, lexical, data, monkeypatch):
    monkeypatch.setenv("DIFY_EXTERNAL_API_KEY", KEY)
    with running(lexical) as url:
        result = evaluate(data, ["bm25", f"dify-external:url={url},knowledge=kb"], measures=["recall@2", "recall@4", "ndcg@10"])
        here, there = result.rows
        assert there.measures == here.measures and there.notes["documents_named_by"].startswith("doc_id")


def test_errors_are_those_dify_documents(dify):
    body = {"knowledge_id": "kb", "query": "q", "retrieval_setting": {"top_k": 2, "score_threshold": 0.0}}
    for headers, code in (
        ({}, 1001),
        ({"Authorization": KEY}, 1001),
        ({"Authorization": "Bearer "}, 1001),
        (auth("wrong"), 1002),
        (auth(""), 1001),
    ):
        status, answer = dify.post(body, headers)
        assert (status, answer["error_code"]) == (403, code), headers
    status, answer = dify.post({**body, "knowledge_id": "other"}, auth())
    assert (status, answer["error_code"]) == (404, 2001)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"query": ""}, "not empty"), ({"query": None}, "not empty"), ({"query": "x" * 32_769}, "at most 32,768"),
        ({"retrieval_setting": None}, "retrieval_setting must be a JSON object"), ({"retrieval_setting": {}}, "top_k is missing"),
        ({"retrieval_setting": {"top_k": 0}}, "top_k must be"), ({"retrieval_setting": {"top_k": True}}, "top_k must be"),
        ({"retrieval_setting": {"top_k": 2, "score_threshold": 2}}, "score_threshold must be"), ({"knowledge_id": 7}, "knowledge_id must be"),
        ({"metadata_condition": {"conditions": [{"name": "f", "comparison_operator": "is", "value": "x"}]}}, "metadata_condition must not be set"),
    ],
)  # fmt: skip
def test_wrong_fields_are_named(dify, change, words):
    body = {"knowledge_id": "kb", "query": "q", "retrieval_setting": {"top_k": 2, "score_threshold": 0.0}, **change}
    status, answer = dify.post(body, auth())
    assert status == 400 and words in answer["error_msg"]


def test_a_condition_without_conditions_is_none(dify):
    assert dify.retrieve("who likes chess", condition={"logical_operator": "and", "conditions": []})


def test_requests_that_are_no_json_or_too_long(fakes, running, lexical):
    with running(lexical, max_bytes=1000) as url:
        client = fakes.DifyApp(url, KEY, "kb")
        assert client.post(b"{oops", auth())[0] == 400
        assert client.post(b"[1]", auth())[1]["error_msg"] == "the body must be a JSON object; got list."
        assert client.post(b"x" * 1001, auth())[0] == 413
        assert client.post(b"{}", {**auth(), "Content-Type": "text/plain"})[0] == 415
        assert client.retrieve("who likes chess")


def test_plain_search_and_health(dify, lexical, fakes):
    status, answer = dify.post({"query": "who likes chess", "top_k": 2}, auth(), "/search")
    assert status == 200
    assert answer["results"] == [{"id": f.id, "score": f.score, "text": f.text} for f in lexical.search(["who likes chess"], 2)[0]]
    assert dify.post({"query": "who likes chess", "k": 2}, auth(), "/search") == (
        400,
        {"error_code": 400, "error_msg": "fields must be query and top_k; got 'k'."},
    )
    assert dify.post({"query": "x"}, {}, "/search")[0] == 403
    with urllib.request.urlopen(dify.endpoint + "/health", timeout=10) as response:
        assert json.loads(response.read()) == {"status": "ok", "knowledge_id": "kb", "retriever": "BM25", "n_docs": 8}


def test_without_a_key_only_names_of_this_machine_are_answered(fakes, running, lexical):
    with running(lexical, key=None) as url:
        client = fakes.DifyApp(url, "", "kb")
        assert client.post({"query": "who likes chess"}, {}, "/search")[0] == 200
        assert client.post({"query": "who likes chess"}, {"Host": "evil.example"}, "/search")[0] == 403


def test_a_key_is_needed_where_others_reach_it(lexical):
    for host in ("0.0.0.0", "192.168.1.5", "::", "my.host"):
        with pytest.raises(InvalidArgument, match="a key must be set"):
            application(lexical, ServeConfig("kb", host=host), None)
    for host in ("127.0.0.1", "localhost", "::1", "127.0.0.9"):
        application(lexical, ServeConfig("kb", host=host), None)
    with pytest.raises(InvalidArgument, match="port"):
        ServeConfig("kb", port=70000)
    with pytest.raises(InvalidArgument, match="name"):
        ServeConfig("")


@pytest.mark.models
def test_embeddings_in_openais_shape(fakes, running, data, tiny_model):
    searcher = Searcher(build(tiny_model), data.docs)
    with running(searcher) as url:
        client = fakes.DifyApp(url, KEY, "kb")
        texts = ["who likes chess", "boxing"]
        status, answer = client.post({"model": "any", "input": texts, "input_type": "query"}, auth(), "/v1/embeddings")
        assert status == 200 and [d["index"] for d in answer["data"]] == [0, 1]
        found = np.array([d["embedding"] for d in answer["data"]], np.float32)
        expected = searcher.retriever.encode(texts, "query")
        np.testing.assert_allclose(found, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-6)
        _, other = client.post({"model": "any", "input": texts[0]}, auth(), "/v1/embeddings")
        assert not np.allclose(other["data"][0]["embedding"], found[0], atol=1e-3)  # no prompt
        _, packed = client.post(
            {"input": texts, "input_type": "query", "encoding_format": "base64", "dimensions": 8}, auth(), "/v1/embeddings"
        )
        cut = np.frombuffer(base64.b64decode(packed["data"][1]["embedding"]), "<f4")
        np.testing.assert_allclose(cut, expected[1, :8] / np.linalg.norm(expected[1, :8]), atol=1e-6)
        for wrong in (
            {"input": []},
            {"input": [""]},
            {"input": "x", "dimensions": 999},
            {"input": "x", "encoding_format": "int8"},
            {"input": "x", "input_type": "z"},
            {},
        ):
            assert client.post(wrong, auth(), "/v1/embeddings")[0] == 400
        assert client.retrieve("who likes chess", top_k=2)


def test_only_dense_retrievers_have_embeddings(dify, fakes):
    request = urllib.request.Request(dify.endpoint + "/v1/embeddings", b"{}", auth())
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(request, timeout=10)


def test_the_command_serves_until_it_is_stopped_and_shows_no_key(fakes, data, tmp_path):
    folder = write_dataset(data, tmp_path / "served")
    code = "from limitlab.cli.main import run; run()"
    environment = {**os.environ, "LIMITLAB_HOME": str(tmp_path / "home"), "LIMITLAB_SERVE_KEY": KEY}
    process = subprocess.Popen(
        [sys.executable, "-c", code, "serve", str(folder), "-m", "bm25", "--port", "0"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        line = process.stderr.readline()
        told = re.search(r"BM25 over 8 documents at (http://127.0.0.1:[0-9]+) with the key in LIMITLAB_SERVE_KEY", line)
        assert told, line
        client = fakes.DifyApp(told[1], KEY, "served")
        records = client.retrieve("who likes chess", top_k=4)
        assert len(records) == 4
        assert client.post({}, auth("wrong"))[0] == 403
    finally:
        process.terminate()
        out, err = process.communicate(timeout=30)
    assert KEY not in out + err + line and "chess" not in out + err


def test_the_command_refuses_to_be_open_to_others(tmp_path, data):
    folder = write_dataset(data, tmp_path / "served")
    environment = {k: v for k, v in os.environ.items() if k != "LIMITLAB_SERVE_KEY"} | {"LIMITLAB_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", "from limitlab.cli.main import run; run()", "serve", str(folder), "--host", "0.0.0.0"],
        env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1 and "a key must be set" in done.stderr and "Traceback" not in done.stderr
