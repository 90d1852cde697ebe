"""A chat model that reads the whole corpus in its prompt: no embedding at all, for corpora that fit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from limitlab._core.checks import real, whole
from limitlab._core.errors import RangeError, ServiceError, TooLarge
from limitlab._core.files import atomic_file, content_hash
from limitlab._core.home import home
from limitlab._core.progress import SILENT, Progress
from limitlab._core.texts import Texts
from limitlab.retrieval.remote.answers import count, field
from limitlab.retrieval.remote.connection import Connection, Home, text_option
from limitlab.retrieval.remote.journal import Journal
from limitlab.retrieval.remote.reading import SYSTEM, Reading, corpus_block, estimated_tokens, messages, read_answer
from limitlab.search import RelevantRanks, RelevantSet, SearchResult


class Reader:
    """Ranked lists by a model that is shown every document and asked for ids.

    Parameters
    ----------
    model, url, key
        Any OpenAI-compatible chat endpoint; the address ends before ``/chat/completions``. Default: OpenAI, key in OPENAI_API_KEY.
    budget
        Tokens a prompt may have, >= 1: what the model reads. Larger corpora are refused before anything is asked.
    most
        Documents asked for a query at most, >= 1.
    queries_per_prompt
        Queries that share a prompt, >= 1: the corpus is sent once for all of them.
    temperature
        >= 0; "none" leaves it out, for models that take none.
    price
        Of a million tokens, >= 0, prompts and answers alike; the cost is shown.
    connection
        concurrency, timeout, retries, allow_http: see ``Connection``.
    name, label
        How it is called and shown.

    Raises
    ------
    InvalidArgument
        No model, no address, no key.
    TooLarge
        A prompt is estimated to have more than ``budget`` tokens; nothing was asked.
    ServiceError
        The service refuses or fails.

    Notes
    -----
    Documents come in the order given; what the model does not name is not retrieved. [Weller2025] let a long-context model read
    all of LIMIT-small at once: ``queries_per_prompt=1000``. Prompts, answers and what was read out of them are kept in
    ``LIMITLAB_HOME/readings``; answers of a run that was killed are not asked for again.
    """

    family = "other"
    max_dim = None
    home: ClassVar[Home] = Home("https://api.openai.com/v1", "OPENAI_API_KEY")

    def __init__(
        self,
        *,
        model: str | None = None,
        url: str | None = None,
        key: str | None = None,
        budget: int = 100_000,
        most: int = 20,
        queries_per_prompt: int = 1,
        temperature: float | str = 0,
        price: float | None = None,
        concurrency: int = 4,
        timeout: float = 600.0,
        retries: int = 6,
        allow_http: bool = False,
        name: str | None = None,
        label: str | None = None,
    ) -> None:
        who = "reader"
        self.model = text_option(who, "model", model)
        self.budget = whole(who, "budget", budget, low=1)
        self.most = whole(who, "most", most, low=1)
        self.queries_per_prompt = whole(who, "queries_per_prompt", queries_per_prompt, low=1)
        self.temperature = None if temperature == "none" else real(who, "temperature", temperature, low=0.0)
        self.price = None if price is None else real(who, "price", price, low=0.0)
        self._client = Connection(url, key, concurrency, timeout, retries, allow_http).client(who, self.home)
        self.name = name or f"reader:{self.model}"
        self.label = label or name or f"{self.model} reading the corpus"
        self._groups: list[list[str]] | None = None

    def config(self, n_docs: int) -> dict[str, Any]:
        """Address, model, words of the task, how much is asked. Never a key."""
        return {
            "retriever": "reader",
            "url": self._client.url,
            "model": self.model,
            "task": SYSTEM,
            "most": self.most,
            "queries_per_prompt": self.queries_per_prompt,
            "temperature": self.temperature,
        }

    def index(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> dict[str, Any]:
        """Write the prompts, and refuse what does not fit; nothing is asked yet."""
        self._block = self._corpus(docs)
        step = self.queries_per_prompt
        groups = [[queries[i] for i in range(at, min(at + step, len(queries)))] for at in range(0, len(queries), step)]
        rest = max(estimated_tokens(*(m["content"] for m in messages("", group, self.most))) for group in groups)
        largest = estimated_tokens(self._block) + rest
        if largest > self.budget:
            raise TooLarge(
                f"reader: a prompt must have at most budget={self.budget:,} tokens; one has about {largest:,}, with {min(step, len(queries)):,} "
                "queries. Pass a smaller queries_per_prompt=, or a larger budget= if the model reads more."
            )
        self._groups = groups
        self._positions = {doc_id: j for j, doc_id in enumerate(docs.ids)}
        self._ids = list(docs.ids)
        return {"cost": {}, "notes": {"prompts": len(groups), "budget_tokens": self.budget, "largest_prompt_tokens_estimated": largest}}

    def search(
        self, *, k: int, places: np.ndarray, relevant: RelevantSet, dim: int | None = None, progress: Progress = SILENT
    ) -> SearchResult:
        """Ask every prompt that was not answered yet; lists end where the model ended them."""
        if self._groups is None:
            raise RangeError("reader: index() must be called before search().")
        journal = Journal({**self.config(0), "service": "reader"})
        finished = False
        try:
            with progress.task(f"{self.label}: prompts", len(self._groups)) as bar:
                answers = self._client.ordered(lambda g: self._answer(g, journal), self._groups, done=lambda number: bar.advance(1))
            readings = [read_answer(a["text"], len(group), self._positions) for a, group in zip(answers, self._groups)]
            notes = self._notes(answers, readings)  # the transcript is on disk before the journal goes
            finished = True
        finally:
            journal.close(finished=finished)
        indices = np.full((sum(map(len, self._groups)), k), -1, np.int64)
        scores = np.full(indices.shape, -np.inf, np.float32)
        for i, listed in enumerate(docs for reading in readings for docs in reading.lists):
            kept = listed[: min(k, self.most)]
            indices[i, : len(kept)] = kept
            scores[i, : len(kept)] = np.arange(len(kept), 0, -1)
        return SearchResult(indices, scores, RelevantRanks.from_lists(relevant, indices, scores, places), notes)

    def predict(self, measure: str, cut: int, **_: Any) -> float | None:
        """No closed form."""
        return None

    def _corpus(self, docs: Texts) -> str:
        """The documents as the prompt holds them; a corpus far above the budget is refused before it is put together."""
        size = 0
        for n, text in enumerate(docs, 1):
            size += len(text.encode("utf-8", "replace"))
            if size > 16 * self.budget:  # no tokeniser makes that fit
                raise TooLarge(
                    f"reader: the corpus must fit into budget={self.budget:,} tokens; the first {n:,} of {len(docs):,} documents have {size:,} bytes "
                    "already. Evaluate a smaller set, or let a retriever choose first: rerank(bm25)."
                )
        corpus = corpus_block(docs)
        tokens = estimated_tokens(corpus)
        if tokens > self.budget:
            raise TooLarge(
                f"reader: the corpus must fit into budget={self.budget:,} tokens; its {len(docs):,} documents have about {tokens:,}. "
                "Pass a larger budget= if the model reads more, or evaluate a smaller set."
            )
        return corpus

    def _answer(self, group: list[str], journal: Journal) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self.model, "messages": messages(self._block, group, self.most)}
        if self.temperature is not None:
            body["temperature"] = self.temperature
        known = journal.get(body)
        if known is None:
            known = _text_of(self._client.post("chat/completions", body))
            journal.put(body, known)
        return known

    def _notes(self, answers: Sequence[dict[str, Any]], readings: Sequence[Reading]) -> dict[str, Any]:
        tokens = [a["tokens"] for a in answers if a["tokens"] is not None]
        notes: dict[str, Any] = {
            "unknown_ids": sum(r.unknown for r in readings),
            "queries_unanswered": sum(r.unanswered for r in readings),
            "answers_not_json": sum(not r.as_json for r in readings),
            "answers_cut": sum(a["cut"] for a in answers),
            "transcript": self._transcript(answers, readings),
        }
        if tokens:
            notes["tokens_sent"] = sum(tokens)
            if self.price is not None:
                notes |= {"price_of_a_million_tokens": self.price, "tokens_cost": round(sum(tokens) * self.price / 1e6, 6)}
        return notes

    def _transcript(self, answers: Sequence[dict[str, Any]], readings: Sequence[Reading]) -> str:
        """Write the corpus as shown, then queries, answer and ids of every prompt, one JSON object a line; named by its content."""
        assert self._groups is not None
        lines: list[dict[str, Any]] = [{"config": self.config(0), "budget_tokens": self.budget, "corpus": self._block}]
        for group, answer, reading in zip(self._groups, answers, readings):
            ids = [[self._ids[j] for j in listed] for listed in reading.lists]
            lines.append({"queries": group, "answer": answer["text"], "ids": ids})
        name = content_hash(lines, length=24)
        with atomic_file(home() / "readings" / f"{name}.jsonl") as out:
            for line in lines:
                out.write(json.dumps(line).encode() + b"\n")
        return name


def _text_of(answer: Any) -> dict[str, Any]:
    """The words of the first choice, whether they were cut off, and tokens where the service counts them."""
    choices = field("reader", answer, "choices")
    if not isinstance(choices, list) or not choices:
        raise ServiceError("reader: the answer must hold at least one choice; got none.")
    message = field("reader", choices[0], "message")
    content = message.get("content") if isinstance(message, dict) else None
    return {
        "text": content if isinstance(content, str) else "",
        "cut": choices[0].get("finish_reason") == "length",
        "tokens": count(answer, "usage", "total_tokens"),
    }
