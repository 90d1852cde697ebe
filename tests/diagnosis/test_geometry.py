"""Properties of vectors on planted truths: what is there is found and graded, what is not there is not."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab.diagnosis.geometry import anisotropy, dimensions, duplicates, effective_rank, hubness, intrinsic_dimension, norms
from limitlab.diagnosis.geometry.cut_documents import cut_documents
from limitlab.diagnosis.geometry.moments import moments
from limitlab.diagnosis.geometry.neighbours import nearest
from limitlab.diagnosis.scratch import Scratch
from limitlab.diagnosis.subject import subject
from limitlab.relevance import RelevanceMatrix
from limitlab.search import tie_order


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def places(n):
    return tie_order([f"d{i:05}" for i in range(n)])


def subject_of(docs, queries, rel, *, k=3, similarity="cosine"):
    """A subject whose query i has the relevant rows rel[i]."""
    pairs = np.array([(i, d) for i, row in enumerate(rel) for d in row])
    ids = {"query_ids": [f"q{i}" for i in range(len(queries))], "doc_ids": [f"d{i:05}" for i in range(len(docs))]}
    matrix = RelevanceMatrix.from_pairs(pairs[:, 0], pairs[:, 1], **ids)
    given = {"doc_ids": None, "query_ids": None, "ties": "trec", "min_relevance": 1}
    with Scratch() as scratch:
        return subject(matrix, np.asarray(docs, np.float32), queries, k=k, similarity=similarity, scratch=scratch, **given)


def on_a_plane(n, inside, dim, seed=0):
    """Gaussian points of a random subspace, as they are."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.standard_normal((dim, inside)))[0]
    return (rng.standard_normal((n, inside)) @ basis.T).astype(np.float32)


@pytest.mark.parametrize("inside", [2, 4, 8])
def test_intrinsic_dimension_of_a_sphere_in_a_subspace(inside):
    docs = unit(on_a_plane(3000, inside + 1, 48))
    found = nearest(docs, places(3000), unit=True)
    two, error = intrinsic_dimension.two_nearest(found.distances)
    assert two == pytest.approx(inside, rel=0.1) and error == pytest.approx(two / np.sqrt(2000), rel=1e-6)
    assert intrinsic_dimension.maximum_likelihood(found.distances) == pytest.approx(inside, rel=0.12)
    finding = intrinsic_dimension.intrinsic_dimension(found, 3000, 48)
    assert finding.status == ("look" if inside == 2 else "fine") and finding.sampled == 2000


def test_intrinsic_dimension_of_a_plane_from_its_distances():
    points = on_a_plane(1500, 5, 30).astype(np.float64)
    squares = (points**2).sum(axis=1)
    distances = np.sqrt(np.maximum(np.sort(squares[:, None] + squares - 2 * points @ points.T, axis=1)[:, 1:21], 0))
    assert intrinsic_dimension.two_nearest(distances)[0] == pytest.approx(5, rel=0.1)
    assert intrinsic_dimension.maximum_likelihood(distances) == pytest.approx(5, rel=0.12)


def test_duplicates_leave_the_intrinsic_dimension_open():
    docs = unit(np.repeat(np.random.default_rng(0).standard_normal((20, 6)), 30, axis=0))
    finding = intrinsic_dimension.intrinsic_dimension(nearest(docs, places(600), unit=True), 600, 6)
    assert finding.shown == "not known" and finding.values["TwoNN"] is None


def test_neighbours_are_those_of_brute_force():
    docs = np.random.default_rng(0).standard_normal((300, 10)).astype(np.float32) * np.linspace(0.5, 3, 300, dtype=np.float32)[:, None]
    found = nearest(docs, places(300), unit=False)
    scaled = unit(docs).astype(np.float64)
    chords = np.sqrt(np.maximum(2 - 2 * scaled @ scaled.T, 0))
    np.fill_diagonal(chords, np.inf)
    assert np.array_equal(found.docs, np.argsort(chords, axis=1)[:, :20])
    assert found.distances == pytest.approx(np.sort(chords, axis=1)[:, :20], abs=1e-6)


def test_planted_hubs():
    """Documents around one direction: those in the middle are everyone's neighbours. On a sphere in three dimensions there are no hubs."""
    rng = np.random.default_rng(0)
    flat = unit(rng.standard_normal((800, 3)))
    assert hubness.skewness(hubness.occurrences(flat, places(800), unit=True)) < 0.5
    middle = unit(rng.standard_normal((1, 64)))
    planted = unit(unit(rng.standard_normal((800, 64))) + 1.5 * middle)
    planted[:5] = unit(middle + 0.05 * unit(rng.standard_normal((5, 64))))
    found = hubness.hubness(subject_of(planted, planted[10:20], [[i] for i in range(10, 20)]))
    assert found.status == "problem" and found.values["largest hub, id"] in {f"d{i:05}" for i in range(5)}
    counts = hubness.occurrences(planted, places(800), unit=True)
    truth = np.argsort(-(planted.astype(np.float64) @ planted.T.astype(np.float64) - 9 * np.eye(800)), axis=1)[:, :10]
    assert np.array_equal(counts, np.bincount(truth.reshape(-1), minlength=800))


