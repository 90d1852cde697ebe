"""A chat model that reads the corpus: what it is shown, how its answers are read, budgets, resumption, records."""

from __future__ import annotations

import json

import numpy as np
import pytest

import limitlab as ll
from fakes.chat_server import FakeChat
from fakes.http_service import Faults, Refused
from limitlab._core.errors import InvalidArgument, RangeError, ServiceError, TooLarge
from limitlab._core.texts import TextList
from limitlab.evaluation.remarks import remarks
from limitlab.retrieval import build
from limitlab.retrieval.remote.http import Client
from limitlab.retrieval.remote.reading import corpus_block, messages, read_answer
from limitlab.search import RelevantSet, tie_order

DOCS = TextList(["d1", "d12", "Ann Lee"], ["d1 likes apples and pears.", "d12 likes plums and apples.", 'Ann likes "nuts" and figs.'])
QUERIES = TextList(["a", "b", "c"], ["Who likes apples?", "Who likes figs?", "Who likes stones?"])
PLACES = tie_order(DOCS.ids, "trec")
RELEVANT = RelevantSet(np.array([0, 2, 3, 4]), np.array([0, 1, 2, 0]))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(Client, "_wait", lambda self, attempt, asked: 0.0)


def found(service, **options):
    spec = f"reader:model=long-reader,url={service.url}/v1" + "".join(f",{k}={v}" for k, v in options.items())
    reader = build(spec)
    notes = reader.index(DOCS, QUERIES)["notes"]
    result = reader.search(k=5, places=PLACES, relevant=RELEVANT)
    return result, {**notes, **result.notes}


