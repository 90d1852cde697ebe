"""The generic connector: paths, checked files, values filled in safely, pages, and its errors."""

from __future__ import annotations

import json

import pytest

from limitlab._core.errors import DataError, InvalidArgument
from limitlab.evaluation import evaluate
from limitlab.retrieval import build
from limitlab.retrieval.platforms.connector_file import filled_in, read_connector
from limitlab.retrieval.platforms.json_path import first, parse_path, values

ANSWER = {"hits": {"hits": [{"_source": {"a.b": 1}, "n": [5, 6]}, {"n": [7]}]}, "items": {"hits": "none"}}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.hits.hits[0].n[1]", [6]),
        ("hits.hits[*].n[0]", [5, 7]),
        ("hits.hits[*].n[*]", [5, 6, 7]),
        ('hits.hits[0]._source["a.b"]', [1]),
        ("hits.hits[-1].n", [[7]]),
        ("hits.absent[0]", []),
        ("hits.hits[9]", []),
        ("items.hits[*]", []),
        ("", [ANSWER]),
    ],
)
def test_paths(path, found):
    assert values(ANSWER, parse_path(path)) == found
    assert first(ANSWER, parse_path(path)) == (found[0] if found else None)


@pytest.mark.parametrize("path", ["a..b", "a[", "a[x]", "a b", "a]", ".", "a[0]b"])
def test_wrong_paths(path):
    with pytest.raises(InvalidArgument, match="expected"):
        parse_path(path)


def test_values_are_filled_into_the_structure_and_never_into_its_text():
    nasty = '"}, "size": 1000, {"{{top_k}}'
    made = filled_in(
        {"q": "{{query}}", "n": "{{ top_k }}", "text": "about {{query}}!", "deep": [{"size": "{{top_k}}"}], "flag": True},
        {"query": nasty, "top_k": 7},
    )
    assert made == {"q": nasty, "n": 7, "text": f"about {nasty}!", "deep": [{"size": 7}], "flag": True}


def connector(host, **changed):
    base = {
        "name": "our search", "url": f"{host}/find", "headers": {"Authorization": "Bearer ${MY_KEY}"},
        "body": {"query": {"match": {"text": "{{query}}"}}, "size": "{{page_size}}", "from": "{{offset}}"},
        "pages": {"size": 10}, "results": {"list": "hits.hits", "id": ["_source.doc"], "score": "_score", "text": "_source.text"},
    }  # fmt: skip
    return {name: value for name, value in {**base, **changed}.items() if value is not None}


def written(tmp_path, content):
    path = tmp_path / "connector.json"
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return path


def test_a_service_in_pages(fakes, keys, tmp_path, corpus, data):
    with fakes.Elastic(corpus, fail_every=3) as service:
        path = written(tmp_path, connector(service.url))
        row = evaluate(data, [f"json:config={path}"], measures=["recall@2"]).rows[0]
        assert row.name == "json:our search" and row.label == "our search"
        assert row.measures["recall@2"].mean == 1.0
        assert {(b["size"], b.get("from")) for b in service.asked("/find")} == {(10, 0), (10, 10)}
        assert keys not in json.dumps(row.to_dict(), default=str)


def test_a_service_with_get_distances_and_text_only(fakes, keys, tmp_path, corpus, measure):
    with fakes.Elastic(corpus, distances=True) as service:
        changed = {
            "method": "GET",
            "body": None,
            "pages": None,
            "parameters": {"q": "{{query}}", "n": "{{top_k}}"},
            "limits": {"top_k": 10},
            "scores": "lower",
        }
        path = written(
            tmp_path, connector(service.url, results={"list": "hits.hits[*]", "score": "_score", "text": "_source.text"}, **changed)
        )
        recall, notes = measure(f"json:config={path}")
        assert recall == 1.0 and "lower is better" in notes["service"] and notes["documents_named_by"].startswith("text")


def test_services_that_say_200_to_everything(fakes, keys, tmp_path, corpus, data):
    with fakes.Elastic(corpus, status=True) as service:
        path = written(tmp_path, connector(service.url, success={"path": "ok", "value": True}))
        assert "our search must answer with True as its success; got False" in evaluate(data, [f"json:config={path}"]).rows[0].message
        path = written(tmp_path, connector(service.url, results={"list": "data", "id": "id"}))
        assert "must hold a list where results.list says" in evaluate(data, [f"json:config={path}"]).rows[0].message


