"""Dense retrievers against sentence-transformers itself, on a tiny model with random weights."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import DataError, RangeError, UnknownName
from limitlab._core.texts import TextList
from limitlab.retrieval import Dense, Retriever, build
from limitlab.retrieval.encoder_settings import EncoderSettings
from limitlab.search import RelevantSet, tie_order

pytestmark = pytest.mark.models

RNG = np.random.default_rng(0)
ROWS = ["".join(RNG.choice(list("abcdefg h"), RNG.integers(2, 30))).strip() or "a" for _ in range(60)]
DOCS = TextList([f"d{i}" for i in range(60)], ROWS)
QUERIES = TextList([f"q{i}" for i in range(9)], [r[::-1] for r in ROWS[:9]])
NOTHING = RelevantSet(np.zeros(10, int), np.zeros(0, int))


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = a.astype(np.float64), b.astype(np.float64)
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


@pytest.fixture(scope="session")
def library_model(tiny_model):
    """The model as sentence-transformers loads it."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(tiny_model, device="cpu")


@pytest.fixture
def indexed(tiny_model) -> Dense:
    retriever = Dense(tiny_model)
    retriever.index(DOCS, QUERIES)
    return retriever


def variant(library_model, tmp_path, **changes) -> str:
    """The tiny model saved with other settings."""
    from sentence_transformers import SentenceTransformer

    made = SentenceTransformer(
        modules=list(library_model), prompts=changes.get("prompts"), default_prompt_name=changes.get("default_prompt_name"), device="cpu"
    )
    made.save(str(tmp_path / "variant"))
    return str(tmp_path / "variant")


# -- vectors ---------------------------------------------------------------------------------------------------------


def test_document_and_query_vectors_are_those_of_the_library(indexed, library_model):
    assert cosines(indexed._docs, library_model.encode_document(ROWS)).min() > 0.99999
    assert cosines(indexed._queries, library_model.encode_query(list(QUERIES))).min() > 0.99999
    np.testing.assert_allclose(indexed._docs, library_model.encode_document(ROWS), rtol=1e-3, atol=1e-4)


def test_the_prompts_matter_on_this_model(library_model):
    """Without this the test above would also pass with no prompts at all."""
    plain = library_model.encode(ROWS)
    assert np.median(cosines(plain, library_model.encode_document(ROWS))) < 0.999
    assert np.median(cosines(plain, library_model.encode_query(ROWS))) < 0.999


def test_given_prompts_take_the_place_of_the_model_s(tiny_model, library_model):
    retriever = Dense(tiny_model, query_prompt="ask ", document_prompt="")
    retriever.index(DOCS, QUERIES)
    assert cosines(retriever._docs, library_model.encode(ROWS)).min() > 0.99999
    assert cosines(retriever._queries, library_model.encode(list(QUERIES), prompt="ask ")).min() > 0.99999


def test_a_prompt_named_passage_is_the_documents_prompt(library_model, tmp_path):
    """As in SentenceTransformer.encode_document, which knows "document", "passage" and "corpus"."""
    folder = variant(library_model, tmp_path, prompts={"query": "q: ", "passage": "p: "})
    retriever = Dense(folder)
    retriever.index(DOCS, QUERIES)
    assert cosines(retriever._docs, library_model.encode(ROWS, prompt="p: ")).min() > 0.99999


def test_an_empty_prompt_is_no_prompt_even_where_the_model_has_a_default_one(library_model, tmp_path):
    folder = variant(library_model, tmp_path, prompts={"query": "q: ", "document": "d: "}, default_prompt_name="query")
    retriever = Dense(folder, document_prompt="")
    retriever.index(DOCS, QUERIES)
    assert cosines(retriever._docs, library_model.encode(ROWS)).min() > 0.99999


def test_search_is_exact_cosine(indexed):
    found = indexed.search(k=60, places=tie_order(DOCS.ids), relevant=NOTHING)
    d = indexed._docs / np.linalg.norm(indexed._docs, axis=1, keepdims=True)
    q = indexed._queries / np.linalg.norm(indexed._queries, axis=1, keepdims=True)
    expected = np.sort(q.astype(np.float64) @ d.T.astype(np.float64), axis=1)[:, ::-1]
    np.testing.assert_allclose(found.scores, expected, atol=1e-6)


@pytest.mark.parametrize("dim", [1, 5, 31])
def test_truncation_is_slicing_and_normalising_again(indexed, library_model, dim):
    found = indexed.search(k=60, places=tie_order(DOCS.ids), relevant=NOTHING, dim=dim)
    d, q = (library_model.encode(list(t), prompt=p)[:, :dim].astype(np.float64) for t, p in ((DOCS, "d: "), (QUERIES, "q: ")))
    d, q = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (d, q))
    expected = np.take_along_axis(q @ d.T, found.indices, axis=1)
    np.testing.assert_allclose(found.scores, expected, atol=1e-4)
    np.testing.assert_allclose(expected, np.sort(q @ d.T, axis=1)[:, ::-1], atol=1e-4)


