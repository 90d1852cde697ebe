"""Every platform on an existing dataset: right lists, right requests, and each trap counted."""

from __future__ import annotations

import pytest

from limitlab._core.errors import InvalidArgument, RangeError, UnknownName
from limitlab.data import Dataset
from limitlab.evaluation import evaluate, remarks
from limitlab.retrieval import build

FASTGPT_ID = "0123456789abcdef01234567"


@pytest.fixture
def failed(data):
    """The message of a row that must fail."""

    def run(spec):
        row = evaluate(data, [spec]).rows[0]
        assert row.status.key == "failed"
        return row.message

    return run


def specs(name, url):
    return {
        "Dify": f"dify:url={url}/v1,dataset=ds-1",
        "RAGFlow": f"ragflow:url={url},datasets=ds-1",
        "FastGPT": f"fastgpt:url={url},dataset={FASTGPT_ID}",
        "TaskingAI": f"taskingai:url={url},collection=ds-1",
        "ExternalKnowledge": f"dify-external:url={url},knowledge=kb",
    }[name]


def made(fakes, name, corpus, **options):
    if name == "ExternalKnowledge":
        return fakes.ExternalKnowledge(corpus, **options)
    return getattr(fakes, name)(corpus, dataset=FASTGPT_ID if name == "FastGPT" else "ds-1", **options)


PLATFORMS = ["Dify", "RAGFlow", "FastGPT", "TaskingAI", "ExternalKnowledge"]


@pytest.mark.parametrize("name", PLATFORMS)
def test_relevant_documents_are_found_by_their_names(fakes, keys, corpus, measure, name):
    with made(fakes, name, corpus) as service:
        recall, notes = measure(specs(name, service.url))
    assert recall == 1.0
    assert "unknown_hits" not in notes and "empty_answers" not in notes
    assert len(service.log) >= 10


@pytest.mark.parametrize("name", PLATFORMS)
def test_one_request_in_three_fails_and_numbers_are_the_same(fakes, keys, corpus, measure, name):
    with made(fakes, name, corpus, fail_every=3) as service:
        recall, notes = measure(specs(name, service.url))
    assert recall == 1.0
    assert notes["requests_repeated"] >= 4


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_wrong_key_is_the_services_error_without_the_key(fakes, keys, corpus, monkeypatch, failed, name):
    with made(fakes, name, corpus) as service:
        for variable in ("DIFY_API_KEY", "DIFY_EXTERNAL_API_KEY", "RAGFLOW_API_KEY", "FASTGPT_API_KEY", "TASKINGAI_API_KEY"):
            monkeypatch.setenv(variable, "sk-wrong-42")
        message = failed(specs(name, service.url))
    assert "sk-wrong" not in message and "***" in message


@pytest.mark.parametrize("name", ["Dify", "RAGFlow", "FastGPT", "TaskingAI"])
def test_chunks_count_once_a_document_and_the_repeats_are_told(fakes, keys, corpus, measure, name):
    with made(fakes, name, corpus, pieces=3) as service:
        recall, notes = measure(specs(name, service.url), measures=("recall@2", "recall@10"))
    assert recall == 1.0
    assert notes["repeated_hits"] > 0 and notes["answers_with_repeats"] > 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Dify", "model text-embedding-3-small"),
        ("RAGFlow", "model bge-m3@BAAI"),
        ("FastGPT", "model text-embedding-3-large"),
        ("TaskingAI", "vectors of 1,536 values"),
    ],
)
def test_what_the_platform_says_of_its_model_is_told(fakes, keys, corpus, measure, name, words):
    with made(fakes, name, {**corpus, "more": "Nobody likes Rain."}) as service:
        _, notes = measure(specs(name, service.url) + ",top_k=2")
    assert words in notes["service"]
    assert (notes.get("documents_at_service") == 11) == (name != "FastGPT")


def test_a_key_that_may_ask_and_not_look_is_enough(fakes, keys, corpus, measure):
    class Closed(fakes.Dify):
        def answer(self, method, path, query, body):
            if method == "GET":
                raise fakes.Refused(403, {"code": "forbidden"})
            return super().answer(method, path, query, body)

    with Closed(corpus) as service:
        recall, notes = measure(f"dify:url={service.url}/v1,dataset=ds-1")
    assert recall == 1.0 and "403" in notes["not_described"] and "model not stated" in notes["service"]