@pytest.mark.parametrize(
    ("changed", "line", "words"),
    [
        ({"url": None}, None, "url is missing"),
        ({"url": "localhost"}, 3, "must begin with http"),
        ({"method": "PUT"}, None, "must be GET or POST; got 'PUT'"),
        ({"headers": {"Authorization": "Bearer sk-in-the-file"}}, 5, "from the environment"),
        ({"headers": {"X-Auth-Token": "sk-in-the-file"}}, 5, "headers.X-Auth-Token must take its key from the environment"),
        ({"headers": {"Ocp-Apim-Subscription-Key": "sk-in-the-file"}}, 5, "from the environment"),
        ({"parameters": {"api_key": "sk-in-the-file"}}, 28, "parameters.api_key must not be written out"),
        ({"body": {"q": "{{query}}", "o": {"auth": {"user": "sk-in-the-file"}}}}, 11, "body.o.auth.user must not be written out"),
        ({"body": {"q": "{{query}}", "passwords": ["sk-in-the-file"]}}, 9, "must not be written out"),
        ({"body": {"q": "{{query}}", "accessToken": 123456789}}, 9, "must not be written out"),
        ({"url": "http://localhost:1/search?token=sk-in-the-file"}, 3, "url must end before any '?' or '#'"),
        ({"body": {"q": "x", "from": "{{offset}}"}}, 7, "must hold {{query}}"),
        ({"body": {"q": "{{query}} {{size}}", "o": "{{offset}}"}}, 7, "holds {{size}}"),
        ({"body": {"q": "{{query}}", "key": "${MY_KEY}"}}, 7, "keys go into headers"),
        ({"body": {"q": "{{query}}"}}, None, "pages must come with"),
        ({"pages": None}, 7, "pages must say their size"),
        ({"pages": {"size": 0}}, None, "at least 1; got 0"),
        ({"results": {"list": "a..b", "id": "id"}}, None, "results.list names"),
        ({"results": {"list": "hits", "score": "s"}}, None, "must hold id, or text"),
        ({"result": {}}, None, "result is not known"),
        ({"results": {"lists": "hits", "id": "x"}}, None, "results.lists is not known"),
        ({"scores": "up"}, None, "must be higher or lower"),
        ({"limits": {"top_k": "ten"}}, None, "a whole number; got 'ten'"),
        ({"success": {"path": "ok"}}, None, "must hold path and value"),
    ],
)
def test_wrong_files_are_refused_with_their_line(tmp_path, changed, line, words):
    path = written(tmp_path, connector("http://localhost:1", **changed))
    with pytest.raises(DataError) as raised:
        read_connector(path)
    assert words in str(raised.value) and "sk-in-the-file" not in str(raised.value)
    assert str(raised.value).startswith(f"{path}:{line}: " if line else str(path))


def test_names_that_only_look_like_those_of_keys_are_taken(tmp_path):
    body = {"keywords": "fixed", "author": "x", "tokenizer": "y", "max_tokens": 512, "token_limit": 100, "key": True, "auth": None}
    body |= {"q": "{{query}}", "token": "{{query}}", "from": "{{offset}}"}
    assert read_connector(written(tmp_path, connector("http://localhost:1", body=body, headers={"X-Key": "${MY_KEY}"}))).body == body


@pytest.mark.parametrize("spec", ["dify:url=http://localhost:1/v1?token=sk-1,dataset=x", "qdrant:url=http://localhost:1?token=sk-1"])
def test_addresses_with_a_query_are_refused_everywhere(keys, spec):
    from limitlab.retrieval.stores import store_of

    with pytest.raises(InvalidArgument, match="the address must end before any") as error:
        store_of(spec) if spec.startswith("qdrant") else build(spec)
    assert "sk-1" not in str(error.value)


def test_files_that_are_not_there_or_not_json(tmp_path):
    with pytest.raises(InvalidArgument, match="config must be given"):
        build("json:")
    with pytest.raises(DataError, match="cannot be read"):
        build(f"json:config={tmp_path / 'absent.json'}")
    (tmp_path / "x.json").write_text("{\n oops}")
    with pytest.raises(DataError, match=r"x.json:2: not valid JSON"):
        build(f"json:config={tmp_path / 'x.json'}")
