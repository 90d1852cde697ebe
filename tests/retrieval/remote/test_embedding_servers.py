"""Embedding servers against servers on this machine that check every request: vectors, limits, faults, tokens, refusals."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import limitlab as ll
from fakes.embedding_servers import FakeCohere, FakeGemini, FakeJina, FakeOpenAI, FakeTEI, tokens, vector
from fakes.http_service import Faults
from limitlab._core.errors import InvalidArgument, RangeError, ServiceError, UnknownName
from limitlab._core.texts import TextList
from limitlab.evaluation.remarks import remarks
from limitlab.retrieval import build
from limitlab.retrieval.remote.http import Client
from limitlab.search import RelevantSet, tie_order

ROWS = [f"word{i % 7} thing{i % 11} place{i}" for i in range(230)] + ["word1 thing1 place1", "größer als 7 €", "x"]
DOCS = TextList([f"d{i}" for i in range(len(ROWS))], ROWS)
QUERIES = TextList(["q0", "q1"], ["place3 word3", "thing5"])
KEYS = {"OPENAI_API_KEY": "sk-right", "GEMINI_API_KEY": "AIza-right", "COHERE_API_KEY": "co-right", "JINA_API_KEY": "jina-right"}


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(Client, "_wait", lambda self, attempt, asked: 0.0)  # repetitions at once


SERVICES = {
    "openai": (FakeOpenAI, "openai:model=text-embedding-3-small,url={}/v1,key=OPENAI_API_KEY", 0),
    "openai float": (FakeOpenAI, "openai:model=text-embedding-3-small,url={}/v1,key=OPENAI_API_KEY,encoding=float", 0),
    "vllm": (lambda **o: FakeOpenAI(key=None, flavour="vllm", **o), "openai:model=text-embedding-3-small,url={}/v1,encoding=none", 0),
    "tei": (FakeTEI, "tei:url={}", 0),
    "gemini": (FakeGemini, "gemini:url={}/v1beta,key=GEMINI_API_KEY", 1),
    "cohere": (FakeCohere, "cohere:url={},key=COHERE_API_KEY", 1),
    "jina": (FakeJina, "jina:url={}/v1,key=JINA_API_KEY", 1),
}


def made(service, spec, docs=DOCS, queries=QUERIES):
    retriever = build(spec.format(service.url))
    return retriever, *retriever.encoded(docs, queries)


def sent(service):
    """Texts of all requests that were answered."""
    out = []
    for path, body in service.answered:
        if body and "rerank" not in path:
            listed = (
                body.get("input") or body.get("inputs") or body.get("texts") or [r["content"]["parts"][0]["text"] for r in body["requests"]]
            )
            out += [listed] if isinstance(listed, str) else listed
    return out


@pytest.mark.parametrize("name", SERVICES)
def test_vectors_are_the_servers_in_the_order_of_the_texts_and_asked_for_once(name):
    kind, spec, seed = SERVICES[name]
    with kind() as service:
        retriever, docs, queries = made(service, spec)
        assert retriever.max_dim == 64 and retriever.family == "dense"
        np.testing.assert_allclose(docs, [vector(t, 64, seed=seed) for t in ROWS], rtol=0, atol=1e-7)
        np.testing.assert_allclose(queries, [vector(t, 64, seed=seed) for t in QUERIES], rtol=0, atol=1e-7)
        assert len(sent(service)) == len(set(ROWS)) + len(QUERIES) + 1 and len(set(sent(service))) == len(sent(service))  # and the probe
        asked = len(service.answered)
        again = build(spec.format(service.url))
        cost = again.index(DOCS, QUERIES)["cost"]
        assert again._docs.tobytes() == docs.tobytes()
        assert len(service.answered) == asked + (name == "tei")  # its /info is read again
        assert cost == {"bytes_per_doc": 256.0}
        assert not service.refused


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_that_fails_one_request_in_three_loses_nothing(name, tmp_path):
    kind, spec, _ = SERVICES[name]
    with kind() as clean:
        _, docs, queries = made(clean, f"{spec},cache={tmp_path}/clean,batch=16")
    with kind(faults=Faults(every=3, shuffle=True, stall=5)) as faulty:
        retriever, docs_too, queries_too = made(faulty, f"{spec},cache={tmp_path}/faulty,batch=16,timeout=0.5")
        assert faulty._failed >= 3
        assert retriever.index(DOCS, QUERIES)["notes"]["requests_repeated"] >= 4
    assert docs.tobytes() == docs_too.tobytes() and queries.tobytes() == queries_too.tobytes()


@pytest.mark.parametrize("name", ["openai", "tei", "gemini", "cohere", "jina"])
def test_dimensions_are_asked_for_and_cut_vectors_are_the_same_as_ours(name):
    kind, spec, seed = SERVICES[name]
    with kind() as service:
        retriever, docs, _ = made(service, spec + ",dimensions=32")
        assert retriever.max_dim == 32 and docs.shape[1] == 32
        unit = docs / np.linalg.norm(docs, axis=1, keepdims=True)
        np.testing.assert_allclose(unit, [vector(t, 64, seed=seed, only=32) for t in ROWS], atol=1e-6)
        assert "dimensions=32" in retriever.name
        whole, *_ = made(service, spec)
        nothing = RelevantSet(np.zeros(3, np.int64), np.zeros(0, np.int64))
        places = tie_order(DOCS.ids, "trec")
        by_us, by_them = (r.search(k=9, places=places, relevant=nothing, dim=32) for r in (whole, retriever))
        np.testing.assert_allclose(by_us.scores, by_them.scores, atol=1e-6)


def test_batches_keep_to_the_limits_of_each_service():
    for name, most in (("tei", 32), ("gemini", 100), ("cohere", 96), ("jina", 128), ("vllm", 64)):
        kind, spec, _ = SERVICES[name]
        with kind() as service:
            made(service, spec)
            sizes = [len(sent(type("S", (), {"answered": [a]})())) for a in service.answered]
            assert max(sizes) == min(most, len(set(ROWS))) and not service.refused


def test_a_request_that_is_too_large_is_halved_until_it_fits():
    with FakeOpenAI(most_tokens=60, most_texts=50) as service:
        retriever = build(SERVICES["openai"][1].format(service.url) + ",batch=200")
        notes = retriever.index(DOCS, QUERIES)["notes"]
        np.testing.assert_allclose(retriever._docs, [vector(t, 64) for t in ROWS], atol=1e-7)
        assert notes["requests_halved"] == len(service.refused) > 0
    with (
        FakeTEI(most_tokens=40) as service,
        pytest.raises(ServiceError, match=r"must have less than 40 tokens.*the document 'd9'.*max_chars="),
    ):
        build(f"tei:url={service.url}").index(TextList(["d1", "d9"], ["short", "w " * 100]), QUERIES)


def test_other_refusals_are_not_taken_for_a_size():
    """The address of Gemini's batches has "batch" in it; only the service's words count."""
    with FakeGemini() as service, pytest.raises(ServiceError, match="Invalid value at 'requests"):
        build(SERVICES["gemini"][1].format(service.url) + ",document_task=BAD,concurrency=1").index(DOCS, QUERIES)
    assert len(service.refused) <= 3  # the three batches, none of them in halves


def test_one_text_that_is_too_long_is_named_and_can_be_cut():
    docs = TextList(["a", "b"], ["short text", "long " * 50])
    with FakeOpenAI(most_tokens_per_text=20) as service:
        spec = SERVICES["openai"][1].format(service.url)
        with pytest.raises(ServiceError, match=r"maximum context length is 20 tokens.*the document 'b'.*Pass max_chars="):
            build(spec).index(docs, QUERIES)
        retriever = build(spec + ",max_chars=30")
        notes = retriever.index(docs, QUERIES)["notes"]
        assert (notes["documents_cut_at_characters"], notes["max_chars"], retriever.truncated.tolist()) == (1, 30, [1])
    with FakeCohere(most_tokens=20) as service:
        spec = SERVICES["cohere"][1].format(service.url)
        with pytest.raises(ServiceError, match=r"too many tokens.*the document 'b'"):
            build(spec).index(docs, QUERIES)
        assert build(spec + ",truncate=END").index(docs, QUERIES)["notes"]["server_cuts_long_texts"] == "truncate=END"
    with FakeTEI(most_tokens=20) as service:
        made_notes = build(f"tei:url={service.url},truncate=true").index(docs, QUERIES)["notes"]
        assert made_notes["server_cuts_long_texts"] == "at 20 tokens"


def test_empty_texts_are_sent_as_a_space_and_counted():
    docs = TextList(list("abc"), ["", "text", ""])
    for name in SERVICES:
        kind, spec, _ = SERVICES[name]
        with kind() as service:
            notes = build(spec.format(service.url)).index(docs, TextList(["q"], [""]))["notes"]
            assert notes["empty_documents_sent_as_a_space"] == 2 and notes["empty_queries_sent_as_a_space"] == 1
            assert "" not in sent(service) and " " in sent(service)


def test_halves_of_characters_do_not_stop_a_run():
    with FakeOpenAI() as service:
        _, docs, _ = made(service, SERVICES["openai"][1], docs=TextList(["a"], ["bad \ud800 text"]))
        np.testing.assert_allclose(docs[0], vector("bad ? text", 64), atol=1e-7)


def test_tokens_are_the_services_own_and_cost_what_they_cost():
    expected = sum(tokens(t) for t in set(ROWS)) + sum(map(tokens, QUERIES))
    for name in ("openai", "cohere", "jina"):
        kind, spec, _ = SERVICES[name]
        with kind() as service:
            for _ in range(2):  # from the cache the second time
                notes = build(spec.format(service.url) + ",price=0.02").index(DOCS, QUERIES)["notes"]
                assert notes["tokens_sent"] == expected and "tokens_estimated" not in notes
                assert notes["tokens_cost"] == pytest.approx(expected * 0.02 / 1e6, abs=1e-6)
    with FakeGemini() as service:
        notes = build(SERVICES["gemini"][1].format(service.url)).index(DOCS, QUERIES)["notes"]
        assert notes["tokens_sent"] == notes["tokens_estimated"] > 0 and "tokens_cost" not in notes


def test_tei_says_what_it_runs_and_prompts_have_names():
    with FakeTEI(dtype="float16") as service:
        retriever, _, queries = made(service, "tei:url={},query_prompt_name=query")
        assert retriever.index(DOCS, QUERIES)["notes"]["served_dtype"] == "float16"
        np.testing.assert_allclose(queries, [vector("query: " + t, 64) for t in QUERIES], atol=1e-7)
        assert retriever.config(5)["document"]["model_sha"].startswith("fca14538")
        with pytest.raises(ServiceError, match="was not found in the Sentence Transformers prompts"):
            build(f"tei:url={service.url},document_prompt_name=passage").index(DOCS, QUERIES)
    with FakeOpenAI(key=None) as other, pytest.raises(ServiceError, match="tei: GET info was answered with 404"):
        build(f"tei:url={other.url}").config(5)


def test_prompts_tasks_and_versions_are_part_of_what_a_vector_depends_on():
    with FakeOpenAI() as service:
        spec = SERVICES["openai"][1].format(service.url)
        _, docs, queries = made(service, spec + ",query_prompt=ask: ,document_prompt=read: ")
        np.testing.assert_allclose(docs, [vector("read: " + t, 64) for t in ROWS], atol=1e-7)
        np.testing.assert_allclose(queries, [vector("ask: " + t, 64) for t in QUERIES], atol=1e-7)
        asked = len(sent(service))
        made(service, spec + ",version=2")
        assert len(sent(service)) == asked + len(set(ROWS)) + len(QUERIES) + 1
    with FakeGemini() as service:
        spec = SERVICES["gemini"][1].format(service.url)
        _, docs, _ = made(service, spec + ",query_task=none,document_task=none")
        np.testing.assert_allclose(docs, [vector(t, 64, seed=0) for t in ROWS], atol=1e-7)
        tasks = {r.get("taskType") for _, body in service.answered for r in body["requests"]}
        made(service, spec)
        assert tasks == {None}
        assert {r.get("taskType") for _, body in service.answered for r in body["requests"]} == {
            None,
            "RETRIEVAL_QUERY",
            "RETRIEVAL_DOCUMENT",
        }


def test_evaluation_by_name_on_the_command_line_forms_takes_every_dimension():
    data = ll.make_limit(small=True)
    with FakeOpenAI() as service:
        spec = SERVICES["openai"][1].format(service.url)
        result = ll.evaluate(data, [spec + ",price=2", f"hybrid(bm25,{spec})"], dims=[16, 64, 128])
        assert [(r.dim, r.status.key) for r in result.rows[:3]] == [(16, "solved"), (64, "solved"), (128, "not_solved")]
        told = remarks(result.rows[1])
        assert any(re.search(r"texts of [\d,]+ tokens \(as the service counts\); [\d.]+ at 2 a million", s) for s in told)
        hybrid = next(r for r in result.rows if r.name.startswith("hybrid") and r.dim == 64)
        assert hybrid.status.key == "solved" and hybrid.notes["text-embedding-3-small: tokens_sent"] > 0
        asked = len(service.answered)
        ll.evaluate(data, [spec + ",price=2"], dims=[16, 64])
        assert len(service.answered) == asked


# -- answers that are wrong --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: {**a, "data": a["data"][:-1]}, r"texts were sent and \d+ answered; text \d+ is missing"),
        (lambda a: {**a, "data": [{**d, "index": 0} for d in a["data"]]}, "an 'index' of its own"),
        (lambda a: {**a, "data": [{k: v for k, v in d.items() if k != "index"} for d in a["data"]]}, "got index None"),
        (lambda a: {**a, "data": [{**d, "embedding": [float("nan")] * 64} for d in a["data"]]}, "vectors must be finite"),
        (lambda a: {**a, "data": [{**d, "embedding": "no base64"} for d in a["data"]]}, "list of numbers or base64"),
        (lambda a: {**a, "data": [{**d, "embedding": None} for d in a["data"]]}, "vectors must be finite|list of numbers"),
        (lambda a: {**a, "data": [{**d, "embedding": []} for d in a["data"]]}, "one dimension >= 1"),
        (lambda a: {**a, "data": [{**d, "embedding": [0.5] * (3 + d["index"] % 2)} for d in a["data"]]}, "one dimension >= 1"),
        (lambda a: {**a, "data": [{**d, "embedding": [0.5] * 63} for d in a["data"]]}, "must have 64 dimensions.*got 63.*version="),
        (lambda a: {"object": "list"}, "must have the field 'data'"),
        (lambda a: "hello", "must have the field 'data'"),
    ],
)
def test_answers_that_are_not_one_finite_vector_a_text_are_refused(change, message):
    class Wrong(FakeOpenAI):
        def answer(self, *request):
            made = super().answer(*request)
            return made if len(self.answered) == 0 else change(made)  # the probe is answered well

    with Wrong() as service, pytest.raises(ServiceError, match=message):
        build(SERVICES["openai"][1].format(service.url) + ",concurrency=1").index(DOCS, QUERIES)


def test_refusals_end_the_run_with_the_services_words_and_without_the_key(monkeypatch):
    wrong = {"openai": "sk-wrong-1", "gemini": "AIza-wrong-1", "cohere": "co-wrong-1", "jina": "jina-wrong-1"}
    for name, value in wrong.items():
        kind, spec, _ = SERVICES[name]
        monkeypatch.setenv("WRONG", value)
        with kind() as service, pytest.raises(ServiceError) as error:
            build(re.sub(r"key=\w+", "key=WRONG", spec).format(service.url)).index(DOCS, QUERIES)
        assert value not in str(error.value) and "***" in str(error.value)
        assert len(service.refused) == 1
    with FakeOpenAI(key=None) as service, pytest.raises(ServiceError, match="does not exist or you do not have access"):
        build(f"openai:model=other,url={service.url}/v1").index(DOCS, QUERIES)
    with FakeOpenAI(key=None, flavour="vllm") as service, pytest.raises(ServiceError, match="does not support matryoshka"):
        build(f"openai:model=text-embedding-3-small,url={service.url}/v1,dimensions=8").index(DOCS, QUERIES)


def test_keys_go_only_where_they_belong(monkeypatch):
    with FakeOpenAI(key=None) as service:
        made(service, "openai:model=text-embedding-3-small,url={}/v1")
        assert all("authorization" not in h for h in service.headers)  # OPENAI_API_KEY is set, and not for this server
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(InvalidArgument, match="export OPENAI_API_KEY="):
        build("openai:model=text-embedding-3-small")
    with pytest.raises(InvalidArgument, match="NAME of an environment variable") as error:
        build("openai:model=text-embedding-3-small,key=sk-12345")
    assert "12345" not in str(error.value)
    with pytest.raises(InvalidArgument, match="NAME of an environment variable") as error:
        build("jina:key=jina_0123abc")
    assert "0123" not in str(error.value)
    with pytest.raises(InvalidArgument, match=r"url must end before any '[?]'"):
        build("openai:model=m,url=https://host.example/v1?key=secret")


@pytest.mark.parametrize(
    ("spec", "kind", "message"),
    [
        ("openai:url=http://localhost:1/v1", InvalidArgument, "model must be given, as model="),
        ("openai:model=,url=http://localhost:1/v1", InvalidArgument, "model must be given"),
        ("openai:model=m,url=localhost", InvalidArgument, "http:// or https://"),
        ("openai:model=m,url=http://localhost:1/v1,encoding=bas64", UnknownName, "did you mean 'base64'"),
        ("openai:model=m,url=http://localhost:1/v1,dimensions=0", RangeError, "dimensions must be"),
        ("openai:model=m,url=http://localhost:1/v1,batch=0", RangeError, "batch must be"),
        ("openai:model=m,url=http://localhost:1/v1,price=-1", RangeError, "price must be"),
        ("openai:model=m,url=http://localhost:1/v1,dimension=5", UnknownName, "did you mean 'dimensions'"),
        ("openai:model=m,url=http://localhost:1/v1,allow_http=maybe", InvalidArgument, "allow_http must be true or false"),
        ("tei:truncate=true", InvalidArgument, "url must be given"),
        ("tei:url=http://localhost:1,truncate=yes", InvalidArgument, "truncate must be true or false"),
        ("cohere:truncate=MIDDLE", UnknownName, "truncate"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_sent(spec, kind, message):
    with pytest.raises(kind, match=message):
        build(spec)


def test_nothing_is_sent_while_retrievers_are_made():
    with FakeOpenAI() as service:
        spec = SERVICES["openai"][1].format(service.url)
        one = build(f"rerank(hybrid(bm25,{spec})):model=no-such-model")
        assert build(one) is one and build(one.first.parts[1]) is one.first.parts[1]
        assert not service.headers


def test_a_server_that_is_not_there_is_told_in_one_sentence():
    with FakeOpenAI() as service:
        address = service.url
    with pytest.raises(ServiceError, match=r"did not answer after 2 attempts: [^.]*\.$"):
        build(f"openai:model=m,url={address}/v1,retries=1").index(DOCS, QUERIES)


def test_search_before_index_is_refused():
    with pytest.raises(RangeError, match=r"index\(\) must be called before search"):
        build("openai:model=m,url=http://localhost:1/v1").search(
            k=1, places=np.zeros(1, np.int32), relevant=RelevantSet(np.zeros(2, np.int64), np.zeros(0, np.int64))
        )


def test_configs_hold_no_key_and_tell_servers_apart():
    one = build("openai:model=m,url=http://localhost:1/v1,key=OPENAI_API_KEY").config(3)
    assert "sk-right" not in json.dumps(one) and one == build("openai:model=m,url=http://localhost:1/v1,price=1").config(3)
    assert one != build("openai:model=m,url=http://localhost:2/v1").config(3)
    assert one != build("openai:model=m,url=http://localhost:1/v1,dimensions=4").config(3)


def test_encode_asks_a_service_from_this_machine_and_goes_on(tmp_path):
    from limitlab.evaluation.encode_corpus import encode_corpus
    from limitlab.search import open_shards

    kind, spec, seed = SERVICES["openai"]
    rows = ROWS[:50]
    (tmp_path / "c.jsonl").write_text("".join(json.dumps({"_id": f"d{i}", "text": t}) + "\n" for i, t in enumerate(rows)), encoding="utf-8")
    with kind() as service:
        for encoded in (3, 0):
            assert encode_corpus(tmp_path / "c.jsonl", spec.format(service.url), tmp_path / "v", shard_docs=20).encoded == encoded
    np.testing.assert_allclose(np.asarray(open_shards(tmp_path / "v")), [vector(t, 64, seed=seed) for t in rows], rtol=0, atol=1e-7)
    assert "sk-right" not in "".join(p.read_text(encoding="utf-8") for p in (tmp_path / "v").glob("*.json"))
