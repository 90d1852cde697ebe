"""OpenAI-compatible embedding servers: ``POST /embeddings`` of OpenAI, vLLM, LM Studio, new-api, Ollama, and others."""

from __future__ import annotations

from typing import Any, ClassVar

from limitlab._core.checks import choice
from limitlab.retrieval.remote.answers import by_index, count, field, vectors
from limitlab.retrieval.remote.connection import Home, text_option
from limitlab.retrieval.remote.dense import Embedded, ServedDense

_PUBLIC_TEXTS = 512  # the service takes 2,048 texts; smaller answers lose less when a run is killed


class OpenAI(ServedDense):
    """Embeddings by an OpenAI-compatible server.

    Parameters
    ----------
    model, url, key
        The address ends before ``/embeddings``: ``http://localhost:8000/v1``. Default: OpenAI, with the key in OPENAI_API_KEY.
    encoding
        base64 (exact float32, a quarter of the size) | float | none (the field is left out, for servers that do not know it).
    options
        See ``ServedDense``.

    Notes
    -----
    OpenAI takes 2,048 texts and 300,000 tokens a request, 8,192 tokens a text, and refuses longer ones: nothing is cut unseen.
    """

    service = "openai"
    home: ClassVar[Home] = Home("https://api.openai.com/v1", "OPENAI_API_KEY")
    most_bytes = 600_000  # 300,000 tokens even where a token is two bytes

    def __init__(self, *, model: str | None = None, encoding: str = "base64", **options: Any) -> None:
        self._encoding = choice(self.service, "encoding", encoding, ("base64", "float", "none"))
        super().__init__(model=text_option(self.service, "model", model), **options)

    def _identity(self, kind: str) -> dict[str, Any]:
        return {"encoding": self._encoding}

    def _limits(self) -> tuple[int, int]:
        public = self._client.url == self.home.url
        return self._batch or (_PUBLIC_TEXTS if public else self.most_texts), self.most_bytes

    def _ask(self, texts: list[str], kind: str) -> Embedded:
        body: dict[str, Any] = {"model": self.model, "input": texts}
        if self._encoding != "none":
            body["encoding_format"] = self._encoding
        if self.dimensions is not None:
            body["dimensions"] = self.dimensions
        answer = self._client.post("embeddings", body)
        rows = by_index(self.service, field(self.service, answer, "data"), len(texts), "embedding")
        tokens = count(answer, "usage", "prompt_tokens")
        return Embedded(vectors(self.service, rows, len(texts)), count(answer, "usage", "total_tokens") if tokens is None else tokens)