@pytest.mark.parametrize("together", [1, 2, 1000])
def test_lists_are_those_the_model_gives_and_what_it_does_not_name_is_not_retrieved(together):
    with FakeChat() as service:
        result, notes = found(service, queries_per_prompt=together, price=3)
        assert [row[row >= 0].tolist() for row in result.indices] == [[0, 1], [2], []]
        assert result.ranks.by_id().tolist() == [1, 2, 1, 0]
        assert notes["prompts"] == len(service.answered) == -(-3 // together)
        assert all(body["temperature"] == 0 and body["model"] == "long-reader" for _, body in service.answered)
        assert notes["unknown_ids"] == notes["queries_unanswered"] == notes["answers_not_json"] == 0
        assert notes["tokens_sent"] > 0 and notes["tokens_cost"] == pytest.approx(notes["tokens_sent"] * 3e-6, abs=1e-6)


def test_the_whole_of_limit_small_in_one_prompt_as_the_paper_has_it():
    data = ll.make_limit(small=True)
    with FakeChat() as service:
        spec = f"reader:model=long-reader,url={service.url}/v1,queries_per_prompt=1000,budget=200000"
        row = ll.evaluate(data, [spec]).rows[0]
        assert row.measures["recall@2"].mean == 1.0 and row.family == "other"
        assert len(service.answered) == 1
        ll.evaluate(data, [spec])  # from the ledger
        assert len(service.answered) == 1


def test_a_corpus_that_does_not_fit_is_refused_before_anything_is_asked():
    with FakeChat() as service:
        for options, message in (
            ({"budget": 20}, r"corpus must fit into budget=20 tokens.*about \d+"),
            ({"budget": 100, "queries_per_prompt": 3}, r"at most budget=100 tokens.*3 queries.*smaller queries_per_prompt="),
        ):
            with pytest.raises(TooLarge, match=message):
                found(service, **options)
        with pytest.raises(TooLarge, match=r"the first \d+ of 100 documents have [\d,]+ bytes already"):
            build(f"reader:model=m,url={service.url}/v1,budget=10").index(
                TextList([str(i) for i in range(100)], ["long " * 10] * 100), QUERIES
            )
        row = ll.evaluate(ll.make_limit(small=True), [f"reader:model=long-reader,url={service.url}/v1,budget=500"]).rows[0]
        assert row.status.key == "failed" and "budget=500" in row.message
        assert not service.answered and not service.refused


def test_the_prompt_holds_every_document_with_its_id_and_can_be_read_back():
    system, user = messages(corpus_block(DOCS), list(QUERIES), 7)
    lines = user["content"].removeprefix("Corpus:\n").split("\n\nQueries:\n")
    assert [json.loads(line) for line in lines[0].splitlines()] == [{"id": i, "text": t} for i, t in zip(DOCS.ids, DOCS)]
    assert lines[1].splitlines()[1] == '2. "Who likes figs?"'
    assert "at most 7" in system["content"]


POSITIONS = {"d1": 0, "d12": 1, "Ann Lee": 2, "7": 3}


@pytest.mark.parametrize(
    ("answer", "n", "lists", "unknown", "unanswered", "as_json"),
    [
        ('{"1": ["d12", "d1"]}', 1, [(1, 0)], 0, 0, True),
        ('["d12", "d1", "d12"]', 1, [(1, 0)], 0, 0, True),
        ("[7]", 1, [(3,)], 0, 0, True),
        ('Sure!\n```json\n{"1": ["d1"], "2": ["nobody", "Ann Lee"]}\n```', 2, [(0,), (2,)], 1, 0, True),
        ('{"ids": ["d1"]}', 1, [(0,)], 0, 0, True),
        ('{"2": []}', 2, [(), ()], 0, 1, True),
        ('{"1": []}', 1, [()], 0, 0, True),
        ("The best is d12, then Ann Lee. d1? Yes.", 1, [(1, 2, 0)], 0, 0, False),
        ("1: d12\n2) Ann Lee and d1\nQuery 3: none", 3, [(1,), (2, 0), ()], 0, 1, False),
        ("I do not know.", 1, [()], 0, 1, False),
        ("", 2, [(), ()], 0, 2, False),
        ('{"1": ["d1"', 1, [(0,)], 0, 0, False),
        ('As [1] says: {"1": ["d12"]}', 1, [(1,)], 0, 0, True),
        ('<think>["d1"] or {"1": ["d1"]}?</think>{"1": ["d12"]}', 1, [(1,)], 0, 0, True),
        ('["ghost"]', 1, [()], 1, 0, True),
    ],
)
def test_answers_are_read_as_json_or_as_text(answer, n, lists, unknown, unanswered, as_json):
    made = read_answer(answer, n, POSITIONS)
    assert (list(made.lists), made.unknown, made.unanswered, made.as_json) == (lists, unknown, unanswered, as_json)


def test_answers_that_are_not_as_asked_are_counted_and_told():
    with FakeChat(say=lambda found: "; ".join(f"{i}" for ids in found.values() for i in [*ids, "ghost"])) as service:
        result, notes = found(service)
        assert [row[row >= 0].tolist() for row in result.indices] == [[0, 1], [2], []]
        assert (notes["answers_not_json"], notes["queries_unanswered"]) == (3, 1)
    with FakeChat(say=lambda found: json.dumps({q: [*ids, "ghost"] for q, ids in found.items()})) as service:
        _, notes = found(service)
        assert notes["unknown_ids"] == 3
        data = ll.Dataset.from_texts(dict(zip(DOCS.ids, DOCS)), dict(zip(QUERIES.ids, QUERIES)), {q: {"d1": 1} for q in QUERIES.ids})
        row = ll.evaluate(data, [f"reader:model=long-reader,url={service.url}/v1"]).rows[0]
        assert any("3 ids named are not in the corpus" in s for s in remarks(row))


def test_answers_cut_off_or_empty_are_counted():
    class Cut(FakeChat):
        def answer(self, *request):
            made = super().answer(*request)
            made["choices"][0] |= {"finish_reason": "length", "message": {"role": "assistant", "content": None}}
            return made

    with Cut() as service:
        result, notes = found(service)
        assert (result.indices == -1).all() and notes["answers_cut"] == notes["queries_unanswered"] == 3


def test_prompts_answers_and_lists_are_recorded(home):
    with FakeChat() as service:
        _, notes = found(service, queries_per_prompt=2)
        lines = [json.loads(line) for line in (home / "readings" / f"{notes['transcript']}.jsonl").read_text().splitlines()]
        sent = [body["messages"] for _, body in service.answered]
        assert sorted(map(str, (messages(lines[0]["corpus"], line["queries"], 20) for line in lines[1:]))) == sorted(map(str, sent))
        assert [line["ids"] for line in lines[1:]] == [[["d1", "d12"], ["Ann Lee"]], [[]]]
        assert lines[0]["budget_tokens"] == 100_000 and json.loads(lines[1]["answer"]) == {"1": ["d1", "d12"], "2": ["Ann Lee"]}


def test_a_service_that_fails_loses_nothing_and_a_stopped_run_asks_for_the_rest_only():
    with FakeChat() as clean:
        expected, _ = found(clean)
    with FakeChat(faults=Faults(every=3, stall=2)) as faulty:
        result, _ = found(faulty, timeout=0.5)
        assert (result.indices == expected.indices).all() and faulty._failed >= 1

    class Dies(FakeChat):
        revived = False

        def answer(self, *request):
            if len(self.answered) == 2 and not self.revived:
                raise Refused(402, {"error": {"message": "quota"}})
            return super().answer(*request)

    with Dies() as service:
        with pytest.raises(ServiceError, match="402"):
            found(service, concurrency=1)
        service.revived = True
        result, _ = found(service, concurrency=1)
        assert len(service.answered) == 3 and (result.indices == expected.indices).all()


def test_models_without_a_temperature_and_with_a_key(monkeypatch):
    monkeypatch.setenv("CHAT_KEY", "ck-right")
    with FakeChat(key="ck-right") as service:
        found(service, temperature="none", key="CHAT_KEY", most=1)
        assert all("temperature" not in body for _, body in service.answered)
    with FakeChat(key="ck-other") as service, pytest.raises(ServiceError) as error:
        found(service, key="CHAT_KEY")
    assert "ck-right" not in str(error.value) and "***" in str(error.value)
    with FakeChat(context=10) as service, pytest.raises(ServiceError, match="maximum context length is 10 tokens"):
        found(service)


def test_wrong_options_and_answers_are_refused():
    for spec, kind, message in (
        ("reader:url=http://localhost:1", InvalidArgument, "model must be given"),
        ("reader:model=m,url=http://localhost:1,budget=0", RangeError, "budget must be"),
        ("reader:model=m,url=http://localhost:1,temperature=hot", RangeError, "temperature must be"),
        ("reader:model=m,url=http://localhost:1,queries_per_prompt=0", RangeError, "queries_per_prompt must be"),
    ):
        with pytest.raises(kind, match=message):
            build(spec)
    with pytest.raises(RangeError, match=r"index\(\) must be called before search"):
        build("reader:model=m,url=http://localhost:1").search(k=1, places=PLACES, relevant=RELEVANT)

    class Empty(FakeChat):
        def answer(self, *request):
            return {**super().answer(*request), "choices": []}

    with Empty() as service, pytest.raises(ServiceError, match="at least one choice"):
        found(service)
