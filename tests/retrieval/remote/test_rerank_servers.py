"""Rerank servers: scores by index, batches, both shapes of answers, faults, tokens."""

from __future__ import annotations

import numpy as np
import pytest

import limitlab as ll
from fakes.embedding_servers import FakeCohere, FakeJina, FakeTEI, overlap, tokens
from fakes.http_service import Faults
from limitlab._core.errors import InvalidArgument, ServiceError, UnknownName
from limitlab._core.progress import SILENT
from limitlab._core.texts import TextList
from limitlab.evaluation.remarks import remarks
from limitlab.retrieval import build
from limitlab.retrieval.remote.http import Client
from limitlab.retrieval.remote.rerank_server import RerankServer

DOCS = TextList([f"d{i}" for i in range(50)], [f"word{i % 5} thing{i % 7} place{i}" for i in range(49)] + [""])
QUERIES = TextList(["q0", "q1", "q2"], ["word1 thing3", "place7?", "nothing"])
LISTS = [np.arange(50), np.array([7, 3, 49]), np.zeros(0, np.int64)]


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    monkeypatch.setenv("COHERE_API_KEY", "co-right")
    monkeypatch.setenv("JINA_API_KEY", "jina-right")
    monkeypatch.setattr(Client, "_wait", lambda self, attempt, asked: 0.0)


SERVERS = {
    "cohere": (FakeCohere, "", {"model": "rerank-v3.5", "key": "COHERE_API_KEY"}),
    "jina": (FakeJina, "/v1", {"model": "jina-reranker-v2-base-multilingual", "key": "JINA_API_KEY"}),
    "openai": (lambda **o: FakeJina(key=None, **o), "/v1", {"model": "BAAI/bge-reranker-v2-m3"}),
    "tei": (FakeTEI, "", {}),
}


def scores(service, name, **options):
    _, path, own = SERVERS[name]
    server = RerankServer(name, url=service.url + path, **{**own, **options})
    return server, server.scores(QUERIES, DOCS, LISTS, progress=SILENT)


@pytest.mark.parametrize("name", SERVERS)
def test_every_document_has_its_own_score_whatever_the_order_of_the_answer(name):
    with SERVERS[name][0]() as service:
        server, made = scores(service, name, batch=13)
        for query, listed, values in zip(QUERIES, LISTS, made):
            expected = [overlap(query, DOCS[int(d)] or " ") for d in listed]
            assert values.dtype == np.float32
            np.testing.assert_allclose(values, expected, atol=1e-7)
        assert len(service.answered) == 5 + (name == "tei") and not service.refused
        assert server.notes()["empty_documents_sent_as_a_space"] == 2


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_that_fails_one_request_in_three_loses_nothing(name, tmp_path, monkeypatch):
    with SERVERS[name][0]() as clean:
        _, expected = scores(clean, name, batch=7)
    with SERVERS[name][0](faults=Faults(every=3, stall=4)) as faulty:
        _, made = scores(faulty, name, batch=7, timeout=0.5)
        assert faulty._failed >= 3
    assert all(a.tobytes() == b.tobytes() for a, b in zip(expected, made))


def test_requests_keep_to_the_servers_limit():
    with FakeTEI(most_texts=8) as service:
        scores(service, "tei", batch=1000)
        assert max(len(body["texts"]) for _, body in service.answered if body) == 8 and not service.refused


def test_tokens_units_and_precision_are_told():
    with FakeJina() as service:
        notes = scores(service, "jina", price=0.05)[0].notes()
        sent = sum(tokens(DOCS[int(d)] or " ") for listed in LISTS for d in listed)
        assert notes["rerank_tokens_sent"] == sent and notes["rerank_tokens_cost"] == pytest.approx(sent * 0.05e-6, abs=1e-6)
    with FakeCohere() as service:
        assert scores(service, "cohere")[0].notes()["rerank_search_units"] == 2
    with FakeTEI(dtype="float16") as service:
        assert scores(service, "tei")[0].notes()["served_dtype"] == "float16"


def test_answers_of_a_killed_run_are_not_asked_for_again():
    class Dies(FakeJina):
        def answer(self, *request):
            if len(self.answered) == 3 and not self.revived:
                from fakes.http_service import Refused

                raise Refused(403, {"detail": "balance"})
            return super().answer(*request)

        revived = False

    with Dies() as service:
        with pytest.raises(ServiceError, match="403"):
            scores(service, "jina", batch=10, concurrency=1)
        service.revived = True
        scores(service, "jina", batch=10, concurrency=1)
        asked = [str(body["documents"]) + body["query"] for _, body in service.answered]
        assert len(asked) == len(set(asked)) == 6
        scores(service, "jina", batch=10, concurrency=1)  # that run had finished: a new one asks anew
        assert len(service.answered) == 12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: {**a, "results": a["results"][1:]}, r"50 texts were sent and 49 answered"),
        (lambda a: {**a, "results": a["results"] + a["results"][:1]}, "an 'index' of its own"),
        (lambda a: {**a, "results": [{**r, "relevance_score": None} for r in a["results"]]}, "scores must be finite"),
        (lambda a: {**a, "results": [{"index": r["index"]} for r in a["results"]]}, "must have 'relevance_score'"),
        (lambda a: {"id": 1}, "must have the field 'results'"),
    ],
)
def test_answers_that_leave_a_document_without_a_score_are_refused(change, message):
    class Wrong(FakeJina):
        def answer(self, *request):
            return change(super().answer(*request))

    with Wrong() as service, pytest.raises(ServiceError, match=message):
        scores(service, "jina", concurrency=1)


def test_a_bare_list_of_scores_is_understood_from_any_server():
    class Bare(FakeJina):
        def answer(self, *request):
            return [{"index": r["index"], "score": r["relevance_score"]} for r in super().answer(*request)["results"]]

    with Bare() as service:
        assert scores(service, "jina")[1][1].size == 3


def test_evaluation_by_name_reranks_what_the_first_stage_lists():
    data = ll.make_limit(small=True)
    with FakeTEI(most_tokens=2000) as service:
        spec = f"rerank(bm25):server=tei,url={service.url},depth=5"
        result = ll.evaluate(data, [spec, "bm25"])
        row, plain = result.rows
        assert row.status.key == "solved" and row.name == "rerank(bm25):tei,depth=5"
        assert row.measures["recall@10"].mean >= plain.measures["recall@2"].mean
        assert any("the server computes in float16" in s for s in remarks(row))
        asked = len(service.answered)
        ll.evaluate(data, [spec])  # from the ledger; /info alone is read
        assert len(service.answered) == asked + 1


def test_wrong_options_are_refused():
    for spec, kind, message in (
        ("rerank(bm25):server=tie,url=http://localhost:1", UnknownName, "did you mean 'tei'"),
        ("rerank(bm25):server=cohere", InvalidArgument, "model must be given"),
        ("rerank(bm25):server=openai,model=m", InvalidArgument, "url must be given"),
        ("rerank(bm25):server=tei,url=http://localhost:1,truncate=yes", InvalidArgument, "truncate must be true or false"),
    ):
        with pytest.raises(kind, match=message):
            build(spec)
