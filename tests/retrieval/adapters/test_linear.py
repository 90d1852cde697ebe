"""The adapter record, its file, and the retriever that applies it."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import DataError, InvalidArgument, ShapeError
from limitlab._core.texts import TextList
from limitlab.data import Dataset
from limitlab.evaluation import evaluate
from limitlab.retrieval import build
from limitlab.retrieval.adapters import LinearAdapter
from limitlab.retrieval.adapters.retriever import Adapted


class Vectors:
    """A dense retriever of given vectors."""

    name = label = "vectors"
    family = "dense"

    def __init__(self, docs, queries):
        self.docs, self.queries = docs, queries

    def config(self, n_docs):
        return {"retriever": "vectors", "cache": False}

    def encoded(self, docs, queries, *, progress=None):
        return self.docs, self.queries


def test_a_file_holds_everything(tmp_path):
    rng = np.random.default_rng(0)
    made = LinearAdapter(rng.standard_normal((4, 4)), rng.standard_normal(4), rng.standard_normal((4, 4)), None, False, {"n_queries": 7})
    first = made.save(tmp_path / "a.npz").read_bytes()
    again = LinearAdapter.load(tmp_path / "a.npz")
    assert again.save(tmp_path / "b.npz").read_bytes() == first
    for name in ("query_matrix", "query_bias", "doc_matrix"):
        np.testing.assert_array_equal(getattr(again, name), getattr(made, name))
    assert (again.doc_bias, again.cosine, dict(again.facts), again.dim) == (None, False, {"n_queries": 7}, 4)
    x = rng.standard_normal((3, 4)).astype(np.float32)
    np.testing.assert_allclose(again.apply_queries(x), x @ made.query_matrix + made.query_bias, rtol=1e-5)
    np.testing.assert_allclose(again.apply_docs(x), x @ made.doc_matrix, rtol=1e-5)


def test_cosine_scales_before_and_after():
    turn = LinearAdapter(np.array([[0.0, 2.0], [1.0, 0.0]]))
    np.testing.assert_allclose(turn.apply_queries(np.array([[5.0, 0.0], [3.0, 4.0]])), [[0, 1], [0.8 / 1.44222, 1.2 / 1.44222]], atol=1e-5)
    np.testing.assert_allclose(turn.apply_docs(np.array([[3.0, 4.0]])), [[0.6, 0.8]], atol=1e-6)


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        ({"x": np.zeros(3)}, "no head"),
        ({"head": np.frombuffer(b'{"schema": "other/1"}', np.uint8)}, "schema must be"),
        ({"head": np.frombuffer(b"[]", np.uint8)}, "schema must be"),
        ({"head": np.frombuffer(b'{"schema": "limitlab.adapter/1", "dim": 2}', np.uint8)}, "query_matrix"),
        ({"head": np.frombuffer(b'{"schema": "limitlab.adapter/1", "dim": 2}', np.uint8), "query_matrix": np.eye(3)}, "dimension 2"),
        ({"head": np.frombuffer(b'{"schema": "limitlab.adapter/1", "dim": 2}', np.uint8), "query_matrix": np.ones((2, 3))}, "do not fit"),
        (
            {"head": np.frombuffer(b'{"schema": "limitlab.adapter/1", "dim": 2}', np.uint8), "query_matrix": np.full((2, 2), np.nan)},
            "finite",
        ),
    ],
)
def test_bad_files_are_refused(tmp_path, arrays, match):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(DataError, match=match):
        LinearAdapter.load(tmp_path / "bad.npz")


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "text.npz").write_text("not an adapter")
    np.save(tmp_path / "lone.npy", np.eye(2))
    for name, match in (("text.npz", "not readable"), ("lone.npy", "not readable"), ("none.npz", "does not exist")):
        with pytest.raises(DataError, match=match):
            LinearAdapter.load(tmp_path / name)


def test_shapes_are_checked():
    with pytest.raises(ShapeError, match="query_matrix must have shape"):
        LinearAdapter(np.ones((2, 3)))
    with pytest.raises(ShapeError, match="doc_bias must come with"):
        LinearAdapter(np.eye(2), doc_bias=np.ones(2))
    with pytest.raises(ShapeError, match="must have dimension 2"):
        LinearAdapter(np.eye(2)).apply_queries(np.ones((1, 3)))
    with pytest.raises(ShapeError, match="finite"):
        LinearAdapter(np.eye(2)).apply_queries(np.array([[np.nan, 1.0]]))


def test_the_retriever_applies_the_file(tmp_path):
    docs = np.eye(4, dtype=np.float32)
    shift = np.roll(np.eye(4), 1, axis=1)
    data = Dataset.from_texts(
        {f"d{i}": f"text {i}" for i in range(4)},
        {f"q{i}": f"ask {i}" for i in range(4)},
        {f"q{i}": {f"d{(i + 1) % 4}": 1} for i in range(4)},
    )
    LinearAdapter(shift).save(tmp_path / "shift.npz")
    plain, adapted = Vectors(docs, docs), Adapted([Vectors(docs, docs)], file=tmp_path / "shift.npz")
    found = evaluate(data, [adapted], measures=["recall@1"])
    assert found.rows[0].measures["recall@1"].mean == 1.0
    assert plain.docs is docs and adapted.encoded(data.docs, data.queries)[0] is docs
    both = Adapted([Vectors(docs, docs)], file=LinearAdapter(np.eye(4), doc_matrix=np.roll(np.eye(4), -1, axis=1)))
    assert evaluate(data, [both], measures=["recall@1"]).rows[0].measures["recall@1"].mean == 1.0
    assert adapted.config(4) != both.config(4)
    short = Adapted([Vectors(docs, docs)], file=LinearAdapter(np.eye(2)))
    assert short.max_dim == 2 and short.encoded(data.docs, data.queries)[0].shape == (4, 2)
    with pytest.raises(ShapeError, match="at least the adapter's dimension, 8"):
        Adapted([Vectors(docs, docs)], file=LinearAdapter(np.eye(8))).encoded(TextList([], []), TextList([], []))


def test_names_and_refusals(tmp_path):
    LinearAdapter(np.eye(384)).save(tmp_path / "a.npz")
    with pytest.raises(InvalidArgument, match="must be dense"):
        build(f"adapted(bm25):file={tmp_path}/a.npz")
    with pytest.raises(InvalidArgument, match="one retriever in parentheses"):
        build("adapted:file=a.npz")


@pytest.mark.models
def test_a_model_by_name(tmp_path):
    LinearAdapter(np.eye(384)).save(tmp_path / "a.npz")
    made = build(f"adapted(minilm):file={tmp_path}/a.npz")
    assert made.max_dim == 384 and made.name.startswith("adapted(minilm):file=")
    with pytest.raises(InvalidArgument, match="a file must be given"):
        build("adapted(minilm)")
    with pytest.raises(DataError, match="does not exist"):
        build("adapted(minilm):file=none.npz")
