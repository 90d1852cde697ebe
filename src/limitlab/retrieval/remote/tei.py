"""text-embeddings-inference: ``GET /info`` for its limits, ``POST /embed``."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlsplit

from limitlab._core.errors import ServiceError
from limitlab.retrieval.remote.answers import field, vectors
from limitlab.retrieval.remote.connection import Home, text_option
from limitlab.retrieval.remote.dense import Embedded, ServedDense
from limitlab.retrieval.remote.http import Client
from limitlab.retrieval.remote.switches import flag


class TEI(ServedDense):
    """Embeddings by text-embeddings-inference.

    Parameters
    ----------
    url
        Address of the server, such as ``http://localhost:8080``.
    truncate
        Let the server cut texts longer than the model reads. Off: it refuses them, unless it was started with --auto-truncate.
    query_prompt_name, document_prompt_name
        Names of prompts the model brings; default: none is applied.
    options
        See ``ServedDense``; the model is the one the server runs, ``model`` only how it is shown. Texts a request: what ``/info`` allows.
    """

    service = "tei"
    home: ClassVar[Home] = Home()
    most_bytes = 1_000_000  # the server refuses bodies above 2 MB

    def __init__(
        self,
        *,
        truncate: bool = False,
        query_prompt_name: str | None = None,
        document_prompt_name: str | None = None,
        **options: Any,
    ) -> None:
        self._truncate = flag(self.service, "truncate", truncate)
        self._prompt_names = {"query": query_prompt_name, "document": document_prompt_name}
        address = urlsplit(text_option(self.service, "url", options.get("url")))
        shown = {} if options.get("name") or options.get("label") else {"label": f"TEI at {address.netloc}"}
        super().__init__(**{"model": address.netloc, **shown, **options})

    @cached_property
    def info(self) -> dict[str, Any]:
        """What the server says about itself."""
        return server_info(self.service, self._client)

    def _identity(self, kind: str) -> dict[str, Any]:
        return {
            "prompt_name": self._prompt_names[kind],
            "truncate": self._truncate,
            **{name: self.info.get(name) for name in ("model_id", "model_sha", "model_dtype", "auto_truncate")},
        }

    def _limits(self) -> tuple[int, int]:
        most = whole_limit(self.service, self.info)
        return min(self._batch or most, most), self.most_bytes

    def _said(self) -> dict[str, Any]:
        notes: dict[str, Any] = {"served_model": str(self.info.get("model_id")), "served_dtype": str(self.info.get("model_dtype"))}
        if self._truncate or self.info.get("auto_truncate"):
            notes["server_cuts_long_texts"] = f"at {self.info.get('max_input_length')} tokens"
        return notes

    def _ask(self, texts: list[str], kind: str) -> Embedded:
        body: dict[str, Any] = {"inputs": texts, "normalize": True, "truncate": self._truncate}
        if self._prompt_names[kind] is not None:
            body["prompt_name"] = self._prompt_names[kind]
        if self.dimensions is not None:
            body["dimensions"] = self.dimensions
        return Embedded(vectors(self.service, self._client.post("embed", body), len(texts)))


def server_info(who: str, client: Client) -> dict[str, Any]:
    """``GET /info``.

    Raises
    ------
    ServiceError
        It does not answer as text-embeddings-inference does.
    """
    answer = client.get("info")
    field(who, answer, "model_id")
    return answer


def whole_limit(who: str, info: dict[str, Any]) -> int:
    """Texts a request at most.

    Raises
    ------
    ServiceError
        The server states none.
    """
    most = info.get("max_client_batch_size")
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise ServiceError(f"{who}: /info must state max_client_batch_size >= 1; got {most!r}.")
    return most
