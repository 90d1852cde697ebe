"""Cohere embeddings: ``POST /v2/embed`` with an input type for queries and one for documents."""

from __future__ import annotations

from typing import Any, ClassVar

from limitlab._core.checks import choice
from limitlab.retrieval.remote.answers import count, field, vectors
from limitlab.retrieval.remote.connection import Home, text_option
from limitlab.retrieval.remote.dense import Embedded, ServedDense

_INPUT = {"query": "search_query", "document": "search_document"}


class Cohere(ServedDense):
    """Embeddings by Cohere.

    Parameters
    ----------
    model
        Default: embed-v4.0. The key is in COHERE_API_KEY.
    truncate
        NONE (long texts are refused) | END | START (the service cuts them, and does not say which).
    options
        See ``ServedDense``. At most 96 texts go into a request.
    """

    service = "cohere"
    home: ClassVar[Home] = Home("https://api.cohere.com", "COHERE_API_KEY")
    most_texts = 96

    def __init__(self, *, model: str = "embed-v4.0", truncate: str = "NONE", **options: Any) -> None:
        self._truncate = choice(self.service, "truncate", str(truncate).upper(), ("NONE", "END", "START"))
        super().__init__(model=text_option(self.service, "model", model), **options)

    def _identity(self, kind: str) -> dict[str, Any]:
        return {"input_type": _INPUT[kind], "truncate": self._truncate}

    def _limits(self) -> tuple[int, int]:
        texts, size = super()._limits()
        return min(texts, self.most_texts), size

    def _said(self) -> dict[str, Any]:
        return {} if self._truncate == "NONE" else {"server_cuts_long_texts": f"truncate={self._truncate}"}

    def _ask(self, texts: list[str], kind: str) -> Embedded:
        body: dict[str, Any] = {
            "model": self.model,
            "input_type": _INPUT[kind],
            "texts": texts,
            "embedding_types": ["float"],
            "truncate": self._truncate,
        }
        if self.dimensions is not None:
            body["output_dimension"] = self.dimensions
        answer = self._client.post("v2/embed", body)
        rows = field(self.service, answer, "embeddings", "float")
        return Embedded(vectors(self.service, rows, len(texts)), count(answer, "meta", "billed_units", "input_tokens"))
