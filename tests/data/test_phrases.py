"""Where a phrase counts as found: at the beginning of a word, anywhere in scripts without spaces, or with the same stems."""

from __future__ import annotations

import random
import re

import pytest

from limitlab.data import phrases as module
from limitlab.data.phrases import Phrases, StemmedPhrases


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("Law", "All lawyers agree", True),
        ("Oats", "Goats and boats", False),
        ("Oats", "(oats)", True),
        ("water polo", "Water Polo players", True),
        ("water polo", "water, polonaise", False),
        ("water polo", "deepwater polo", False),
        ("Yo-Yos", "three yo-yos", True),
        ("苹果", "他喜欢吃苹果派", True),
        ("苹果", "苹 果", False),
        ("T恤", "喜欢t恤的人", True),
        ("jazz", "他喜欢jazz音乐", True),
        ("花", "樱花", True),
        ("!!", "what!!", False),
        ("ข้าว", "ฉันชอบข้าวผัด", True),
    ],
)
def test_a_phrase_is_found_where_a_tokeniser_may_see_it(phrase, text, found):
    assert Phrases([phrase]).found_in(text) == ({0} if found else set())


def test_many_phrases_are_found_as_one_by_one():
    rng = random.Random(3)
    letters = ["ab", "a", "bc", "c", "果", "苹果", " ", " ", "-", ", "]
    asked = sorted({"".join(rng.choices(letters, k=rng.randint(1, 3))).strip(" -,") for _ in range(60)} - {""})
    texts = ["".join(rng.choices(letters, k=30)) for _ in range(200)]
    together = Phrases(asked)
    unspaced = re.compile("[果苹]")
    for text in texts:
        expected = {
            i
            for i, p in enumerate(asked)
            if (p in text if unspaced.search(p) else re.search(rf"(?<![abc]){re.escape(p)}", text) is not None)
        }
        assert together.found_in(text) == expected, text


def test_memory_of_seen_words_is_bounded_and_forgetting_changes_nothing(monkeypatch):
    monkeypatch.setattr(module, "_SEEN_WORDS", 5)
    for kind in (Phrases, StemmedPhrases):
        found = kind(["apples", "red squirrels"])
        for i in range(20):
            assert found.found_in(f"w{i} v{i} u{i} apples and red squirrels") == {0, 1}
            assert found.found_in(f"x{i} y{i} z{i}") == set()


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("Torches", "he lit a torch", True),
        ("Torches", "by torchlight", False),
        ("Red Squirrels", "a red squirrel", True),
        ("Red Squirrels", "red, and a squirrel", False),
        ("Red Squirrels", "red red squirrels", True),
        ("Red Squirrels", "a squirrel is red", False),
        ("Hobbies", "my hobby", True),
    ],
)
def test_stems_are_those_that_a_lexical_retriever_sees(phrase, text, found):
    assert StemmedPhrases([phrase]).found_in(text) == ({0} if found else set())
