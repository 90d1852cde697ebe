"""How retrievers are written."""

from __future__ import annotations

import pytest

from limitlab._core.errors import InvalidArgument
from limitlab.retrieval import build
from limitlab.retrieval.spec import parse_spec, split_outside


def test_parts_and_options_are_told_apart():
    spec = parse_spec("hybrid(bm25:k1=0.9,b=0.4, rerank(minilm):depth=50):method=rrf,weights=1;2,flag=true")
    assert spec.name == "hybrid"
    assert spec.parts == ("bm25:k1=0.9,b=0.4", "rerank(minilm):depth=50")
    assert spec.options == {"method": "rrf", "weights": "1;2", "flag": True}


@pytest.mark.parametrize("text", ["bm25", "owner/name", "./folder", "owner/name:query_prompt=Find the text"])
def test_plain_names_have_no_parts(text):
    assert parse_spec(text).parts is None
    assert parse_spec(text).name == text.partition(":")[0]


def test_an_option_may_hold_colons_and_signs():
    assert parse_spec("openai:url=https://host:8080/v1?a=b,model=m").options == {"url": "https://host:8080/v1?a=b", "model": "m"}


@pytest.mark.parametrize("text", ["hybrid(bm25", "hybrid(bm25))", "bm25)"])
def test_parentheses_must_match(text):
    with pytest.raises(InvalidArgument, match="parentheses must match"):
        parse_spec(text)


def test_an_option_twice_is_refused():
    with pytest.raises(InvalidArgument, match="'k1' twice"):
        parse_spec("bm25:k1=1,k1=2")


def test_splitting_leaves_parentheses_whole():
    assert split_outside("a(b,c), d,,e", ",") == ["a(b,c)", "d", "e"]


def test_name_and_label_fit_every_retriever():
    built = build("bm25:k1=0.9,name=short,label=Short BM25")
    assert (built.name, built.label) == ("short", "Short BM25")
    assert build("bm25:name=other").label == "other"


def test_a_folder_may_have_parentheses_in_its_name(tmp_path, monkeypatch):
    (tmp_path / "model (v2)").mkdir()
    monkeypatch.chdir(tmp_path)
    assert build("model (v2)").name == "model (v2)"


def test_retrievers_that_are_not_made_of_others_take_none():
    with pytest.raises(InvalidArgument, match="bm25 is not made of others"):
        build("bm25(minilm)")


def test_a_comma_and_a_space_stay_within_a_text():
    assert parse_spec("m:instruction=Given a query, retrieve, now,k=2").options == {"instruction": "Given a query, retrieve, now", "k": 2}


def test_a_first_word_without_a_sign_is_the_option_that_the_name_says():
    bare = {"mteb": "model"}
    assert parse_spec("mteb:owner/name,revision=abc", bare=bare).options == {"model": "owner/name", "revision": "abc"}
    assert parse_spec("mteb:model=owner/name", bare=bare).options == {"model": "owner/name"}
    with pytest.raises(InvalidArgument, match="key=value"):
        parse_spec("bm25:owner/name", bare=bare)
