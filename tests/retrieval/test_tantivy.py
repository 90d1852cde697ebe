"""BM25 on disk against its formula written out, and what a kill leaves behind."""

from __future__ import annotations

import importlib.util
import math
import os
import re
import signal
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from limitlab._core.errors import MissingExtra, RangeError, UnknownName
from limitlab._core.texts import TextList
from limitlab.retrieval import build
from limitlab.search import RelevantSet, tie_order

if importlib.util.find_spec("tantivy") is None and os.environ.get("LIMITLAB_REQUIRE_ALL") != "1":
    pytest.skip("not installed: tantivy", allow_module_level=True)

RNG = np.random.default_rng(0)
WORDS = [f"w{i}" for i in range(40)]
ROWS = [" ".join(RNG.choice(WORDS, RNG.integers(1, 120))) for _ in range(80)]
DOCS = TextList([f"d{i}" for i in range(80)], ROWS)
QUERIES = TextList([f"q{i}" for i in range(12)], [" ".join(RNG.choice(WORDS, RNG.integers(1, 5))) for _ in range(12)])
EVERY = RelevantSet(np.arange(0, 13) * 80, np.tile(np.arange(80), 12))
SPEC = "tantivy:stemmer=none,stopwords=none"


def kept_length(words: int) -> int:
    """A document's length as tantivy keeps it in one byte: exact to 40, then steps of 1/8 to 1/16 (Lucene's SmallFloat, 4 bits)."""
    if words < 40:
        return words
    rest = words - 24
    shift = max(0, rest.bit_length() - 4)
    return ((rest >> shift) << shift) + 24


def brute_force(rows: list[str], queries: list[str]) -> np.ndarray:
    docs = [Counter(re.findall(r"\w+", r.lower())) for r in rows]
    total = [sum(d.values()) for d in docs]
    average = sum(total) / len(docs)
    out = np.zeros((len(queries), len(rows)))
    for i, query in enumerate(queries):
        for term in re.findall(r"\w+", query.lower()):
            n = sum(term in d for d in docs)
            idf = math.log(1 + (len(docs) - n + 0.5) / (n + 0.5))
            for j, d in enumerate(docs):
                norm = 1.2 * (1 - 0.75 + 0.75 * kept_length(total[j]) / average)
                out[i, j] += idf * 2.2 * d[term] / (d[term] + norm)
    return out


def searched(spec: str, docs=DOCS, queries=QUERIES, k: int = 80, relevant=EVERY):
    retriever = build(spec)
    made = retriever.index(docs, queries)
    return retriever.search(k=k, places=tie_order(docs.ids), relevant=relevant), made


def test_scores_are_those_of_the_formula():
    found, _ = searched(SPEC)
    expected = brute_force(ROWS, list(QUERIES))
    for i in range(len(QUERIES)):
        listed = found.indices[i] >= 0
        assert listed.sum() == (expected[i] > 0).sum()
        np.testing.assert_allclose(found.scores[i][listed], expected[i][found.indices[i][listed]], rtol=1e-5)
        assert (np.diff(found.scores[i][listed]) <= 0).all()


def test_ranks_are_counts_of_better_documents_and_minus_one_without_a_word_in_common():
    found, _ = searched(SPEC)
    scores = np.zeros((12, 80), np.float32)
    for i in range(12):
        listed = found.indices[i] >= 0
        scores[i][found.indices[i][listed]] = found.scores[i][listed]
    above = np.array([[(s > x).sum() if x > 0 else -1 for x in s] for s in scores])
    np.testing.assert_array_equal(found.ranks.above, above.ravel())


def test_ties_follow_the_rule_and_a_short_list_holds_whole_groups_of_them():
    docs = TextList([f"d{i:02}" for i in range(30)], ["apple pie"] * 20 + ["apple"] * 3 + ["pear"] * 7)
    queries, relevant = TextList(["q"], ["apple"]), RelevantSet(np.array([0, 30]), np.arange(30))
    found, made = searched("tantivy:depth=4", docs, queries, k=5, relevant=relevant)
    assert made["notes"]["list_depth"] == 4
    assert found.indices[0].tolist() == [22, 21, 20, 19, 18], "shorter documents first, then ids descending"
    assert found.ranks.above.tolist() == [3] * 20 + [0] * 3 + [-1] * 7
    assert found.ranks.tied.tolist() == [20] * 20 + [3] * 3 + [0] * 7


