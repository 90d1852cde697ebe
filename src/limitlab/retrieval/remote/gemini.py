"""Gemini embeddings: ``POST /models/MODEL:batchEmbedContents`` with a task type for queries and one for documents."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import quote

from limitlab.retrieval.remote.answers import count, field, vectors
from limitlab.retrieval.remote.connection import Home, text_option
from limitlab.retrieval.remote.dense import Embedded, ServedDense

_TOKEN_LIMITS = {"gemini-embedding-001": 2048}


class Gemini(ServedDense):
    """Embeddings by the Gemini API.

    Parameters
    ----------
    model
        Default: gemini-embedding-001. The key is in GEMINI_API_KEY.
    query_task, document_task
        Task types; "none" leaves them out, for models that take the task from the prompt instead.
    options
        See ``ServedDense``. At most 100 texts go into a request.

    Notes
    -----
    The service cuts texts longer than the model reads without saying so: the notes state the limit where it is known.
    """

    service = "gemini"
    home: ClassVar[Home] = Home("https://generativelanguage.googleapis.com/v1beta", "GEMINI_API_KEY", "x-goog-api-key", "")
    most_texts = 100

    def __init__(
        self,
        *,
        model: str = "gemini-embedding-001",
        query_task: str = "RETRIEVAL_QUERY",
        document_task: str = "RETRIEVAL_DOCUMENT",
        **options: Any,
    ) -> None:
        self._tasks = {"query": str(query_task), "document": str(document_task)}
        super().__init__(model=text_option(self.service, "model", model).removeprefix("models/"), **options)

    def _identity(self, kind: str) -> dict[str, Any]:
        return {"task": self._tasks[kind]}

    def _limits(self) -> tuple[int, int]:
        texts, size = super()._limits()
        return min(texts, self.most_texts), size

    def _said(self) -> dict[str, Any]:
        limit = _TOKEN_LIMITS.get(self.model)
        return {"server_cuts_long_texts": f"at {limit:,} tokens" if limit else "at a limit it does not state"}

    def _ask(self, texts: list[str], kind: str) -> Embedded:
        options: dict[str, Any] = {"model": f"models/{self.model}"}
        if self._tasks[kind] != "none":
            options["taskType"] = self._tasks[kind]
        if self.dimensions is not None:
            options["outputDimensionality"] = self.dimensions
        requests = [{**options, "content": {"parts": [{"text": text}]}} for text in texts]
        answer = self._client.post(f"models/{quote(self.model, safe='')}:batchEmbedContents", {"requests": requests})
        listed = field(self.service, answer, "embeddings")
        rows = [item.get("values") if isinstance(item, dict) else None for item in listed] if isinstance(listed, list) else listed
        return Embedded(vectors(self.service, rows, len(texts)), count(answer, "usageMetadata", "promptTokenCount"))