def test_a_document_that_every_query_retrieves():
    rng = np.random.default_rng(0)
    docs, queries = unit(rng.standard_normal((400, 16))), unit(rng.standard_normal((60, 16)))
    subject_ = subject_of(docs, queries, [[i] for i in range(60)], k=3)
    lists = np.stack([np.concatenate([[i, 399], rng.choice(np.arange(60, 399), 4, False)]) for i in range(60)])
    found = hubness.retrieved_hubs(subject_, lists)
    assert found.status == "problem" and found.values["id"] == "d00399" and found.values["largest share of queries"] == 1.0
    lists[:, 1] = rng.permutation(np.arange(100, 160))
    assert hubness.retrieved_hubs(subject_, lists).status == "fine"
    lists[:, 1] = np.arange(60)  # relevant documents do not count, however often they come
    assert hubness.retrieved_hubs(subject_, lists).values["largest share of queries"] < 0.1


def test_planted_duplicates():
    rng = np.random.default_rng(0)
    docs = unit(rng.standard_normal((600, 8)))
    docs[100], docs[200], docs[300] = docs[7], docs[7], docs[8]
    queries = unit(rng.standard_normal((2, 8)))
    assert [int(r) for r in np.flatnonzero(duplicates.twins(docs) != np.arange(600))] == [100, 200, 300]
    alike = duplicates.exact_duplicates(subject_of(docs, queries, [[1], [8, 300]]))
    assert (alike.status, alike.values["documents"], alike.values["groups"], alike.values["largest group"]) == ("look", 5, 2, 3)
    torn = duplicates.exact_duplicates(subject_of(docs, queries, [[7, 100], [8, 300]]))
    assert torn.status == "problem" and torn.values["relevant with an irrelevant twin"] == 2
    none = duplicates.exact_duplicates(subject_of(unit(rng.standard_normal((50, 8))), queries, [[1], [2]]))
    assert none.status == "fine" and none.values["documents"] == 0
    signed = np.array([[0.0, 1.0], [-0.0, 1.0], [1.0, 0.0]], np.float32)
    assert duplicates.twins(signed).tolist() == [0, 0, 2]


def test_planted_near_duplicates_are_counted_without_the_equal_ones():
    rng = np.random.default_rng(0)
    docs = unit(rng.standard_normal((400, 12)))
    docs[:40] = unit(docs[40:80] + 0.01 * unit(rng.standard_normal((40, 12))))
    docs[80:120] = docs[120:160]
    subject_ = subject_of(docs, docs[:2].copy(), [[0], [1]])
    found = duplicates.near_duplicates(subject_, nearest(docs, places(400), unit=True))
    assert found.values["share"] == pytest.approx(80 / 400) and found.status == "problem"


def test_anisotropy_is_the_mean_over_all_pairs():
    docs = unit(np.random.default_rng(0).standard_normal((200, 10)) + 1.0)
    cosines = (docs.astype(np.float64) @ docs.T.astype(np.float64))[~np.eye(200, dtype=bool)]
    for scaled, given in ((docs, True), (docs * np.linspace(1, 4, 200, dtype=np.float32)[:, None], False)):
        found = anisotropy.anisotropy(moments(scaled, unit=given))
        assert found.values["mean cosine"] == pytest.approx(cosines.mean(), abs=1e-6)
        assert found.values["standard deviation"] == pytest.approx(cosines.std(), abs=1e-5)
    statuses = [
        anisotropy.anisotropy(moments(unit(np.random.default_rng(0).standard_normal((500, 16)) + by), unit=True)).status
        for by in (0.0, 1.5, 5.0)
    ]
    assert statuses == ["fine", "look", "problem"]


