"""Multi-vector retrievers against sentence-transformers: vectors, scores, what is dropped, the cache, kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from limitlab._core.errors import DataError, InvalidArgument, RangeError, UnknownName
from limitlab._core.texts import TextList
from limitlab.retrieval import Dense, Retriever, build
from limitlab.retrieval import multi_vector as module
from limitlab.retrieval.multi_vector import MultiVector, tokens
from limitlab.search import RelevantSet, normalised, tie_order

pytestmark = pytest.mark.models

RNG = np.random.default_rng(0)
ROWS = ["".join(RNG.choice(list("abcdefg h"), RNG.integers(2, 30))).strip() or "a" for _ in range(40)]
DOCS = TextList([f"d{i:02d}" for i in range(40)], ROWS)
QUERIES = TextList([f"q{i}" for i in range(6)], [r[::-1] for r in ROWS[:6]])
NOTHING = RelevantSet(np.zeros(7, int), np.zeros(0, int))


def search(retriever, k: int = 40):
    return retriever.search(k=k, places=tie_order(DOCS.ids), relevant=NOTHING)


def by_document(found) -> np.ndarray:
    scores = np.empty(found.indices.shape)
    np.put_along_axis(scores, found.indices, found.scores, 1)
    return scores


def test_scores_are_those_of_sentence_transformers(tiny_multi_vector):
    from sentence_transformers import MultiVectorEncoder

    model = MultiVectorEncoder(tiny_multi_vector, device="cpu")
    theirs = model.similarity(model.encode_query(list(QUERIES)), model.encode_document(ROWS)).numpy()
    retriever = build(tiny_multi_vector)
    assert isinstance(retriever, Retriever)
    retriever.index(DOCS, QUERIES)
    np.testing.assert_allclose(by_document(search(retriever)), theirs, atol=2e-4)


def test_own_tokens_are_the_model_s_before_pooling_without_special_ones(tiny_model):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(tiny_model, device="cpu")
    retriever = tokens([Dense(tiny_model)])
    retriever.index(DOCS, QUERIES)
    for i, features in enumerate(model.encode(ROWS, prompt="d: ", output_value=None)):
        vectors = features["token_embeddings"][features["attention_mask"].bool()].numpy()[1:-1]
        np.testing.assert_allclose(retriever._docs.rows(i), normalised(vectors), atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(retriever._docs.rows(0), axis=1), 1, atol=1e-6)


def test_the_unknown_token_is_a_token_of_the_text(tiny_model):
    retriever = tokens([Dense(tiny_model, document_prompt="")])
    retriever.index(TextList(["a", "b"], ["ж", "ж ж ab"]), QUERIES)
    assert retriever._docs.lengths.tolist() == [1, 4]


def test_a_text_without_tokens_is_not_retrieved(tiny_model):
    retriever = tokens([Dense(tiny_model, document_prompt="", query_prompt="")])
    docs = TextList(["a", "b"], ["", "abc"])
    retriever.index(docs, QUERIES)
    found = retriever.search(k=2, places=tie_order(docs.ids), relevant=NOTHING)
    assert found.indices[:, 0].tolist() == [1] * 6 and (found.indices[:, 1] == -1).all()


def test_notes_and_costs_are_counted(tiny_multi_vector, tiny_model):
    made = build(tiny_multi_vector).index(DOCS, QUERIES)
    assert made["notes"]["dim_per_token"] == 128 and made["notes"]["token_limit"] == 16
    assert made["notes"]["documents_cut"] == sum(len(r.replace(" ", "")) + 2 > 16 for r in ROWS)
    assert made["cost"]["bytes_per_doc"] == pytest.approx(made["notes"]["vectors_per_doc"] * 128 * 4, rel=1e-3)
    half = build(f"{tiny_multi_vector}:storage=float16").index(DOCS, QUERIES)
    assert half["cost"]["bytes_per_doc"] * 2 == made["cost"]["bytes_per_doc"]


def test_half_precision_hardly_changes_scores(tiny_model):
    a, b = tokens([Dense(tiny_model)]), tokens([Dense(tiny_model)], storage="float16")
    for retriever in (a, b):
        retriever.index(DOCS, QUERIES)
    np.testing.assert_allclose(by_document(search(a)), by_document(search(b)), atol=0.02)
    assert a.config(40) != b.config(40)
    assert a.config(40)["document_storage"] == "float32" and a.config(5_000)["document_storage"] == "float16"


def test_nothing_is_encoded_twice_and_blocks_do_not_mix_up_texts(tiny_model, monkeypatch):
    whole = tokens([Dense(tiny_model)])
    whole.index(DOCS, QUERIES)
    assert "encode_seconds" not in tokens([Dense(tiny_model)]).index(DOCS, QUERIES)["cost"]
    monkeypatch.setattr(module, "BLOCK", 7)
    changed = TextList([*DOCS.ids, "x"], [*ROWS, "hgfedcba"])
    grown = tokens([Dense(tiny_model)])
    assert grown.index(changed, QUERIES)["cost"]["docs_encoded"] == 1
    for i in range(40):
        assert (grown._docs.rows(i) == whole._docs.rows(i)).all()


def test_a_block_that_was_cut_short_is_named(tiny_model, home):
    tokens([Dense(tiny_model)]).index(DOCS, QUERIES)
    for path in (home / "embeddings").rglob("*.npy"):
        path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match="delete this file"):
        tokens([Dense(tiny_model)]).index(DOCS, QUERIES)


SLOW = """
import sys, time
from limitlab._core.texts import TextList
from limitlab.retrieval import Dense, multi_vector
from limitlab.retrieval.token_encoders import OwnTokens
multi_vector.BLOCK = 4
encode = OwnTokens.encode_tokens
def slow(self, texts, **options):
    print("begin", len(texts), flush=True)
    time.sleep(0.1)
    return encode(self, texts, **options)