def test_order_and_company_of_texts_do_not_change_a_vector(indexed, tiny_model, tmp_path):
    alone = Dense(tiny_model, cache=tmp_path / "alone")
    alone.index(TextList(["d7"], [ROWS[7]]), QUERIES)
    assert cosines(alone._docs, indexed._docs[7:8]).min() > 0.99999


def test_search_before_index_is_refused(tiny_model):
    with pytest.raises(RangeError, match=r"index\(\) must be called first"):
        Dense(tiny_model).search(k=1, places=np.zeros(1, np.int32), relevant=NOTHING)


# -- notes -----------------------------------------------------------------------------------------------------------


def test_texts_beyond_the_token_limit_are_counted(tiny_model, library_model):
    # "d: " is two tokens, [CLS] and [SEP] two more: 12 letters fit into 16 tokens, 13 do not.
    docs = TextList(list("abc"), [" ".join("a" * 12), " ".join("a" * 13), " ".join("b" * 40)])
    retriever = Dense(tiny_model)
    made = retriever.index(docs, TextList(["q"], ["x " * 30]))
    assert (made["notes"]["token_limit"], made["notes"]["documents_cut"], made["notes"]["queries_cut"]) == (16, 2, 1)
    assert retriever.truncated.tolist() == [1, 2]
    # Counting tokens must not switch off the truncation.
    assert cosines(retriever._docs, library_model.encode_document(list(docs))).min() > 0.99999


def test_counts_of_cut_texts_are_the_same_from_the_cache(tiny_model):
    docs = TextList(["a"], ["b " * 40])
    first = Dense(tiny_model).index(docs, QUERIES)["notes"]
    assert Dense(tiny_model).index(docs, QUERIES)["notes"] == first


def test_costs_are_told_only_when_something_was_encoded(tiny_model):
    paid = Dense(tiny_model).index(DOCS, QUERIES)["cost"]
    assert paid["docs_encoded"] == len(set(ROWS)) and paid["encode_seconds"] > 0
    assert paid["docs_per_second"] == pytest.approx(paid["docs_encoded"] / paid["encode_seconds"])
    assert Dense(tiny_model).index(DOCS, QUERIES)["cost"] == {"bytes_per_doc": 128.0}


# -- precision -------------------------------------------------------------------------------------------------------


def test_bfloat16_documents_are_near_and_queries_stay_float32(tiny_model, indexed, count_encoded):
    low = Dense(tiny_model, precision="bfloat16")
    notes = low.index(DOCS, QUERIES)["notes"]
    assert count_encoded == [len(set(ROWS))]  # queries come from the cache: they are the same float32 ones
    assert notes["document_precision"] == "bfloat16"
    assert cosines(low._docs, indexed._docs).min() >= 0.998
    assert not np.array_equal(low._docs, indexed._docs)
    assert np.array_equal(low._queries, indexed._queries)


@pytest.mark.parametrize(
    ("options", "queries", "documents"), [({"dtype": "bfloat16"}, "bfloat16", "bfloat16"), ({"precision": "float16"}, "float32", "float16")]
)
def test_vectors_that_are_not_cached_are_encoded_as_those_that_are(tiny_model, monkeypatch, options, queries, documents):
    settings = EncoderSettings(query_task="ask", document_task="tell")
    retriever, seen = Dense(tiny_model, settings=settings, **options), []

    def encode(texts, **told):
        seen.append((told["precision"], told.get("task")))
        return np.ones((len(texts), 4), np.float32), np.ones(len(texts), np.int32)

    monkeypatch.setattr(retriever._encoder, "encode", encode)
    retriever.index(DOCS, QUERIES)
    cached, expected = set(seen), [(documents, "tell"), (queries, "ask")]
    assert cached == set(expected)
    seen.clear()
    retriever.encode(["a text"], "document"), retriever.requery(QUERIES)
    assert seen == expected
    retriever.encode(["a text"], None)
    assert seen[-1] == (queries, None)


def test_an_unknown_precision_is_refused_at_once(tiny_model):
    with pytest.raises(UnknownName, match=r"precision 'float61'; did you mean 'float16'|precision 'float61'"):
        Dense(tiny_model, precision="float61")


def test_the_numbers_a_model_cannot_give_are_refused(tiny_model, monkeypatch):
    from sentence_transformers import SentenceTransformer

    encode = SentenceTransformer.encode
    monkeypatch.setattr(SentenceTransformer, "encode", lambda self, *a, **o: encode(self, *a, **o) * float("nan"))
    with pytest.raises(DataError, match=r"NaN or infinity for .* texts at float32"):
        Dense(tiny_model).index(DOCS, QUERIES)


# -- cache -----------------------------------------------------------------------------------------------------------