def test_effective_rank_of_known_spectra():
    rng = np.random.default_rng(0)
    even = effective_rank.effective_rank(moments(rng.standard_normal((20_000, 12)).astype(np.float32), unit=False))
    assert even.values["effective rank"] == pytest.approx(12, rel=0.01) and even.values["participation ratio"] == pytest.approx(
        12, rel=0.01
    )
    assert even.status == "fine" and even.values["directions for 90 % of the variance"] == 11
    plane = effective_rank.effective_rank(moments(on_a_plane(2000, 6, 40), unit=False))
    assert plane.values["directions used"] == 6 and plane.status == "problem"
    weights = np.array([0.5, 0.25, 0.125, 0.125])
    found = effective_rank.effective_rank(
        moments(np.vstack([np.diag(np.sqrt(weights)), -np.diag(np.sqrt(weights))]).astype(np.float32), unit=False)
    )
    assert found.values["effective rank"] == pytest.approx(np.exp(-(weights * np.log(weights)).sum()), rel=1e-5)
    assert found.values["participation ratio"] == pytest.approx(1 / (weights**2).sum(), rel=1e-5)
    few = effective_rank.effective_rank(moments(rng.standard_normal((10, 40)).astype(np.float32), unit=False))
    assert few.values["directions used"] == 9 and few.status == "fine"


def test_dead_and_dominant_dimensions():
    rng = np.random.default_rng(0)
    docs = rng.standard_normal((1000, 40)).astype(np.float32)
    assert dimensions.dead_dimensions(moments(docs, unit=False)).status == "fine"
    assert dimensions.dominant_dimensions(moments(docs, unit=False)).status == "fine"
    docs[:, 3], docs[:, 9], docs[:, 17] = 0.0, 0.7, 1e4
    assert dimensions.dead_dimensions(moments(docs[:, :17], unit=False)).values["first"] == "3, 9"
    docs[:, 17] = 20 * rng.standard_normal(1000)
    found = dimensions.dominant_dimensions(moments(docs, unit=False))
    assert found.status == "problem" and found.values["first"].startswith("17 (") and found.values["dimensions"] == 1


def test_cut_vectors_are_told_from_whole_scaled_and_long_ones():
    rng = np.random.default_rng(0)
    whole = unit(rng.standard_normal((1000, 256)))
    for part in (32, 128, 224):
        assert norms.looks_cut(norms.lengths(whole[:, :part]))
    shaped = unit(rng.standard_normal((1000, 256)) / np.sqrt(1 + np.arange(256)))
    assert norms.looks_cut(norms.lengths(shaped[:, :128]))
    for fine in (whole, 0.5 * whole, whole.astype(np.float16), rng.standard_normal((1000, 256)), (127 * whole).astype(np.int8)):
        assert not norms.looks_cut(norms.lengths(fine))
    long = norms.lengths(whole[:, :128])
    assert norms.cut_vectors(long, cosine=True).status == "look" and norms.cut_vectors(long, cosine=False).status == "problem"


def test_lengths_matter_for_dot_products_only():
    rng = np.random.default_rng(0)
    uneven = unit(rng.standard_normal((200, 8))) * rng.uniform(0.5, 2.5, (200, 1))
    values = norms.lengths(uneven)
    found = norms.norms(values, matters=True)
    assert found.status == "look" and found.values["least"] == pytest.approx(np.linalg.norm(uneven, axis=1).min())
    assert norms.norms(values, matters=False).status == "fine"
    assert norms.norms(np.ones(5), matters=True).shown == "all 1"
    assert norms.broken_rows(np.array([1.0, 0.0, np.nan])).values["documents"] == 2


def test_cut_documents_that_are_found_less_often():
    rng = np.random.default_rng(0)
    docs, queries = unit(rng.standard_normal((300, 8))), unit(rng.standard_normal((100, 8)))
    subject_ = subject_of(docs, queries, [[2 * i, 2 * i + 1] for i in range(100)])
    cut = np.arange(0, 100)
    is_cut = np.isin(subject_.relevant.members, cut)
    worse = rng.random(200) < np.where(is_cut, 0.3, 0.9)
    found = cut_documents(subject_, cut, worse, limit=256)
    assert found.status == "problem" and found.values["retrieved, cut"] == pytest.approx(worse[is_cut].mean())
    assert found.values["low"] < found.values["difference"] < found.values["high"] < 0 and "(256 tokens)" in found.meaning
    assert cut_documents(subject_, cut, np.ones(200, bool)).status == "fine"
    assert cut_documents(subject_, np.zeros(0, int), worse).shown == "0"


def test_large_corpora_are_sampled_and_it_is_said(monkeypatch):
    from limitlab.diagnosis.geometry import moments as module
    from limitlab.diagnosis.geometry import neighbours

    docs = unit(np.random.default_rng(0).standard_normal((3000, 16)))
    monkeypatch.setattr(module, "_WORK", 16.0**2 * 1000)
    part = moments(docs, unit=True)
    assert (part.n, part.sampled) == (1000, 1000) and anisotropy.anisotropy(part).sampled == 1000
    monkeypatch.setattr(neighbours, "_PRODUCTS", 3000 * 500)
    assert len(nearest(docs, places(3000), unit=True).rows) == 500
