from __future__ import annotations

import pytest

from limitlab._core.errors import InvalidArgument
from limitlab.estimation.encode_cost import stated
from limitlab.estimation.eval_cost import asked, eval_bytes, eval_parts, token_bills
from limitlab.estimation.sizes import Sizes

S = Sizes(1_000_000, 1_000, 384)


def seconds(parts) -> dict[str, float]:
    out: dict[str, float] = {}
    for p in parts:
        out[p.name] = out.get(p.name, 0.0) + p.seconds()[1]
    return out


def test_retrievers_are_told_apart_and_hybrids_are_their_parts():
    assert [asked(name)[0].kind for name in ("static:path=folder", "adapted(minilm):file=a.npz")] == ["dense", "dense"]
    kinds = [
        one.kind
        for text in ("bm25:k1=0.9", "vectors:docs=a.npy,queries=b.npy", "minilm", "owner/name", "openai:model=m")
        for one in asked(text)
    ]
    assert kinds == ["bm25", "vectors", "dense", "dense", "served"]
    assert [asked(name)[0].kind for name in ("bge-m3", "gemini-embedding-001")] == ["dense", "served"]
    assert [one.spec.name for one in asked("hybrid(bm25,minilm)")] == ["bm25", "minilm"]


@pytest.mark.parametrize("text", ["rerank(bm25)", "token-sums", "nothing", "faiss(minilm)", "gte-moderncolbert-v1"])
def test_a_retriever_without_a_model_of_its_cost_is_refused(text):
    with pytest.raises(InvalidArgument, match="that has a cost model"):
        asked(text)


def test_every_dimension_is_a_search_and_encoding_happens_once(machine):
    one = asked("minilm")
    speed = {"minilm": stated(50.0)}
    full = seconds(eval_parts(S, machine, one, dims=None, encodings=speed, texts=True))
    three = seconds(eval_parts(S, machine, one, dims=[384, 384, 384], encodings=speed, texts=True))
    assert full["encode"] == three["encode"] == pytest.approx((1_000_000 + 1_000 * 15 / 120) / 50)
    assert three["products: search"] == pytest.approx(3 * full["products: search"])
    assert full["read texts"] == pytest.approx(1_000_000 * 120 * 4 / machine.rates["text"])
    assert "read texts" not in seconds(eval_parts(S, machine, asked("vectors"), dims=None, encodings={}, texts=False))


def test_bm25_grows_with_words_and_with_queries_times_documents(machine):
    base = seconds(eval_parts(S, machine, asked("bm25"), dims=None, encodings={}, texts=True))
    longer = seconds(eval_parts(S.with_(tokens_per_doc=240.0), machine, asked("bm25"), dims=None, encodings={}, texts=True))
    assert base["index BM25"] == pytest.approx(1_000_000 * 120 / machine.rates["bm25_index"])
    assert longer["index BM25"] == pytest.approx(2 * base["index BM25"])
    assert base["search BM25"] == pytest.approx(1e9 / machine.rates["bm25_search"])
    assert "products: search" not in base


@pytest.mark.parametrize("field", ["n_docs", "n_queries", "dim", "tokens_per_doc"])
@pytest.mark.parametrize("retriever", ["bm25", "vectors", "minilm"])
def test_more_of_anything_never_costs_less(machine, field, retriever):
    before = (0.0, 0.0)
    for factor in (1, 2, 3, 10, 100):
        s = S.with_(**{field: getattr(S, field) * factor})
        parts = eval_parts(s, machine, asked(retriever), dims=None, encodings={"minilm": stated(50.0)}, texts=True)
        now = sum(seconds(parts).values()), sum(b.amount for b in eval_bytes(s, machine, asked(retriever), texts=True))
        # texts above 256 MiB stay on disk: beyond that border memory may fall
        assert now[0] >= before[0] and (now[1] >= before[1] or field == "tokens_per_doc")
        before = now


def test_tokens_are_billed_at_the_price_of_the_retriever_or_the_one_given():
    tokens = 1_000_000 * 120 + 1_000 * 15
    assert token_bills(S, asked("openai:model=m,price=0.02"), None)[0].amount == pytest.approx(tokens * 0.02 / 1e6)
    assert token_bills(S, asked("openai:model=m"), 0.1)[0].amount == pytest.approx(tokens * 0.1 / 1e6)
    assert token_bills(S, asked("openai:model=m"), None) == [] == token_bills(S, asked("minilm"), 0.1)


def test_vectors_of_an_encoder_are_cached_on_disk_and_gathered(machine):
    held = {b.name: b for b in eval_bytes(Sizes(10**7, 10, 384), machine, asked("minilm"), texts=True)}
    assert held["embedding cache"].amount == 10**7 * (4 * 384 + 20)
    assert held["vectors gathered"].kind == "disk"
    assert {b.name: b for b in eval_bytes(Sizes(10**5, 10, 384), machine, asked("minilm"), texts=True)}["vectors gathered"].kind == "memory"


def test_presets_and_options_say_the_dimension():
    assert [asked(text)[0].dim for text in ("bge-m3", "openai:model=m,dimensions=256", "openai:model=m", "minilm")] == [
        1024,
        256,
        None,
        384,
    ]
