"""TaskingAI collections, by its REST API (backend/app/schemas/retrieval and backend/resources/code_templates of TaskingAI/TaskingAI)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from limitlab._core import checks
from limitlab._core.errors import InvalidArgument, ServiceError
from limitlab._core.progress import Progress
from limitlab._core.texts import Texts
from limitlab.retrieval.platforms.contract import Answer, Capabilities, Hit
from limitlab.retrieval.platforms.fields import named, part, rows, score_of, whole
from limitlab.retrieval.platforms.retriever import Described, Prepared
from limitlab.retrieval.platforms.upload import FAILED, INDEXED, WAITING, Uploaded, UploadingRetriever

MOST_HITS = 20
_LONGEST_QUERY = 32_768  # characters
_PAGE = 100


@dataclass(kw_only=True, eq=False)
class TaskingAI(UploadingRetriever):
    """A collection in TaskingAI, asked by ``POST /v1/collections/{collection_id}/chunks/query``: at most 20 chunks a query.

    Parameters
    ----------
    collection
        Its id; or upload=true.
    score_threshold
        Leave chunks below it out, 0 to 1; default: off.
    max_tokens
        Budget of an answer; default: none.
    rerank_model_id
        Default: no reranking.
    embedding_model_id, chunk_size
        Of an upload: id of the text embedding model (needed), tokens a chunk.
    """

    kind: ClassVar[str] = "taskingai"
    title: ClassVar[str] = "TaskingAI"
    key_name: ClassVar[str] = "TASKINGAI_API_KEY"
    default_url: ClassVar[str] = "http://localhost:8080"
    target_option: ClassVar[str] = "collection"
    indexing_options: ClassVar[tuple[str, ...]] = ("embedding_model_id", "chunk_size")
    most_documents: ClassVar[int | None] = 1000
    longest_document: ClassVar[int | None] = 32_768

    collection: str = ""
    score_threshold: float | None = None
    max_tokens: int | None = None
    rerank_model_id: str = ""
    embedding_model_id: str = ""
    chunk_size: int = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.score_threshold is not None:
            checks.real(self.kind, "score_threshold", self.score_threshold, low=0.0, high=1.0)
        if self.max_tokens is not None:
            self.max_tokens = checks.whole(self.kind, "max_tokens", self.max_tokens, low=1)
        self.chunk_size = checks.whole(self.kind, "chunk_size", self.chunk_size, low=50, high=1000)
        if self.upload and not self.embedding_model_id:
            raise InvalidArgument(f"{self.kind}: embedding_model_id must be given with upload=true; got none.")

    def capabilities(self) -> Capabilities:
        """As documented."""
        settings = (
            "score threshold off" if self.score_threshold is None else f"score threshold {self.score_threshold:g}",
            "no budget of tokens" if self.max_tokens is None else f"{self.max_tokens:,} tokens an answer",
            f"reranked by {self.rerank_model_id}" if self.rerank_model_id else "reranking off",
        )
        return Capabilities(
            max_top_k=MOST_HITS, max_query_chars=_LONGEST_QUERY, budget="count" if self.max_tokens is None else "tokens",
            score_range=(0.0, 1.0), model=self.embedding_model_id or None, thresholds=settings,
        )  # fmt: skip

    def prepare(self, docs: Texts, *, progress: Progress) -> Prepared:
        """Chunks name a record, not its title: the titles of an existing collection are read first."""
        if self.upload:
            return super().prepare(docs, progress=progress)
        known = set(docs.ids)
        return Prepared({u.id: u.name for u in self.listed(self.target) if u.name in known})

    def describe(self) -> Described:
        """``GET /v1/collections/{collection_id}``."""
        found = part(self.kind, self._said("GET", f"/v1/collections/{self.target}"), "data", dict)
        size, records = whole(int, found.get("embedding_size")), whole(int, found.get("num_records"))
        return Described(model=whole(str, found.get("embedding_model_id")), dim=size, documents=records)

    def ask(self, text: str, top_k: int) -> Answer:
        """One query."""
        body: dict[str, Any] = {"top_k": top_k, "query_text": text}
        if self.max_tokens is not None:
            body["max_tokens"] = self.max_tokens
        if self.score_threshold is not None:
            body["score_threshold"] = self.score_threshold
        if self.rerank_model_id:
            body["rerank_model_id"] = self.rerank_model_id
        answer = self._said("POST", f"/v1/collections/{self.target}/chunks/query", body)
        hits = []
        for chunk in rows(self.kind, answer, "data"):
            keys = (*named(chunk.get("metadata"), "doc_id", "id"), *named(chunk, "record_id"))
            hits.append(Hit(keys, score_of(self.kind, chunk.get("score")), str(chunk.get("content") or "")))
        return Answer(tuple(hits))

    def find_dataset(self, name: str) -> str | None:
        """By name, through all collections."""
        return next(
            (part(self.kind, c, "collection_id", str) for c in self._after("/v1/collections", "collection_id") if c.get("name") == name),
            None,
        )

    def create_dataset(self, name: str) -> str:
        """A collection of the only capacity there is."""
        body = {
            "name": name,
            "description": "made by limitlab",
            "capacity": self.most_documents,
            "embedding_model_id": self.embedding_model_id,
        }
        return part(self.kind, part(self.kind, self._said("POST", "/v1/collections", body), "data", dict), "collection_id", str)

    def delete_dataset(self, dataset: str) -> None:
        """``DELETE /v1/collections/{collection_id}``."""
        self._said("DELETE", f"/v1/collections/{dataset}")

    def listed(self, dataset: str) -> Iterator[Uploaded]:
        """Records: creating, ready or error."""
        states = {"ready": INDEXED, "error": FAILED}
        for record in self._after(f"/v1/collections/{dataset}/records", "record_id"):
            state = states.get(str(record.get("status")), WAITING)
            yield Uploaded(str(record.get("title")), str(record.get("record_id")), state)

    def add(self, dataset: str, name: str, text: str) -> None:
        """``POST /v1/collections/{collection_id}/records``."""
        splitter = {"type": "token", "chunk_size": self.chunk_size, "overlap_size": 0}
        self._said(
            "POST", f"/v1/collections/{dataset}/records", {"type": "text", "title": name, "content": text, "text_splitter": splitter}
        )

    def _after(self, path: str, id_name: str) -> Iterator[dict[str, Any]]:
        """All items of a list that is read by cursor."""
        cursor: dict[str, str] = {}
        while True:
            answer = self._said("GET", f"{path}?{urlencode({'limit': _PAGE, 'order': 'asc', **cursor})}")
            found = rows(self.kind, answer, "data")
            yield from found
            if not answer.get("has_more") or not found:
                return
            cursor = {"after": part(self.kind, found[-1], id_name, str)}

    def _said(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """An answer whose status is success."""
        answer = self._client.request(method, path, body)
        if not isinstance(answer, dict) or answer.get("status") != "success":
            words = self._client.hidden(" ".join(str(answer).split()))[:300]
            raise ServiceError(f"{self.kind}: an answer must have status success; got {words}", status=200)
        return answer