def test_a_second_run_encodes_nothing_and_gives_the_same_bytes(tiny_model, count_encoded):
    first, second = Dense(tiny_model), Dense(tiny_model)
    first.index(DOCS, QUERIES)
    assert sum(count_encoded) == len(set(ROWS)) + len(set(QUERIES))
    del count_encoded[:]
    second.index(DOCS, QUERIES)
    assert count_encoded == []
    assert first._docs.tobytes() == second._docs.tobytes()
    assert first._queries.tobytes() == second._queries.tobytes()


def test_equal_texts_are_encoded_once(tiny_model, count_encoded):
    docs = TextList(list("abcd"), ["same", "other", "same", "same"])
    retriever = Dense(tiny_model)
    retriever.index(docs, TextList(["q"], ["same"]))
    assert count_encoded == [2, 1]  # the query has a prompt of its own
    assert (retriever._docs[0] == retriever._docs[2]).all() and (retriever._docs[0] == retriever._docs[3]).all()


def test_only_new_texts_are_encoded(tiny_model, count_encoded):
    Dense(tiny_model).index(TextList(["a", "b"], ["one", "two"]), QUERIES)
    del count_encoded[:]
    Dense(tiny_model).index(TextList(["x", "y", "z"], ["two", "three", "one"]), QUERIES)
    assert count_encoded == [1]


def test_other_prompts_and_other_models_do_not_share_vectors(tiny_model, library_model, tmp_path, count_encoded):
    Dense(tiny_model).index(DOCS, QUERIES)
    del count_encoded[:]
    Dense(tiny_model, document_prompt="x ").index(DOCS, QUERIES)
    assert count_encoded == [len(set(ROWS))]
    other = variant(library_model, tmp_path, prompts={"query": "q: ", "document": "d: "}, default_prompt_name="query")
    Dense(other).index(DOCS, QUERIES)
    assert len(count_encoded) == 3


def test_blocks_of_encoding_do_not_mix_up_texts(tiny_model, library_model, monkeypatch):
    monkeypatch.setattr("limitlab.retrieval.dense.BLOCK", 7)
    retriever = Dense(tiny_model)
    retriever.index(DOCS, QUERIES)
    assert cosines(retriever._docs, library_model.encode_document(ROWS)).min() > 0.99999


def test_vectors_that_do_not_fit_into_memory_come_from_disk(tiny_model, indexed, monkeypatch):
    monkeypatch.setattr("limitlab.retrieval.dense._MEMORY_BYTES", 100)
    mapped = Dense(tiny_model)
    mapped.index(DOCS, QUERIES)
    assert isinstance(mapped._docs, np.memmap)
    a, b = (r.search(k=5, places=tie_order(DOCS.ids), relevant=NOTHING) for r in (indexed, mapped))
    assert (a.indices == b.indices).all() and (a.scores == b.scores).all()


def test_the_cache_folder_can_be_chosen(tiny_model, tmp_path, home):
    Dense(tiny_model, cache=tmp_path / "vectors").index(DOCS, QUERIES)
    assert list((tmp_path / "vectors").rglob("*.npz"))
    assert not (home / "embeddings").exists()


def test_the_cache_folder_can_be_chosen_by_name(tiny_model, tmp_path):
    build(f"{tiny_model}:cache={tmp_path / 'vectors'}").index(DOCS, QUERIES)
    assert list((tmp_path / "vectors").rglob("*.npz"))


# -- names and errors ------------------------------------------------------------------------------------------------


def test_name_dimension_and_config(tiny_model):
    retriever = Dense(tiny_model)
    assert isinstance(retriever, Retriever)
    assert (retriever.name, retriever.label, retriever.max_dim) == ("model", "model", 32)
    config = retriever.config(10)
    assert (config["document_precision"], config["query_precision"]) == ("float32", "float32")
    assert config == Dense(tiny_model).config(10)
    assert config != Dense(tiny_model, query_prompt="x").config(10)


def test_the_fingerprint_follows_the_files_and_not_the_place(tiny_model, tmp_path):
    import shutil

    copy, changed = tmp_path / "copy", tmp_path / "changed"
    shutil.copytree(tiny_model, copy)
    shutil.copytree(tiny_model, changed)
    weights = bytearray((changed / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (changed / "model.safetensors").write_bytes(weights)
    prints = [Dense(str(f)).config(1)["model"] for f in (tiny_model, copy, changed)]
    assert prints[0] == prints[1] != prints[2]


def test_a_folder_without_a_model_is_a_data_error(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="cannot be loaded as a sentence-transformers model"):
        _ = Dense(str(tmp_path / "empty")).max_dim


def test_a_hub_model_offline_is_a_data_error():
    with pytest.raises(DataError, match="no-one/no-such-model"):
        _ = Dense("no-one/no-such-model").config(10)
    with pytest.raises(DataError, match="HF_HUB_OFFLINE is set"):
        _ = Dense("no-one/no-such-model").max_dim
