"""Fixed-dimensional encodings against their definition, written out literally, and against the MaxSim that they stand for."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from limitlab._core.errors import InvalidArgument, RangeError, TooLarge
from limitlab._core.texts import TextList
from limitlab.retrieval import Dense, build
from limitlab.retrieval.fixed_dimensional import FixedDimensionalConfig, FixedDimensionalEncoder
from limitlab.retrieval.multi_vector import tokens
from limitlab.retrieval.muvera import Muvera
from limitlab.search import RelevantSet, normalised, tie_order

RNG = np.random.default_rng(0)


def literal(encoder: FixedDimensionalEncoder, points: np.ndarray, kind: str) -> np.ndarray:
    """The definition, cell by cell, in float64."""
    c, out = encoder.config, []
    for r in range(c.repetitions):
        signs = [tuple(int(g.astype(float) @ p.astype(float) > 0) for g in encoder.directions[r]) for p in points]
        for number in range(2**c.k_sim):
            cell = tuple((number >> b) & 1 for b in range(c.k_sim))
            inside = [p.astype(float) for p, s in zip(points, signs) if s == cell]
            if kind == "query":
                block = np.sum(inside, axis=0) if inside else np.zeros(points.shape[1])
            elif inside:
                block = np.mean(inside, axis=0)
            else:
                apart = [sum(a != b for a, b in zip(s, cell)) for s in signs]
                block = points[int(np.argmin(apart))].astype(float)
            out.append(block if encoder.projections is None else encoder.projections[r].astype(float) @ block)
    flat = np.concatenate(out) / np.sqrt(c.repetitions)
    return flat if encoder.final is None else encoder.final.astype(float) @ flat


@pytest.mark.parametrize("kind", ["query", "document"])
@pytest.mark.parametrize(
    "config",
    [
        FixedDimensionalConfig(3, 3, 4),
        FixedDimensionalConfig(2, 0, None),
        FixedDimensionalConfig(2, 4, None, seed=7),
        FixedDimensionalConfig(3, 2, 5, final_dim=11),
    ],
)
def test_encodings_are_those_of_the_definition(config, kind):
    encoder = FixedDimensionalEncoder(config, 12)
    lengths = [5, 1, 9, 30]
    texts = [normalised(RNG.standard_normal((n, 12)).astype(np.float32)) for n in lengths]
    made = encoder.encode(np.concatenate(texts), np.concatenate([[0], np.cumsum(lengths)]), kind=kind)
    assert made.shape == (4, config.dim(12)) and made.dtype == np.float32
    for row, text in zip(made, texts):
        np.testing.assert_allclose(row, literal(encoder, text, kind), atol=2e-5)


def test_matrices_are_signs_over_the_root_of_the_width_and_directions_are_normal():
    encoder = FixedDimensionalEncoder(FixedDimensionalConfig(40, 5, 16, final_dim=9), 32)
    assert encoder.projections is not None and encoder.final is not None
    assert set(np.unique(encoder.projections).round(6)) == {-0.25, 0.25} and abs(encoder.projections.mean()) < 0.01
    np.testing.assert_allclose(np.abs(encoder.final), 1 / 3, rtol=1e-6)
    assert abs(encoder.directions.mean()) < 0.05 and encoder.directions.std() == pytest.approx(1, abs=0.05)


def test_a_text_without_tokens_is_the_zero_vector():
    encoder = FixedDimensionalEncoder(FixedDimensionalConfig(2, 2, 3), 6)
    made = encoder.encode(np.ones((1, 6), np.float32), np.array([0, 0, 1, 1]), kind="document")
    assert not made[[0, 2]].any() and made[1].any()


def maxsim_of(queries, docs) -> np.ndarray:
    return np.array([[(q @ d.T).max(axis=1).sum() for d in docs] for q in queries])


def test_the_inner_product_approximates_maxsim_and_more_repetitions_do_it_better():
    """Documents hold noisy copies of some of a query's tokens, so that MaxSim varies as it does in retrieval."""
    rng, dim = np.random.default_rng(3), 32
    queries = [normalised(rng.standard_normal((8, dim)).astype(np.float32)) for _ in range(12)]
    docs = []
    for i, share in itertools.product(range(12), (0, 2, 4, 6, 8)):
        copies = queries[i][:share] + 0.1 * rng.standard_normal((share, dim)).astype(np.float32)
        docs.append(normalised(np.concatenate([copies, rng.standard_normal((24 - share, dim)).astype(np.float32)]).astype(np.float32)))
    exact = maxsim_of(queries, docs)

    def correlation(repetitions: int, seed: int) -> float:
        encoder = FixedDimensionalEncoder(FixedDimensionalConfig(repetitions, 4, 16, seed=seed), dim)
        asked, held = (
            encoder.encode(np.concatenate(t), np.concatenate([[0], np.cumsum([len(x) for x in t])]), kind=kind)
            for t, kind in ((queries, "query"), (docs, "document"))
        )
        return float(np.corrcoef((asked @ held.T).ravel(), exact.ravel())[0, 1])

    by_repetitions = [np.mean([correlation(r, seed) for seed in range(3)]) for r in (1, 5, 25, 100)]
    assert by_repetitions == sorted(by_repetitions)
    assert by_repetitions[0] < 0.75 < 0.9 < by_repetitions[-1]


