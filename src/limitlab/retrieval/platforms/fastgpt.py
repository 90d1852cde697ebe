"""FastGPT datasets, by its OpenAPI: https://doc.fastgpt.io/en/openapi (core/dataset)"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from limitlab._core import checks
from limitlab._core.errors import InvalidArgument, ServiceError
from limitlab.retrieval.platforms.contract import Answer, Capabilities, Hit
from limitlab.retrieval.platforms.fields import named, objects, part, rows, score_of, whole
from limitlab.retrieval.platforms.retriever import Described
from limitlab.retrieval.platforms.upload import FAILED, INDEXED, WAITING, Uploaded, UploadingRetriever

MODES = ("embedding", "fullTextRecall", "mixedRecall")
MOST_TOKENS = 20_000  # larger budgets are cut to it
_BEST_FIRST = ("reRank", "rrf", "embedding", "fullText")  # the last step that ranked is the one that counts
_CUT_TO = 1536
_PAGE = 30


@dataclass(kw_only=True, eq=False)
class FastGPT(UploadingRetriever):
    """A dataset in FastGPT, asked by ``POST /api/core/dataset/searchTest``.

    An answer ends where its chunks have used up a budget of tokens, not after a number of hits: long chunks mean short lists.

    Parameters
    ----------
    dataset
        Id (24 hexadecimal digits); or upload=true.
    search_mode
        embedding | fullTextRecall | mixedRecall.
    tokens
        Budget of an answer, 1 to 20,000.
    similarity
        Leave chunks below it out, 0 to 1.
    embedding_weight
        Of mixedRecall, 0 to 1.
    rerank_model
        Rerank with this model; default: no reranking.
    vector_model
        Of an upload; default: the system's.
    """

    kind: ClassVar[str] = "fastgpt"
    title: ClassVar[str] = "FastGPT"
    key_name: ClassVar[str] = "FASTGPT_API_KEY"
    default_url: ClassVar[str] = "http://localhost:3000"
    indexing_options: ClassVar[tuple[str, ...]] = ("vector_model",)

    dataset: str = ""
    search_mode: str = "embedding"
    tokens: int = MOST_TOKENS
    similarity: float = 0.0
    embedding_weight: float = 0.5
    rerank_model: str = ""
    vector_model: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.choice(self.kind, "search_mode", self.search_mode, MODES)
        self.tokens = checks.whole(self.kind, "tokens", self.tokens, low=1, high=MOST_TOKENS)
        for name in ("similarity", "embedding_weight"):
            checks.real(self.kind, name, getattr(self, name), low=0.0, high=1.0)
        if self.dataset and not re.fullmatch("[0-9a-f]{24}", self.dataset):
            raise InvalidArgument(f"{self.kind}: dataset must be an id of 24 hexadecimal digits; got {self.dataset!r}.")
        if self.search_mode != "embedding":
            self.name, self.label = f"fastgpt:{self.search_mode}", f"FastGPT ({self.search_mode})"

    def capabilities(self) -> Capabilities:
        """As documented."""
        settings = (
            f"search mode {self.search_mode}",
            f"similarity {self.similarity:g}",
            f"{self.tokens:,} tokens an answer",
            f"reranked by {self.rerank_model}" if self.rerank_model else "reranking off",
            "query extension off",
            f"vectors longer than {_CUT_TO:,} values are cut to {_CUT_TO:,} unless FastGPT is configured otherwise",
        )
        return Capabilities(budget="tokens", score_range=(0.0, 1.0), thresholds=settings, exact=False, model=self.vector_model or None)

    def describe(self) -> Described:
        """``GET /api/core/dataset/detail``."""
        found = self._said("GET", f"/api/core/dataset/detail?id={quote(self.target, safe='')}")
        model = found.get("vectorModel") if isinstance(found, dict) else None
        name = (model.get("model") or model.get("name")) if isinstance(model, dict) else model
        return Described(model=whole(str, name))

    def ask(self, text: str, top_k: int) -> Answer:
        """One search; the best ``top_k`` of what the budget holds."""
        body: dict[str, Any] = {
            "datasetId": self.target,
            "text": text,
            "limit": self.tokens,
            "similarity": self.similarity,
            "searchMode": self.search_mode,
            "usingReRank": bool(self.rerank_model),
            "datasetSearchUsingExtensionQuery": False,
        }
        if self.search_mode == "mixedRecall":
            body["embeddingWeight"] = self.embedding_weight
        if self.rerank_model:
            body["rerankModelId"] = self.rerank_model
        data = self._said("POST", "/api/core/dataset/searchTest", body)
        found = objects(self.kind, data, "data") if isinstance(data, list) else rows(self.kind, data, "list")
        hits = [self._hit(chunk) for chunk in found]
        return Answer(tuple(hits[:top_k]))

    def _hit(self, chunk: dict[str, Any]) -> Hit:
        text = "\n".join(str(chunk[n]) for n in ("q", "a") if chunk.get(n))
        return Hit(named(chunk, "sourceName", "collectionId", "sourceId"), self._score(chunk.get("score")), text)

    def _score(self, score: Any) -> float | None:
        """A number, or a list of numbers by step: the last step that ranked decides."""
        if not isinstance(score, list):
            return score_of(self.kind, score)
        values = {s.get("type"): s.get("value") for s in score if isinstance(s, dict)}
        return next((score_of(self.kind, values[step]) for step in _BEST_FIRST if values.get(step) is not None), None)

    def find_dataset(self, name: str) -> str | None:
        """By name, among the datasets that are in no folder."""
        found = self._said("POST", "/api/core/dataset/list", {"parentId": ""})
        listed = objects(self.kind, found if isinstance(found, list) else [], "data")
        return next((part(self.kind, d, "_id", str) for d in listed if d.get("name") == name), None)

    def create_dataset(self, name: str) -> str:
        """An empty dataset."""
        body = {"parentId": None, "type": "dataset", "name": name, "intro": "made by limitlab"}
        made = self._said("POST", "/api/core/dataset/create", {**body, **({"vectorModel": self.vector_model} if self.vector_model else {})})
        if not isinstance(made, str):
            raise ServiceError(f"{self.kind}: a new dataset must have an id; got {type(made).__name__}.")
        return made

    def delete_dataset(self, dataset: str) -> None:
        """``DELETE /api/core/dataset/delete``."""
        self._said("DELETE", f"/api/core/dataset/delete?id={quote(dataset, safe='')}")

    def listed(self, dataset: str) -> Iterator[Uploaded]:
        """Collections: indexed once they hold data and nothing is left to train."""
        offset = 0
        while True:
            body = {"offset": offset, "pageSize": _PAGE, "datasetId": dataset, "parentId": None, "searchText": ""}
            found = rows(self.kind, self._said("POST", "/api/core/dataset/collection/listV2", body), "list")
            for c in found:
                ready = not c.get("trainingAmount") and bool(c.get("dataAmount"))
                state = FAILED if c.get("hasError") else INDEXED if ready else WAITING
                yield Uploaded(str(c.get("name")), str(c.get("_id")), state, "training failed" if state == FAILED else "")
            if len(found) < _PAGE:
                return
            offset += _PAGE

    def add(self, dataset: str, name: str, text: str) -> None:
        """``POST /api/core/dataset/collection/create/text``."""
        body = {"datasetId": dataset, "parentId": None, "name": name, "text": text, "trainingType": "chunk", "chunkSettingMode": "auto"}
        self._said("POST", "/api/core/dataset/collection/create/text", body)

    def _said(self, method: str, path: str, body: Any = None) -> Any:
        """The data of an answer whose own code is 200."""
        answer = self._client.request(method, path, body)
        code = answer.get("code") if isinstance(answer, dict) else None
        if code != 200:
            words = re.sub(r"\s+", " ", str(answer.get("message") if isinstance(answer, dict) else answer))
            raise ServiceError(
                f"{self.kind}: an answer must have code 200; got code {code}: {self._client.hidden(words)[:300]}", status=200
            )
        return answer.get("data")