OwnTokens.encode_tokens = slow
texts = [f"text {i}" for i in range(48)]
multi_vector.tokens([Dense(sys.argv[1])]).index(TextList([str(i) for i in range(48)], texts), TextList(["q"], ["question"]))
"""


def test_a_killed_run_loses_at_most_the_block_in_work(tiny_model, home):
    process = subprocess.Popen([sys.executable, "-c", SLOW, tiny_model], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    begun = sum(int(process.stdout.readline().split()[1]) for _ in range(4))
    os.kill(process.pid, signal.SIGKILL)
    begun += sum(int(line.split()[1]) for line in process.communicate(timeout=30)[0].splitlines())
    assert begun < 48, "the process must be killed in the middle"
    rest = tokens([Dense(tiny_model)]).index(
        TextList([str(i) for i in range(48)], [f"text {i}" for i in range(48)]), TextList(["q"], ["question"])
    )
    assert 48 - begun <= rest["cost"]["docs_encoded"] <= 48 - begun + 4


def test_names_and_what_is_refused(tiny_model, tiny_multi_vector):
    assert build("tokens(minilm)").name == "tokens(minilm)"
    assert build("minilm-maxsim:storage=float16").name == "minilm-maxsim:storage=float16"
    assert build(tiny_multi_vector).max_dim is None
    for spec, error, words in (
        ("tokens(bm25)", InvalidArgument, "must be a dense model"),
        ("tokens", InvalidArgument, "one retriever in parentheses"),
        (f"tokens({tiny_multi_vector})", InvalidArgument, "must be a dense model"),
        ("minilm-maxsim:storage=float8", UnknownName, "storage"),
        ("minilm-maxsim:dim=3", UnknownName, "option 'dim'"),
    ):
        with pytest.raises(error, match=words):
            build(spec)
    with pytest.raises(RangeError, match=r"index\(\) must be called first"):
        search(MultiVector(tiny_multi_vector))


def test_a_model_without_token_vectors_is_refused(tmp_path, tiny_model):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(tiny_model).parent / "bert" / "tokenizer.json"))
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=8)], device="cpu").save(str(tmp_path / "static"))
    with pytest.raises(DataError, match="vector a token"):
        build(f"tokens({tmp_path / 'static'})").index(DOCS, QUERIES)