def test_the_same_seed_gives_the_same_bytes():
    values, offsets = RNG.standard_normal((9, 8)).astype(np.float32), np.array([0, 4, 9])
    first, again, other = (
        FixedDimensionalEncoder(FixedDimensionalConfig(3, 3, 4, seed=s), 8).encode(values, offsets, kind="document") for s in (1, 1, 2)
    )
    assert first.tobytes() == again.tobytes() != other.tobytes()


@pytest.mark.models
def test_the_retriever_searches_encodings_by_inner_product(tiny_model):
    docs = TextList([f"d{i}" for i in range(20)], [f"{'abcdefgh'[i % 8]} text {i}" for i in range(20)])
    queries = TextList(["q0", "q1"], ["a text", "h 7"])
    part = tokens([Dense(tiny_model)])
    retriever = Muvera([part], repetitions=4, k_sim=2, dim_proj=8)
    made = retriever.index(docs, queries)
    held, asked = part.encoded(docs, queries)
    encoder = FixedDimensionalEncoder(FixedDimensionalConfig(4, 2, 8), 32)
    expected = np.array(
        [[literal(encoder, asked.rows(i), "query") @ literal(encoder, held.rows(j), "document") for j in range(20)] for i in range(2)]
    )
    found = retriever.search(k=20, places=tie_order(docs.ids), relevant=RelevantSet(np.zeros(3, int), np.zeros(0, int)))
    np.testing.assert_allclose(found.scores, np.take_along_axis(expected, found.indices, 1), atol=1e-4)
    assert retriever.max_dim == 128 == made["notes"]["encoding_dim"] and made["cost"]["bytes_per_doc"] == 512
    narrow = retriever.search(k=20, places=tie_order(docs.ids), relevant=RelevantSet(np.zeros(3, int), np.zeros(0, int)), dim=32)
    first = FixedDimensionalEncoder(FixedDimensionalConfig(4, 2, 8), 32)
    one = np.array(
        [[literal(first, asked.rows(i), "query")[:32] @ literal(first, held.rows(j), "document")[:32] for j in range(20)] for i in range(2)]
    )
    np.testing.assert_allclose(narrow.scores, np.take_along_axis(one, narrow.indices, 1), atol=1e-4)


@pytest.mark.models
def test_names_and_what_is_refused(tiny_model):
    assert build("muvera(tokens(minilm))").name == "muvera(tokens(minilm))"
    assert build("muvera(minilm-maxsim):repetitions=5,final_dim=64").max_dim == 64
    assert build("muvera(minilm-maxsim):dim_proj=none,k_sim=2").max_dim == 20 * 4 * 384
    assert build("muvera(minilm-maxsim):seed=3").name == "muvera(minilm-maxsim):seed=3"
    for spec, error in (
        ("muvera(bm25)", InvalidArgument),
        ("muvera(minilm)", InvalidArgument),
        ("muvera(minilm-maxsim):k_sim=13", RangeError),
        ("muvera(minilm-maxsim):repetitions=0", RangeError),
    ):
        with pytest.raises(error):
            build(spec)
    with pytest.raises(TooLarge, match="Lower repetitions"):
        FixedDimensionalEncoder(FixedDimensionalConfig(1000, 10, 16), 32)
    with pytest.raises(TooLarge, match="final projection"):
        FixedDimensionalEncoder(FixedDimensionalConfig(1000, 6, 16, final_dim=100_000), 32)
