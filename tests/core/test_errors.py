"""The error tree and its sentences."""

from __future__ import annotations

import pytest

from limitlab._core import errors
from limitlab._core.errors import (
    DataError,
    LimitlabError,
    MissingExtra,
    NotSolved,
    RangeError,
    ShapeError,
    TooLarge,
    UnknownName,
    first_examples,
)


@pytest.mark.parametrize("kind", [RangeError, ShapeError, UnknownName, DataError, MissingExtra, TooLarge, NotSolved])
def test_every_error_is_a_limitlab_error(kind):
    assert issubclass(kind, LimitlabError)


@pytest.mark.parametrize("kind", [RangeError, ShapeError, UnknownName])
def test_wrong_arguments_are_value_errors_too(kind):
    assert issubclass(kind, errors.InvalidArgument)
    assert issubclass(kind, ValueError)


def test_a_missing_extra_is_an_import_error():
    assert issubclass(MissingExtra, ImportError)


def test_unknown_name_asks_did_you_mean_and_lists_what_is_known():
    said = str(UnknownName.of("retrievers", "retriever", "bm52", ["token-sums", "bm25"]))
    assert said == "retrievers: unknown retriever 'bm52'; did you mean 'bm25'? known: bm25, token-sums."


def test_unknown_name_suggests_nothing_when_nothing_is_close():
    said = str(UnknownName.of("x", "name", "zzzzzz", ["bm25", "minilm"], hint="See --help."))
    assert "did you mean" not in said
    assert said.endswith("known: bm25, minilm. See --help.")


def test_range_error_names_the_values_that_came():
    assert str(RangeError.of("f()", "k", "in [1, 5]", k=7, n_docs=5)) == "f(): k must be in [1, 5]; got k=7, n_docs=5."


def test_data_error_points_at_the_line():
    assert str(DataError.at("queries.jsonl", 17, "field 'text' is missing")) == "queries.jsonl:17: field 'text' is missing"
    assert str(DataError.at("queries.jsonl", None, "empty")) == "queries.jsonl: empty"


def test_first_examples_stops_after_three():
    assert first_examples(["a", "b"]) == "'a', 'b'"
    assert first_examples(iter("abcd")) == "'a', 'b', 'c', ..."
    assert first_examples([]) == ""