def test_what_lies_below_the_depth_is_not_retrieved():
    docs = TextList([f"d{i}" for i in range(10)], ["apple" + " pie" * i for i in range(10)])
    relevant = RelevantSet(np.array([0, 10]), np.arange(10))
    found, _ = searched("tantivy:depth=3", docs, TextList(["q"], ["apple"]), k=2, relevant=relevant)
    assert found.ranks.above.tolist() == [0, 1, 2] + [-1] * 7


@pytest.mark.parametrize("query", ['apple" OR (pear', "text:apple", "+apple -pear", "apple*", "apple~2 AND NOT [a TO z]", "number:1 apple"])
def test_user_text_is_never_query_syntax(query):
    docs = TextList(["a", "b"], ["an apple", "a pear"])
    found, _ = searched("tantivy", docs, TextList(["q"], [query]), k=2, relevant=RelevantSet(np.array([0, 1]), np.array([0])))
    assert found.ranks.above.tolist() == [0], "the word apple is found"


def test_stems_and_stop_words():
    docs = TextList(["a", "b"], ["He likes running", "the the the"])
    one = RelevantSet(np.array([0, 1]), np.array([0]))
    assert searched("tantivy", docs, TextList(["q"], ["the runs"]), k=2, relevant=one)[0].indices.tolist() == [[0, -1]]
    assert searched("tantivy:stemmer=none", docs, TextList(["q"], ["runs"]), k=2, relevant=one)[0].indices.tolist() == [[-1, -1]]
    assert searched("tantivy", docs, TextList(["q"], ["the"]), k=2, relevant=one)[1]["notes"]["queries_without_terms"] == 1


def test_a_finished_index_is_used_again_and_another_corpus_gets_its_own(home):
    _, first = searched(SPEC)
    _, second = searched(SPEC)
    assert "index_seconds" in first["cost"] and "index_seconds" not in second["cost"]
    searched(SPEC, TextList(DOCS.ids, [*ROWS[:-1], "other"]))
    assert len(list((home / "tantivy").iterdir())) == 2


def test_a_damaged_index_is_built_again(home):
    before, _ = searched(SPEC)
    (folder,) = (home / "tantivy").iterdir()
    (folder / "meta.json").write_text("{}")
    after, made = searched(SPEC)
    assert "index_seconds" in made["cost"]
    np.testing.assert_array_equal(after.indices, before.indices)


def test_a_killed_build_leaves_nothing_that_is_taken_for_an_index(home, tmp_path):
    code = (
        "import sys, time\n"
        "from limitlab._core.texts import TextList\n"
        "from limitlab.retrieval import build\n"
        "class Slow(TextList):\n"
        "    passes = 0\n"
        "    def __iter__(self):\n"
        "        Slow.passes += 1\n"
        "        for i, text in enumerate(super().__iter__()):\n"
        "            if Slow.passes == 2 and i == 40: print('half', flush=True); time.sleep(60)\n"
        "            yield text\n"
        f"docs = Slow({DOCS.ids!r}, {ROWS!r})\n"
        f"build({SPEC!r}).index(docs, docs)\n"
    )
    run = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, "LIMITLAB_HOME": str(home)})
    assert run.stdout.readline() == "half\n"
    run.send_signal(signal.SIGKILL)
    run.wait()
    left = list((home / "tantivy").iterdir())
    assert [p.name.endswith(".part") for p in left] == [True]
    found, made = searched(SPEC)
    assert "index_seconds" in made["cost"]
    np.testing.assert_allclose(found.scores[0][0], brute_force(ROWS, list(QUERIES))[0].max(), rtol=1e-5)


def test_it_stands_in_an_evaluation(limit_data):
    import limitlab as ll

    result = ll.evaluate(limit_data, ["tantivy", "bm25"], measures=["recall@2"])
    assert abs(result.row("tantivy").measures["recall@2"].mean - result.row("bm25").measures["recall@2"].mean) <= 0.1


@pytest.fixture
def limit_data():
    import limitlab as ll

    return ll.make_limit(n_docs=100, n_queries=50, seed=0)


def test_wrong_arguments_are_refused(monkeypatch):
    with pytest.raises(UnknownName, match="did you mean 'english'"):
        build("tantivy:stemmer=englisch")
    with pytest.raises(RangeError, match="depth must be >= 1"):
        build("tantivy:depth=0")
    with pytest.raises(RangeError, match=r"index\(\) must be called first"):
        build("tantivy").search(k=1, places=np.zeros(1, np.int32), relevant=EVERY)
    monkeypatch.setitem(sys.modules, "tantivy", None)
    with pytest.raises(MissingExtra, match=r"pip install 'limitlab\[tantivy\]'"):
        build("tantivy")
