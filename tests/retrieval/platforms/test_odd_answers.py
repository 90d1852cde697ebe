"""Answers of any shape: a row without numbers and a sentence, never a crash, never numbers from garbage."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import LimitlabError
from limitlab._core.texts import TextList
from limitlab.retrieval import build
from limitlab.search import RelevantSet, tie_order

FASTGPT_ID = "0123456789abcdef01234567"
SPECS = {
    "dify": ["dify:url={url},dataset=a", "dify:url={url},upload=true,poll_seconds=0,wait=0"],
    "ragflow": ["ragflow:url={url},datasets=a", "ragflow:url={url},upload=true,poll_seconds=0,wait=0"],
    "fastgpt": [f"fastgpt:url={{url}},dataset={FASTGPT_ID}", "fastgpt:url={url},upload=true,poll_seconds=0,wait=0"],
    "taskingai": ["taskingai:url={url},collection=a", "taskingai:url={url},upload=true,embedding_model_id=abcdefgh,poll_seconds=0,wait=0"],
    "dify-external": ["dify-external:url={url},knowledge=kb"],
}
INNER = [
    None,
    1,
    "x",
    [1],
    [[]],
    {},
    [{}],
    {"records": 1},
    {"chunks": [1]},
    {"chunks": [{"similarity": "high"}]},
    {"list": [1]},
    {"list": [{"score": [1, {}]}]},
]
ANSWERS = [
    None, [], 1, "text", {}, [1], {"records": None}, {"records": [1]}, {"records": [{}]}, {"records": [{"segment": 1}]},
    {"records": [{"segment": {"document": 5}, "score": "x"}]}, {"records": [{"content": 4, "score": True, "metadata": 7}]},
    {"records": [{"segment": {"document": {"name": ["a"]}}, "score": None}]},
    *({"code": code, "status": "success", "data": inner, "has_more": False} for code in (0, 200) for inner in INNER),
]  # fmt: skip


@pytest.mark.parametrize("name", SPECS)
def test_no_answer_of_any_shape_crashes_or_becomes_a_number(fakes, keys, data, name):
    class Odd(fakes.Service):
        said = None

        def answer(self, method, path, query, body):
            return 200, self.said

    places = tie_order(data.docs.ids)
    relevant = RelevantSet(np.array([0, 1]), np.array([0]))
    with Odd() as service:
        for spec in SPECS[name]:
            retriever = build(spec.format(url=service.url) + ",retries=0")
            for service.said in ANSWERS:
                try:
                    made = retriever.index(data.docs, TextList(["q"], ["Who likes Figs?"]))
                    found = retriever.search(k=5, places=places, relevant=relevant)
                except LimitlabError as error:
                    assert str(error).startswith(f"{name}: "), service.said
                else:  # an answer without any hit
                    assert (found.indices == -1).all() and made["notes"]["empty_answers"] == 1, service.said
