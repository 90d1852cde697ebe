"""Gaps against brute force; parts beneath the levels are kept, shown, skipped and read back."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

import limitlab as ll
from limitlab._core.errors import InvalidArgument, UnknownName
from limitlab.diagnosis import Diagnosis, diagnose, load_diagnosis
from limitlab.diagnosis.spread import Spread, bin_width
from limitlab.relevance import RelevanceMatrix
from limitlab.search import separate


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def case():
    """120 documents in 9 dimensions, 90 queries with one to three relevant documents."""
    rng = np.random.default_rng(0)
    docs, sizes = unit(rng.standard_normal((120, 9))), 1 + np.arange(90) % 3
    rel = [np.sort(rng.choice(120, s, False)) for s in sizes]
    queries = unit(np.stack([docs[r].sum(axis=0) for r in rel]) + 0.5 * unit(rng.standard_normal((90, 9))))
    indptr = np.concatenate([[0], np.cumsum(sizes)])
    return RelevanceMatrix(indptr, np.concatenate(rel), n_docs=120), docs, queries, rel


@pytest.fixture(scope="module")
def found(case, tmp_path_factory):
    from limitlab.ledger import Ledger

    matrix, docs, queries, _ = case
    return diagnose(matrix, docs=docs, queries=queries, k=3, ledger=Ledger(tmp_path_factory.mktemp("ledger")))


def brute(docs, queries, rel):
    """(full gap of every query, gaps of pairs, scores of relevant, best irrelevant) in float64."""
    scores = queries.astype(np.float64) @ docs.T.astype(np.float64)
    best = np.array([np.delete(row, r).max() for row, r in zip(scores, rel)])
    own = [row[r] for row, r in zip(scores, rel)]
    return np.array([o.min() for o in own]) - best, np.concatenate([o - b for o, b in zip(own, best)]), np.concatenate(own), best


def test_gaps_are_those_of_brute_force(case, found):
    _, docs, queries, rel = case
    full, pairs, own, best = brute(docs, queries, rel)
    gaps = found.depth.gaps
    assert np.array(gaps.per_query) == pytest.approx(full, abs=1e-6)
    assert [q.gap for q in found.queries] == list(gaps.per_query)
    for spread, values in ((gaps.full, full), (gaps.pairs, pairs), (gaps.relevant, own), (gaps.best_irrelevant, best)):
        assert (spread.n, spread.positive) == (values.size, (values > 0).mean()) and spread.mean == pytest.approx(values.mean(), abs=1e-6)
        assert spread.quantiles == pytest.approx(np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95)), abs=1e-6)
        edges = spread.start + spread.width * np.arange(len(spread.counts) + 1)
        inside = np.abs(np.subtract.outer(values, edges)).min(axis=1) > 1e-6  # rounding may move what lies on a border
        assert np.abs(np.histogram(values, edges)[0] - spread.counts).sum() <= 2 * (~inside).sum()


def test_best_gaps_are_attained_and_nearly_the_greatest(case, found):
    """On a sample of 64 of 90 queries; where no query separates the documents the gap is 0, and no own gap is larger than the best."""
    _, docs, queries, rel = case
    gaps = found.depth.gaps
    exact = separate(docs, rel, tolerance=1e-8)
    truth = np.where(exact.separable, exact.gaps, 0.0)
    assert gaps.n_solved == 64 and gaps.attained.n == 64 and gaps.unsettled == 0
    assert 0 < gaps.separable == round(gaps.attained.positive * 64) < 64
    full = brute(docs, queries, rel)[0]
    # The sample is the one whose own gaps were kept beside it.
    from limitlab._core.seeds import derived

    rows = np.sort(derived(0, "gaps").choice(np.arange(90), 64, replace=False))
    assert gaps.own_of_solved.mean == pytest.approx(full[rows].mean(), abs=1e-6)
    assert gaps.attained.mean == pytest.approx(truth[rows].mean(), abs=1e-3) and gaps.attained.mean <= truth[rows].mean() + 1e-9
    assert (np.maximum(full, 0) <= truth + 1e-6).all()


def test_dot_products_have_gaps_in_their_own_units(case):
    matrix, docs, queries, rel = case
    given = {"docs": 50 * docs, "queries": 2 * queries, "k": 3, "similarity": "dot", "skip": ["drowning", "geometry"]}
    gaps = diagnose(matrix, **given).depth.gaps
    assert np.array(gaps.per_query) == pytest.approx(100 * brute(docs, queries, rel)[0], abs=1e-4)
    assert gaps.own_of_solved.mean == pytest.approx(50 * brute(docs, queries, rel)[0].mean(), abs=6)  # of the sample, unit queries
    assert not gaps.scaled and gaps.attained.quantiles[-1] > 1 and gaps.full.width > 0.1


def test_bins_are_multiples_of_their_width():
    spread = Spread.of(np.array([-0.05, 0.0, 0.019, 0.02, 0.051]), width=0.02)
    assert (spread.start, spread.counts) == (pytest.approx(-0.06), (1, 0, 0, 2, 1, 1)) and spread.positive == 0.6
    assert Spread.of(np.zeros(0), width=0.1) is None
    assert bin_width(-1, 1, cosine=True) == 0.02 and bin_width(0, 730, cosine=False) == pytest.approx(10.0)


def test_everything_comes_back_from_a_file_and_from_the_ledger(case, tmp_path):
    matrix, docs, queries, _ = case
    found = ll.diagnose(matrix, docs=docs, queries=queries, k=3)
    again = Diagnosis.load(found.save(tmp_path / "d.json"))
    assert again == found == load_diagnosis("last") and again.depth.gaps.per_query == found.depth.gaps.per_query
    rows = list(csv.DictReader(io.StringIO(found.to_csv())))
    assert float(rows[0]["gap"]) == found.queries[0].gap
    once_more = ll.diagnose(matrix, docs=docs, queries=queries, k=3)
    assert once_more.depth == found.depth


def test_parts_can_be_skipped_and_old_records_have_none(case, found):
    matrix, docs, queries, _ = case
    less = diagnose(matrix, docs=docs, queries=queries, k=3, skip=["geometry", "drowning"])
    assert less.depth.gaps == found.depth.gaps and less.depth.geometry is None and less.depth.drowning is None
    assert less.levels == found.levels and less.config["skip"] == ["drowning", "geometry"]
    nothing = diagnose(matrix, docs=docs, queries=queries, k=3, skip=["gaps", "geometry", "drowning"])
    assert nothing.levels == found.levels and "gap" not in nothing.flat()[0] and nothing.depth.also_found == ()
    old = found.to_dict()
    del old["depth"]
    for query in old["queries"]:
        del query["gap"]
    assert Diagnosis.from_dict(old).depth is None and Diagnosis.from_dict(old).levels == found.levels


def test_what_cannot_be_skipped(case):
    matrix, docs, queries, _ = case
    with pytest.raises(UnknownName, match="did you mean 'geometry'"):
        diagnose(matrix, docs=docs, queries=queries, skip=["geometri"])
    with pytest.raises(InvalidArgument, match="a list of names"):
        diagnose(matrix, docs=docs, queries=queries, skip="geometry")


def test_the_most_serious_findings_come_first(case):
    matrix, docs, queries, _ = case
    worse = docs.copy()
    worse[[5, 9]] = worse[int(matrix.row(0)[0])]  # a twin of a relevant document that is not relevant: a problem
    worse = unit(worse + 0.9 * np.eye(9)[0])
    found = diagnose(matrix, docs=worse, queries=queries, k=3, skip=["drowning", "gaps"])
    also = found.depth.also_found
    assert 1 <= len(also) <= 3 and also[0].status == "problem"
    assert "duplicates" in {f.name for f in also if f.status == "problem"}
    assert len(found.verdict) == 3


def test_all_documents_relevant_leaves_the_best_irrelevant_unknown():
    docs = unit(np.random.default_rng(0).standard_normal((6, 4)))
    matrix = RelevanceMatrix(np.array([0, 6]), np.arange(6), n_docs=6)
    found = diagnose(matrix, docs=docs, queries=docs[:1].copy(), k=2)
    assert found.depth.gaps.full is None and found.queries[0].gap is None and found.depth.gaps.n_solved == 0
    assert found.depth.drowning.exact.recall[-1] == pytest.approx(2 / 6)
