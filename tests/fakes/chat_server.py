"""``POST /v1/chat/completions`` of OpenAI-compatible servers, with a model that really looks.

The body is checked against the published CreateChatCompletionRequest (model and messages needed; temperature, top_p, n, stream,
stop, max_tokens, max_completion_tokens, seed, user, response_format known); the prompt may have at most ``context`` tokens. The
"model" reads the corpus in the prompt and lists documents that hold what follows "Who likes" in a query.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from fakes.http_service import Faults, HttpService, Refused, check_fields

_MAY = {
    "temperature": (int, float), "top_p": (int, float), "n": int, "stream": bool, "stop": (str, list), "max_tokens": int,
    "max_completion_tokens": int, "seed": int, "user": str, "response_format": dict,
}  # fmt: skip


class FakeChat(HttpService):
    """``say`` turns ``{number of the query: [ids]}`` into the words of the answer; default: the JSON asked for."""

    def __init__(
        self,
        *,
        key: str | None = None,
        model: str = "long-reader",
        context: int = 1_000_000,
        say: Callable[[dict[int, list[str]]], str] | None = None,
        faults: Faults | None = None,
    ) -> None:
        self._key, self._model, self._context = key, model, context
        self._say = say or (lambda found: json.dumps({str(q): ids for q, ids in found.items()}))
        super().__init__(faults)

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> Any:
        if (method, path) != ("POST", "/v1/chat/completions"):
            raise self._no(404, f"no route {path}")
        if self._key is not None and headers.get("authorization") != f"Bearer {self._key}":
            raise self._no(401, f"Incorrect API key provided: {headers.get('authorization')}.")
        wrong = check_fields(body, needed={"model": str, "messages": list}, may=_MAY)
        roles = [] if wrong else [m.get("role") for m in body["messages"] if set(m) == {"role", "content"}]
        if wrong or roles != ["system", "user"]:
            raise self._no(400, wrong or "messages")
        if body["model"] != self._model:
            raise self._no(404, f"The model `{body['model']}` does not exist.")
        prompt = body["messages"][1]["content"]
        used = sum(len(m["content"]) for m in body["messages"]) // 4
        if used > self._context:
            raise self._no(
                400, f"This model's maximum context length is {self._context} tokens. However, your messages resulted in {used} tokens."
            )
        text = self._say(_found(prompt))
        return {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": self._model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", "logprobs": None}],
            "usage": {"prompt_tokens": used, "completion_tokens": len(text) // 4, "total_tokens": used + len(text) // 4},
        }  # fmt: skip

    def _no(self, status: int, message: str) -> Refused:
        return Refused(status, {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}})


def _found(prompt: str) -> dict[int, list[str]]:
    """For every numbered query of the prompt, ids of documents that hold the thing asked for, in the order of the corpus."""
    corpus, _, asked = prompt.removeprefix("Corpus:\n").partition("\n\nQueries:\n")
    docs = [json.loads(line) for line in corpus.splitlines()]
    out = {}
    for line in asked.splitlines():
        number, _, query = line.partition(". ")
        thing = json.loads(query).removeprefix("Who likes ").rstrip("?")
        holds = re.compile(rf"(?:likes |, | and ){re.escape(thing)}(?:,|\.| and )")
        out[int(number)] = [d["id"] for d in docs if holds.search(d["text"])]
    return out