def test_dify_sends_what_is_documented_and_nothing_else_ranks(fakes, keys, corpus, measure):
    with fakes.Dify(corpus) as service:
        _, notes = measure(f"dify:url={service.url}/v1,dataset=ds-1,top_k=2")
        body = service.asked("/retrieve")[0]
        assert body["retrieval_model"] == {
            "search_method": "semantic_search", "reranking_enable": False, "top_k": 2, "score_threshold_enabled": False, "score_threshold": None,
        }  # fmt: skip
        assert "score threshold off" in notes["settings_in_force"]
        _, notes = measure(f"dify:url={service.url}/v1,dataset=ds-1,search_method=hybrid_search,vector_weight=0.7,score_threshold=0.9")
        model = service.asked("/retrieve")[-1]["retrieval_model"]
        assert model["weights"]["keyword_setting"] == {"keyword_weight": 0.3} and model["score_threshold"] == 0.9
        assert "score threshold 0.9" in notes["settings_in_force"]


def test_dify_queries_of_more_than_250_characters(fakes, keys, corpus, measure, data):
    long = {"q": "Who likes Apples? " + "x" * 233, "r": "Who likes Boxing?"}  # 251 characters
    extended = Dataset.from_texts(corpus, long, {"q": {"Ann/e 0": 1}, "r": {"Ann/e 0": 1, "Person 1": 1}}, name="long")
    with fakes.Dify(corpus) as service:
        recall, notes = measure(f"dify:url={service.url}/v1,dataset=ds-1", on=extended)
        assert recall == 1.0 and notes["queries_cut_to_limit"] == 1
        assert max(len(b["query"]) for b in service.asked("/retrieve")) == 250
        recall, notes = measure(f"dify:url={service.url}/v1,dataset=ds-1,long_queries=skip", on=extended)
        assert recall == 0.5 and notes["queries_over_limit_skipped"] == 1 and notes["queries_not_asked"] == 1


def test_dify_keyword_mode_has_no_scores_and_is_ranked_by_position(fakes, keys, corpus, measure):
    with fakes.Dify(corpus) as service:
        recall, notes = measure(f"dify:url={service.url}/v1,dataset=ds-1,search_method=keyword_search")
    assert recall == 1.0 and notes["answers_without_scores"] == 10


def test_dify_may_send_more_records_than_asked_for(fakes, keys, corpus, measure):
    with fakes.Dify(corpus) as service:
        service.extra = 3
        recall, notes = measure(f"dify:url={service.url}/v1,dataset=ds-1,top_k=2")
    assert recall == 1.0 and notes["long_answers"] == 10


@pytest.mark.parametrize("metadata", ["null", "absent"])
def test_external_records_without_metadata_are_found_by_title_then_by_text(fakes, keys, corpus, measure, metadata):
    for titles in (True, False):
        with fakes.ExternalKnowledge(corpus, metadata=metadata, titles=titles) as service:
            recall, notes = measure(f"dify-external:url={service.url},knowledge=kb,top_k=2")
        assert recall == 1.0
        assert notes.get("records_with_null_metadata", 0) == (20 if metadata == "null" else 0)
        assert notes["documents_named_by"] == ("title (20 hits)" if titles else "text (20 hits)")


def test_external_threshold_gives_short_and_empty_answers(fakes, keys, corpus, measure, data):
    asked = Dataset.from_texts(
        corpus, {"q": "Who likes Apples?", "r": "Who likes nothing here?"}, {q: {"Ann/e 0": 1} for q in "qr"}, name="n"
    )
    with fakes.ExternalKnowledge(corpus) as service:
        recall, notes = measure(
            f"dify-external:url={service.url},knowledge=kb,score_threshold=0.9", on=asked, measures=("recall@2", "recall@5")
        )
    assert recall == 0.5
    assert notes["empty_answers"] == 1 and notes["short_answers"] == 1


def test_external_knowledge_that_is_not_there(fakes, keys, corpus, failed):
    with fakes.ExternalKnowledge(corpus) as service:
        assert "2001" in failed(f"dify-external:url={service.url},knowledge=other")


def test_ragflow_overrides_the_defaults_that_hide_the_embedding(fakes, keys, corpus, measure):
    with fakes.RAGFlow(corpus) as service:
        recall, notes = measure(f"ragflow:url={service.url},datasets=ds-1")
        body = service.asked("/retrieval")[0]
        assert body["similarity_threshold"] == 0.0 and body["vector_similarity_weight"] == 1.0 and body["top_k"] == 1024
        assert "RAGFlow's default is 0.2" in notes["settings_in_force"]
        recall, notes = measure(f"ragflow:url={service.url},datasets=ds-1,vector_weight=0.3,similarity_threshold=0.9")
        assert recall == 0.0 and notes["empty_answers"] == 10


