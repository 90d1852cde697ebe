"""Texts without spaces in lexical retrieval."""

from __future__ import annotations

import importlib.util

import pytest

import limitlab as ll
from limitlab._core.errors import MissingExtra, UnknownName
from limitlab.retrieval import build, tokenisers
from limitlab.retrieval.tokenisers import described, resolved, unspaced_tokens

CHINESE = {"d1": "王小明喜欢苹果和象棋。", "d2": "李红喜欢围棋、香蕉和 Jazz 音乐。", "d3": "赵云喜欢西瓜。"}


def test_texts_decide_what_auto_means(monkeypatch):
    assert resolved("auto", ["Who likes apples?"]) == "words"
    assert resolved("auto", ["Ich mag 苹果 und Birnen und noch vieles mehr."]) == "words"
    monkeypatch.setattr(tokenisers, "available", lambda name: False)
    assert resolved("auto", CHINESE.values()) == "bigrams" and described("auto") == "auto, without jieba"
    monkeypatch.setattr(tokenisers, "available", lambda name: True)
    assert resolved("auto", CHINESE.values()) == "jieba"
    assert resolved("words", CHINESE.values()) == "words"
    with pytest.raises(UnknownName, match="did you mean 'jieba'"):
        resolved("jeiba", [])


def test_pairs_of_neighbours_and_words_of_other_scripts():
    assert unspaced_tokens(["李红喜欢Jazz音乐！狗 3D"], "bigrams") == [["李红", "红喜", "喜欢", "jazz", "音乐", "狗", "3d"]]


def test_jieba_cuts_words():
    if importlib.util.find_spec("jieba") is None:
        pytest.skip("jieba is not installed")
    (tokens,) = unspaced_tokens(["王小明喜欢苹果和象棋。"], "jieba")
    assert {"喜欢", "苹果", "象棋"} <= set(tokens) and "。" not in tokens


def test_a_missing_jieba_gives_the_pip_line(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jieba", None)
    with pytest.raises(MissingExtra, match=r"pip install 'limitlab\[zh\]'"):
        unspaced_tokens(["苹果"], "jieba")


@pytest.mark.parametrize("spec", ["bm25", "bm25:tokeniser=bigrams"])
def test_bm25_finds_chinese(spec, home):
    data = ll.Dataset.from_texts(
        CHINESE, {"q1": "谁喜欢象棋？", "q2": "谁喜欢西瓜？", "q3": "谁喜欢 jazz？"}, {"q1": {"d1": 1}, "q2": {"d3": 1}, "q3": {"d2": 1}}
    )
    result = ll.evaluate(data, [spec], measures=["recall@1"])
    (row,) = result.rows
    assert row.measures["recall@1"].mean == 1.0
    assert row.notes["tokeniser"] in ("jieba", "bigrams")
    assert any("without spaces" in sentence for sentence in __import__("limitlab.evaluation", fromlist=["x"]).all_remarks([row]))


def test_words_are_what_they_were_for_english():
    from limitlab.retrieval.bm25 import BM25

    assert BM25(tokeniser="words").name == "bm25:tokeniser=words" and build("bm25").name == "bm25"
