"""The built-in English vocabulary keeps its promises: size, and nothing that a lexical retriever could confuse."""

from __future__ import annotations

import re
from statistics import mean

import pytest
import Stemmer

from limitlab.data import Vocabulary
from limitlab.data.limit import attribute_pools

WORDS = Vocabulary.builtin()
POOLS = attribute_pools(WORDS)
ALL_TEXTS = [*WORDS.attributes, *WORDS.synonyms.values()]
_stemmer = Stemmer.Stemmer("english")


def stems(text: str) -> tuple[str, ...]:
    return tuple(_stemmer.stemWords(re.findall(r"[^\W_]+", text.lower())))


def test_enough_attributes_for_a_thousand_queries_of_each_split_and_fillers():
    assert len(WORDS.attributes) >= 3000
    assert {split: len(pool) >= 1000 for split, pool in POOLS.items()} == {"test": True, "train": True, "filler": True}


def test_the_pools_are_a_partition_of_the_attributes():
    pooled = [a for pool in POOLS.values() for a in pool]
    assert len(pooled) == len(set(pooled))
    assert set(pooled) == set(WORDS.attributes)


def test_the_pools_do_not_depend_on_anything_but_the_vocabulary():
    assert attribute_pools(Vocabulary.from_files()) == POOLS


def test_the_pools_have_attributes_of_like_length():
    lengths = {split: mean(map(len, pool)) for split, pool in POOLS.items()}
    assert max(lengths.values()) - min(lengths.values()) < 0.2, lengths


def test_a_thousand_test_queries_can_ask_a_synonym():
    askable = [a for a in POOLS["test"] + POOLS["filler"] if a in WORDS.synonyms]
    assert len(askable) >= 1000


def test_no_attribute_and_no_synonym_repeats_after_stemming():
    seen: dict[tuple[str, ...], str] = {}
    repeated = [(seen[key], text) for text in ALL_TEXTS if seen.setdefault(key := stems(text), text) is not text]
    assert repeated == []


def test_no_attribute_or_synonym_is_contained_in_another_as_stemmed_words():
    known = {stems(text): text for text in ALL_TEXTS}
    contained = []
    for key, text in known.items():
        n = len(key)
        parts = {key[i:j] for i in range(n) for j in range(i + 1, n + 1)} - {key}
        contained += [(known[part], text) for part in parts if part in known]
    assert contained == []


def test_nothing_that_is_asked_begins_at_a_word_start_inside_an_attribute():
    """The leak rule of the audit: "Ham" is seen in "Hamburgers" by a tokeniser that cuts words into pieces."""
    asked = {text.lower() for text in ALL_TEXTS}
    leaks = []
    for holder in map(str.lower, WORDS.attributes):
        for start in (m.start() for m in re.finditer(r"[^\W_]+", holder)):
            leaks += [
                (holder[start:stop], holder)
                for stop in range(start + 1, len(holder) + 1)
                if holder[start:stop] in asked and holder[start:stop] != holder
            ]
    assert leaks == []


def test_no_synonym_shares_a_stem_with_its_attribute():
    shared = [(a, s) for a, s in WORDS.synonyms.items() if set(stems(a)) & set(stems(s))]
    assert shared == []


def test_every_synonym_belongs_to_an_attribute_and_to_one_only():
    assert set(WORDS.synonyms) <= set(WORDS.attributes)
    assert len(set(WORDS.synonyms.values())) == len(WORDS.synonyms)


@pytest.mark.parametrize("kind", ["first_names", "last_names"])
def test_names_are_many_and_distinct(kind):
    names = getattr(WORDS, kind)
    assert len(names) >= 3200
    assert len({n.lower() for n in names}) == len(names)


def test_no_name_can_be_mistaken_for_something_asked():
    asked = {text.lower() for text in ALL_TEXTS}
    confused = []
    for name in map(str.lower, (*WORDS.first_names, *WORDS.last_names)):
        confused += [(name[:stop], name) for stop in range(1, len(name) + 1) if name[:stop] in asked]
    assert confused == []


@pytest.mark.parametrize("kind", ["attributes", "first_names", "last_names"])
def test_texts_are_plain_and_fit_the_sentence(kind):
    """A comma or an "and" inside an entry would make the list of a document ambiguous."""
    for text in (*getattr(WORDS, kind), *(WORDS.synonyms.values() if kind == "attributes" else ())):
        assert text.isascii() and text == text.strip() and text, text
        assert "," not in text and " and " not in text and "\t" not in text and not text.endswith((".", "?")), text