def test_ragflow_reads_pages_of_at_most_100(fakes, keys, measure):
    docs = {f"d{i}": f"D{i} likes {'Figs' if i % 2 else 'Golf'} and T{i}." for i in range(250)}
    many = Dataset.from_texts(docs, {"q": "Who likes Golf?"}, {"q": {"d0": 1, "d248": 1}}, name="many")
    with fakes.RAGFlow(docs) as service:
        _, notes = measure(f"ragflow:url={service.url},datasets=ds-1", on=many, measures=("recall@2", "recall@225"))
        assert [(b["page"], b["page_size"]) for b in service.asked("/retrieval")] == [(1, 100), (2, 100), (3, 100)]
    assert notes["pages_read"] == 3 and "short_answers" not in notes


def test_ragflow_says_200_where_it_refuses(fakes, keys, corpus, failed):
    with fakes.RAGFlow(corpus) as service:
        assert "got code 102: You don't own the dataset other" in failed(f"ragflow:url={service.url},datasets=other")


def test_ragflow_takes_several_datasets(fakes, keys, corpus, measure):
    half = dict(list(corpus.items())[:5])
    with fakes.RAGFlow(half) as service:
        service.datasets["ds-2"] = {"name": "b", "docs": {}}
        for name, text in list(corpus.items())[5:]:
            service._add("ds-2", name, text, state="indexed")
        assert measure(f"ragflow:url={service.url},datasets=ds-1;ds-2")[0] == 1.0


@pytest.mark.parametrize("bare", [False, True])
def test_fastgpt_answers_in_both_shapes(fakes, keys, corpus, measure, bare):
    with fakes.FastGPT(corpus, dataset=FASTGPT_ID) as service:
        service.bare = bare
        recall, notes = measure(f"fastgpt:url={service.url},dataset={FASTGPT_ID}")
        body = service.asked("/searchTest")[0]
    assert recall == 1.0 and body["limit"] == 20000 and body["datasetSearchUsingExtensionQuery"] is False
    assert "1,536 values are cut" in notes["settings_in_force"]


def test_fastgpt_takes_the_score_of_the_last_step(fakes, keys, corpus, measure):
    with fakes.FastGPT(corpus, dataset=FASTGPT_ID) as service:
        recall, notes = measure(f"fastgpt:url={service.url},dataset={FASTGPT_ID},rerank_model=r", measures=("recall@2", "recall@10"))
    assert recall == 0.0  # the fake reranks the other way round
    assert notes["answers_out_of_order"] == 10


def test_fastgpt_budget_of_tokens_is_not_a_number_of_hits(fakes, keys, corpus, measure):
    with fakes.FastGPT(corpus, dataset=FASTGPT_ID) as service:  # six words a document
        recall, notes = measure(f"fastgpt:url={service.url},dataset={FASTGPT_ID},tokens=7")
    assert recall == 0.5 and notes["answers_ended_by_token_budget"] == 10
    assert "short_answers" not in notes and "budget of tokens" in notes["service"]


def test_taskingai_gives_at_most_20_hits(fakes, keys, measure):
    docs = {f"d{i}": f"D{i} likes {'Figs' if i % 2 else 'Golf'} and T{i}." for i in range(50)}
    many = Dataset.from_texts(docs, {"q": "Who likes Golf?"}, {"q": {"d0": 1, "d48": 1}}, name="many")
    with fakes.TaskingAI(docs) as service:
        _, notes = measure(f"taskingai:url={service.url},collection=ds-1", on=many, measures=("recall@2", "recall@40"))
        assert service.asked("/query")[0]["top_k"] == 20
        assert notes["hits_asked_for"] == 20
        with pytest.raises(RangeError, match="top_k must be in"):
            build(f"taskingai:url={service.url},collection=ds-1,top_k=21")


def test_equal_query_texts_are_asked_once(fakes, keys, corpus, measure):
    twice = Dataset.from_texts(
        corpus, {"a": "Who likes Apples?", "b": "Who likes Apples?"}, {q: {"Ann/e 0": 1} for q in "ab"}, name="twice"
    )
    with fakes.Dify(corpus) as service:
        assert measure(f"dify:url={service.url}/v1,dataset=ds-1", on=twice)[0] == 1.0
        assert len(service.asked("/retrieve")) == 1


