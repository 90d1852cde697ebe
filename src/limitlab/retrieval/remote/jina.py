"""Jina embeddings: ``POST /v1/embeddings`` with a task for queries and one for documents."""

from __future__ import annotations

from typing import Any, ClassVar

from limitlab.retrieval.remote.answers import by_index, count, field, vectors
from limitlab.retrieval.remote.connection import Home, text_option
from limitlab.retrieval.remote.dense import Embedded, ServedDense
from limitlab.retrieval.remote.switches import flag


class Jina(ServedDense):
    """Embeddings by Jina.

    Parameters
    ----------
    model
        Default: jina-embeddings-v3. The key is in JINA_API_KEY.
    query_task, document_task
        The task sent with the texts; "none" leaves it out, for models without tasks.
    truncate
        Let the service cut texts longer than the model reads. Off: it refuses them.
    options
        See ``ServedDense``.
    """

    service = "jina"
    home: ClassVar[Home] = Home("https://api.jina.ai/v1", "JINA_API_KEY")
    most_texts = 128

    def __init__(
        self,
        *,
        model: str = "jina-embeddings-v3",
        query_task: str = "retrieval.query",
        document_task: str = "retrieval.passage",
        truncate: bool = False,
        **options: Any,
    ) -> None:
        self._tasks = {"query": str(query_task), "document": str(document_task)}
        self._truncate = flag(self.service, "truncate", truncate)
        super().__init__(model=text_option(self.service, "model", model), **options)

    def _identity(self, kind: str) -> dict[str, Any]:
        return {"task": self._tasks[kind], "truncate": self._truncate}

    def _said(self) -> dict[str, Any]:
        return {"server_cuts_long_texts": "truncate=true"} if self._truncate else {}

    def _ask(self, texts: list[str], kind: str) -> Embedded:
        body: dict[str, Any] = {"model": self.model, "input": texts, "embedding_type": "float", "truncate": self._truncate}
        if self._tasks[kind] != "none":
            body["task"] = self._tasks[kind]
        if self.dimensions is not None:
            body["dimensions"] = self.dimensions
        answer = self._client.post("embeddings", body)
        rows = by_index(self.service, field(self.service, answer, "data"), len(texts), "embedding")
        return Embedded(vectors(self.service, rows, len(texts)), count(answer, "usage", "total_tokens"))
