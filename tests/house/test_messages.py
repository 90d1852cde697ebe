"""One sentence for every parameter error: who: what must hold; what came. No traceback words, no empty advice."""

from __future__ import annotations

import re

import numpy as np
import pytest

import limitlab as ll
from limitlab._core.errors import InvalidArgument, LimitlabError
from limitlab.capacity import round_to
from limitlab.data import LimitConfig, StressConfig
from limitlab.evaluation import EvaluationConfig, Measure, bootstrap, compare_paired, parse_measures
from limitlab.free.config import FreeConfig
from limitlab.free.gap import maximise_gap
from limitlab.relevance import all_subsets, cycle, dense, disjoint, from_pattern, random
from limitlab.retrieval import BM25, TokenSums, build, predicted_recall
from limitlab.search import exact_search, separate, tie_order

DOCS = np.eye(4, dtype=np.float32)
PLACES = tie_order(["a", "b", "c", "d"])
TINY = ll.Dataset.from_texts({"d1": "red", "d2": "blue"}, {"q": "red"}, {"q": {"d1": 1}})

BAD = {
    "dense: k > n": lambda: dense(1, 1, k=2),
    "dense: k = 0": lambda: dense(5, 2, k=0),
    "dense: too few docs": lambda: dense(10, 1000),
    "random: n_docs text": lambda: random("5", 3),
    "random: fraction": lambda: random(5.5, 3),
    "random: bool": lambda: random(True, 3),
    "random: negative seed": lambda: random(5, 3, seed=-1),
    "cycle: no queries": lambda: cycle(5, 0),
    "disjoint: too many": lambda: disjoint(5, 3),
    "all_subsets: k > n": lambda: all_subsets(5, 7),
    "from_pattern: name": lambda: from_pattern("dens", 5, 3),
    "LimitConfig: pattern": lambda: LimitConfig(pattern="ring"),
    "LimitConfig: split": lambda: LimitConfig(split="dev"),
    "LimitConfig: k": lambda: LimitConfig(n_docs=3, k=5),
    "LimitConfig: seed": lambda: LimitConfig(seed=-3),
    "make_limit: too many queries": lambda: ll.make_limit(n_queries=100_000),
    "make_limit: few attributes": lambda: ll.make_limit(small=True, attributes_per_doc=10),
    "StressConfig: pattern": lambda: StressConfig(pattern="ring"),
    "StressConfig: language": lambda: StressConfig(language="fr"),
    "make_stress: missing": lambda: ll.make_stress("no/such/corpus.jsonl"),
    "make_stress: type": lambda: ll.make_stress(7),
    "make_stress: few documents": lambda: ll.make_stress(TINY),
    "make_stress: both": lambda: ll.make_stress(TINY, StressConfig(), k=1),
    "gate: nothing": lambda: ll.gate(ll.evaluate(TINY, ["bm25"])),
    "gate: minimum": lambda: ll.gate(ll.evaluate(TINY, ["bm25"]), ["recall"]),
    "gate: row": lambda: ll.gate(ll.evaluate(TINY, ["bm25"]), ["bm52:recall@2=0.1"]),
    "load: missing": lambda: ll.load("no/such/folder"),
    "search: shape": lambda: exact_search(DOCS, np.eye(3, dtype=np.float32), k=1, places=PLACES),
    "search: k": lambda: exact_search(DOCS, DOCS, k=0, places=PLACES),
    "search: dim": lambda: exact_search(DOCS, DOCS, k=1, dim=9, places=PLACES),
    "search: one vector": lambda: exact_search(DOCS[0], DOCS, k=1, places=PLACES),
    "search: NaN": lambda: exact_search(DOCS * np.nan, DOCS, k=1, places=PLACES),
    "search: text": lambda: exact_search(np.array([["a"]]), DOCS, k=1, places=PLACES),
    "tie_order: rule": lambda: tie_order(["a"], "random"),
    "Measure: kind": lambda: Measure("precision", 5),
    "Measure: k": lambda: Measure("recall", 0),
    "parse_measures: text": lambda: parse_measures(["recal@10"]),
    "EvaluationConfig: ties": lambda: EvaluationConfig(ties="trek"),
    "EvaluationConfig: min_relevance": lambda: EvaluationConfig(min_relevance=0),
    "EvaluationConfig: nothing": lambda: EvaluationConfig(measures=()),
    "bootstrap: empty": lambda: bootstrap(np.zeros(0)),
    "bootstrap: NaN": lambda: bootstrap(np.array([np.nan])),
    "compare: shapes": lambda: compare_paired(np.zeros(3), np.zeros(4)),
    "build: name": lambda: build("bm52"),
    "build: option": lambda: build("bm25:k2=3"),
    "build: no value": lambda: build("bm25:k1"),
    "build: type": lambda: build(42),
    "quantised: part": lambda: build("quantised(bm25)"),
    "quantised: no part": lambda: build("quantised"),
    "muvera: part": lambda: build("muvera(bm25)"),
    "tokens: part": lambda: build("tokens(bm25)"),
    "BM25: b": lambda: BM25(b=2.0),
    "BM25: k1 text": lambda: BM25(k1="high"),
    "BM25: stemmer": lambda: BM25(stemmer="klingon"),
    "TokenSums: dim": lambda: TokenSums(dim=0),
    "predicted_recall: k": lambda: predicted_recall(3, 8, k=5),
    "evaluate: no data": lambda: ll.evaluate([], ["bm25"]),
    "evaluate: text": lambda: ll.evaluate("folder", ["bm25"]),
    "evaluate: twice": lambda: ll.evaluate(TINY, ["bm25", "bm25"]),
    "evaluate: dims": lambda: ll.evaluate(TINY, ["bm25"], dims=[0]),
    "evaluate: grade": lambda: ll.evaluate(TINY, ["bm25"], min_relevance=2),
    "separate: one vector": lambda: separate(DOCS[0], [[0]]),
    "separate: NaN": lambda: separate(DOCS * np.nan, [[0]]),
    "separate: flat sets": lambda: separate(DOCS, [0, 1]),
    "separate: fractions": lambda: separate(DOCS, [[0.5]]),
    "separate: empty set": lambda: separate(DOCS, (np.array([0, 0]), np.array([], int))),
    "separate: all documents": lambda: separate(DOCS, [[0, 1, 2, 3]]),
    "separate: repeated": lambda: separate(DOCS, [[1, 1]]),
    "separate: outside": lambda: separate(DOCS, [[4]]),
    "separate: indptr": lambda: separate(DOCS, (np.array([0, 3]), np.array([0]))),
    "separate: columns": lambda: separate(DOCS, all_subsets(9, 2)),
    "separate: start": lambda: separate(DOCS, [[0]], start=DOCS),
    "separate: uneven fractions": lambda: separate(DOCS, [[0, 1], [0.5]]),
    "separate: tolerance": lambda: separate(DOCS, [[0]], tolerance=0.0),
    "maximise_gap: objective": lambda: maximise_gap(8, FreeConfig(dim=4)),
    "maximise_gap: start": lambda: maximise_gap(8, FreeConfig(dim=4, objective="gap"), start="circle"),
    "maximise_gap: until": lambda: maximise_gap(8, FreeConfig(dim=4, objective="gap"), until="ever"),
    "maximise_gap: k": lambda: maximise_gap(8, FreeConfig(dim=4, objective="gap"), k=8),
    "maximise_gap: trig": lambda: maximise_gap(9, FreeConfig(dim=5, objective="gap"), k=3, start="trig"),
    "maximise_gap: shape": lambda: maximise_gap(8, FreeConfig(dim=4, objective="gap"), start=DOCS),
    "diagnose: data": lambda: ll.diagnose("folder", docs=DOCS, queries=DOCS),
    "diagnose: no vectors": lambda: ll.diagnose(TINY),
    "diagnose: rows": lambda: ll.diagnose(TINY, docs=DOCS, queries=DOCS[:1], k=1),
    "diagnose: NaN": lambda: ll.diagnose(TINY, docs=DOCS[:2] * np.nan, queries=DOCS[:1], k=1),
    "diagnose: k": lambda: ll.diagnose(TINY, docs=DOCS[:2], queries=DOCS[:1], k=3),
    "diagnose: index": lambda: ll.diagnose(TINY, docs=DOCS[:2], queries=DOCS[:1], k=1, index="hsnw"),
    "diagnose: skip": lambda: ll.diagnose(TINY, docs=DOCS[:2], queries=DOCS[:1], k=1, skip=["gap"]),
    "diagnose: dtype": lambda: ll.diagnose(TINY, docs=DOCS[:2], queries=DOCS[:1], k=1, dtype="int9"),
    "bounds: nothing": lambda: ll.bounds(),
    "bounds: k": lambda: ll.bounds(n_docs=5, k=9),
    "bounds: seconds": lambda: ll.bounds(n_docs=5, k=2, seconds=-1),
    "capacity: two left out": lambda: ll.capacity(k=2),
    "capacity: k": lambda: ll.capacity(n_docs=5, k=5, dim=3),
    "capacity: dtype": lambda: ll.capacity(n_docs=5, k=2, dim=3, dtype="int9"),
    "phase_map: order": lambda: ll.phase_map(2, n_docs=(100, 10)),
    "place: dim": lambda: ll.place(dense(10, 20), dim=0),
    "place: dtype": lambda: ll.place(dense(10, 20), dim=4, dtype="float15"),
    "round_to: dtype": lambda: round_to(DOCS, "bfloat15"),
    "TrigCurve: n_docs": lambda: ll.TrigCurve(0, 4),
    "DualBCHCode: m": lambda: ll.DualBCHCode(1, 2),
    "KerdockSet: odd": lambda: ll.KerdockSet(5),
    "certified_n: dim": lambda: ll.certified_n(0),
    "largest_n: dtype": lambda: ll.largest_n(lambda n: ll.TrigCurve(n, 4), "float31"),
}


@pytest.mark.parametrize("call", BAD.values(), ids=BAD.keys())
def test_bad_arguments_are_refused_in_one_sentence(call, tmp_path, monkeypatch):
    monkeypatch.setenv("LIMITLAB_HOME", str(tmp_path))
    with pytest.raises(LimitlabError) as caught:
        call()
    sentence = str(caught.value)
    assert isinstance(caught.value, InvalidArgument)
    assert "\n" not in sentence
    assert re.match(r"^[^:]{2,60}: \S", sentence), f"who: what must hold ...: {sentence}"
    assert sentence.endswith((".", "?", "!", "()")), sentence
    assert re.search(r"\b(got|must|unknown|needed|does not exist|expected|have)\b", sentence), sentence


def test_the_tree_is_the_documented_one():
    import limitlab._core.errors as errors

    drawn = set(re.findall(r"── (\w+)", errors.__doc__))
    there = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, LimitlabError)} - {
        "LimitlabError"
    }
    assert drawn == there