def test_hits_of_other_documents_are_counted_and_listed(fakes, keys, corpus, measure):
    with fakes.Dify({"guide.pdf": "Stranger likes Apples, Boxing and Chess.", **corpus}) as service:
        recall, notes = measure(f"dify:url={service.url}/v1,dataset=ds-1,top_k=2")
        assert 0.5 < recall < 1 and notes["unknown_hits"] == 3 and notes["unknown_hits_such_as"] == "'guide.pdf'"


def test_a_service_that_names_no_document_is_refused_with_the_way_out(fakes, keys, corpus, failed, measure):
    with fakes.Dify({f"{name}.md": text + " More." for name, text in corpus.items()}) as service:
        message = failed(f"dify:url={service.url}/v1,dataset=ds-1")
        assert "none of" in message and "chunk_pattern" in message
        # What was answered is kept: another mapping needs no other question.
        recall, notes = measure(f"dify:url={service.url}/v1,dataset=ds-1,chunk_pattern=(.+)[.]md")
        assert recall == 1.0 and notes["answers_resumed"] == 10 and len(service.asked("/retrieve")) == 10


def test_more_chunks_than_documents_can_be_asked_for(fakes, keys, corpus, measure):
    with fakes.Dify(corpus, pieces=3) as service:
        measure(f"dify:url={service.url}/v1,dataset=ds-1,top_k=500")
        assert service.asked("/retrieve")[0]["retrieval_model"]["top_k"] == 500


def test_notes_become_sentences_of_the_report(fakes, keys, corpus, data):
    with fakes.Dify(corpus, fail_every=3) as service:
        row = evaluate(data, [f"dify:url={service.url}/v1,dataset=ds-1"], measures=["recall@2"]).rows[0]
    told = remarks(row)
    assert any("requests failed and were repeated" in s for s in told) and any("score threshold off" in s for s in told)
    assert all(s.startswith("Dify: ") for s in told)


def test_a_service_is_asked_again_unless_a_version_is_given(fakes, keys, corpus, measure):
    with fakes.Dify(corpus) as service:
        spec = f"dify:url={service.url}/v1,dataset=ds-1"
        for given, times in (("", 2), (",version=1", 1)):
            service.log.clear()
            measure(spec + given)
            measure(spec + given)
            assert len(service.asked("/retrieve")) == 10 * times


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        ("dify:dataset=a,key=dataset-secret", InvalidArgument, "NAME of an environment variable"),
        ("dify:dataset=a,key=NOT_SET_HERE", InvalidArgument, "export NOT_SET_HERE="),
        ("dify:", InvalidArgument, "either dataset=ID or upload=true"),
        ("dify:dataset=a,upload=true", InvalidArgument, "got both"),
        ("dify:dataset=a,search_method=semantic", UnknownName, "semantic_search"),
        ("dify:dataset=a,searchmethod=x", UnknownName, "search_method"),
        ("dify:dataset=a,score_threshold=2", RangeError, "score_threshold"),
        ("dify:dataset=a,rerank_model=m", InvalidArgument, "together"),
        ("dify:dataset=a,vector_weight=0.5", InvalidArgument, "hybrid_search"),
        ("dify:dataset=a,url=http://example.com/v1", InvalidArgument, "plain http"),
        ("dify:dataset=a,rank_by=x", UnknownName, "rank_by"),
        ("dify:dataset=a,chunk_pattern=x", InvalidArgument, "group"),
        ("dify:dataset=a,top_k=0", RangeError, "top_k"),
        ("dify:dataset=a,allow_http=maybe", InvalidArgument, "true or false"),
        ("dify-external:url=http://localhost:1", InvalidArgument, "knowledge must be given"),
        ("dify-external:knowledge=k", InvalidArgument, "url must be given"),
        ("ragflow:datasets=a,vector_weight=7", RangeError, "vector_weight"),
        ("fastgpt:dataset=xyz", InvalidArgument, "24 hexadecimal"),
        ("fastgpt:dataset=0123456789abcdef01234567,tokens=20001", RangeError, "tokens"),
        ("taskingai:upload=true", InvalidArgument, "embedding_model_id"),
    ],
)  # fmt: skip
def test_wrong_options_are_refused_before_anything_is_asked(keys, spec, error, words):
    with pytest.raises(error, match=words) as raised:
        build(spec)
    assert "dataset-secret" not in str(raised.value)
