"""Dify knowledge bases, by the Service API: https://docs.dify.ai/api-reference (openapi_knowledge.json)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from limitlab._core.checks import choice, real
from limitlab._core.errors import InvalidArgument
from limitlab.retrieval.platforms.contract import Answer, Capabilities, Hit
from limitlab.retrieval.platforms.fields import named, part, rows, score_of, whole
from limitlab.retrieval.platforms.retriever import Described
from limitlab.retrieval.platforms.upload import FAILED, INDEXED, WAITING, Uploaded, UploadingRetriever

METHODS = ("semantic_search", "full_text_search", "keyword_search", "hybrid_search")
QUERY_LIMIT = 250  # characters, of "query" in POST /datasets/{dataset_id}/retrieve
_PAGE = 100


@dataclass(kw_only=True, eq=False)
class Dify(UploadingRetriever):
    """A knowledge base in Dify, asked by ``POST /datasets/{dataset_id}/retrieve``.

    Parameters
    ----------
    dataset
        Id of the knowledge base; or upload=true.
    search_method
        semantic_search | full_text_search | keyword_search | hybrid_search.
    score_threshold
        Leave hits below it out, 0 to 1; default: off.
    vector_weight
        Of hybrid_search, 0 to 1; the keyword weight is the rest. Default: what the knowledge base has.
    rerank_provider, rerank_model
        Rerank with this model; default: no reranking.
    embedding_provider, embedding_model, indexing_technique, max_tokens
        Of an upload: the model (default: the workspace's), high_quality or economy, and tokens a chunk (default: Dify's own rules).
    """

    kind: ClassVar[str] = "dify"
    title: ClassVar[str] = "Dify"
    key_name: ClassVar[str] = "DIFY_API_KEY"
    default_url: ClassVar[str] = "https://api.dify.ai/v1"
    indexing_options: ClassVar[tuple[str, ...]] = ("embedding_provider", "embedding_model", "indexing_technique", "max_tokens")

    dataset: str = ""
    search_method: str = "semantic_search"
    score_threshold: float | None = None
    vector_weight: float | None = None
    rerank_provider: str = ""
    rerank_model: str = ""
    embedding_provider: str = ""
    embedding_model: str = ""
    indexing_technique: str = "high_quality"
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        choice(self.kind, "search_method", self.search_method, METHODS)
        choice(self.kind, "indexing_technique", self.indexing_technique, ("high_quality", "economy"))
        for name in ("score_threshold", "vector_weight"):
            if getattr(self, name) is not None:
                real(self.kind, name, getattr(self, name), low=0.0, high=1.0)
        if bool(self.rerank_provider) != bool(self.rerank_model):
            raise InvalidArgument(f"{self.kind}: rerank_provider and rerank_model must be given together; got one.")
        if self.vector_weight is not None and self.search_method != "hybrid_search":
            raise InvalidArgument(f"{self.kind}: vector_weight must come with search_method=hybrid_search; got {self.search_method}.")
        if self.search_method != "semantic_search":
            self.name, self.label = f"dify:{self.search_method}", f"Dify ({self.search_method.replace('_', ' ')})"

    def capabilities(self) -> Capabilities:
        """As documented."""
        threshold = "score threshold off" if self.score_threshold is None else f"score threshold {self.score_threshold:g}"
        rerank = f"reranked by {self.rerank_model}" if self.rerank_model else "reranking off"
        weight = () if self.vector_weight is None else (f"vector weight {self.vector_weight:g}",)
        return Capabilities(
            max_query_chars=QUERY_LIMIT, score_range=(0.0, 1.0), model=self.embedding_model or None,
            thresholds=(f"search method {self.search_method}", threshold, rerank, *weight),
        )  # fmt: skip

    def describe(self) -> Described:
        """``GET /datasets/{dataset_id}``."""
        found = self._client.get(f"/datasets/{self.target}")
        if not isinstance(found, dict):
            return Described()
        technique = whole(str, found.get("indexing_technique"))
        return Described(
            model=whole(str, found.get("embedding_model")) or None,
            documents=whole(int, found.get("document_count")),
            settings=(f"indexing {technique}",) if technique else (),
        )

    def ask(self, text: str, top_k: int) -> Answer:
        """One retrieval. A record without a score is kept; more records than asked for are counted."""
        answer = self._client.post(f"/datasets/{self.target}/retrieve", {"query": text, "retrieval_model": self._settings(top_k)})
        hits = []
        for record in rows(self.kind, answer, "records"):
            segment = part(self.kind, record, "segment", dict)
            document = segment.get("document")
            keys = (*named(document, "name", "id"), *named(segment, "document_id"))
            hits.append(Hit(keys, score_of(self.kind, record.get("score")), str(segment.get("content") or "")))
        return Answer(tuple(hits))

    def _settings(self, top_k: int) -> dict[str, Any]:
        rerank = bool(self.rerank_model)
        out: dict[str, Any] = {
            "search_method": self.search_method,
            "reranking_enable": rerank,
            "top_k": top_k,
            "score_threshold_enabled": self.score_threshold is not None,
            "score_threshold": self.score_threshold,
        }
        if rerank:
            out["reranking_mode"] = "reranking_model"
            out["reranking_model"] = {"reranking_provider_name": self.rerank_provider, "reranking_model_name": self.rerank_model}
        if self.vector_weight is not None:
            vector = {
                "vector_weight": self.vector_weight,
                "embedding_provider_name": self.embedding_provider,
                "embedding_model_name": self.embedding_model,
            }
            out["reranking_mode"] = "weighted_score"
            out["weights"] = {
                "weight_type": "customized",
                "vector_setting": vector,
                "keyword_setting": {"keyword_weight": round(1 - self.vector_weight, 6)},
            }
        return out

    def find_dataset(self, name: str) -> str | None:
        """By its exact name; the keyword of the list matches parts of names."""
        found = [d for d in self._pages("/datasets", keyword=name) if d.get("name") == name]
        return part(self.kind, found[0], "id", str) if found else None

    def create_dataset(self, name: str) -> str:
        """An empty knowledge base for texts."""
        body: dict[str, Any] = {"name": name, "indexing_technique": self.indexing_technique, "permission": "only_me", "provider": "vendor"}
        if self.embedding_model:
            body |= {"embedding_model": self.embedding_model, "embedding_model_provider": self.embedding_provider}
        return part(self.kind, self._client.post("/datasets", body), "id", str)

    def delete_dataset(self, dataset: str) -> None:
        """``DELETE /datasets/{dataset_id}``."""
        self._client.request("DELETE", f"/datasets/{dataset}")

    def listed(self, dataset: str) -> Iterator[Uploaded]:
        """States of documents: completed, error, paused, or one of the stages before."""
        states = {"completed": INDEXED, "error": FAILED, "paused": FAILED}
        for document in self._pages(f"/datasets/{dataset}/documents"):
            state = str(document.get("indexing_status"))
            error = str(document.get("error") or ("indexing is paused" if state == "paused" else ""))
            yield Uploaded(str(document.get("name")), str(document.get("id")), states.get(state, WAITING), error)

    def add(self, dataset: str, name: str, text: str) -> None:
        """``POST /datasets/{dataset_id}/document/create-by-text``."""
        rule: dict[str, Any] = {"mode": "automatic"}
        if self.max_tokens is not None:
            rules = {"pre_processing_rules": [], "segmentation": {"separator": "\n\n", "max_tokens": self.max_tokens, "chunk_overlap": 0}}
            rule = {"mode": "custom", "rules": rules}
        body = {"name": name, "text": text, "indexing_technique": self.indexing_technique, "doc_form": "text_model", "process_rule": rule}
        self._client.post(f"/datasets/{dataset}/document/create-by-text", body)

    def _pages(self, path: str, **parameters: str) -> Iterator[dict[str, Any]]:
        from urllib.parse import urlencode

        page = 1
        while True:
            answer = self._client.get(f"{path}?{urlencode({'page': page, 'limit': _PAGE, **parameters})}")
            yield from rows(self.kind, answer, "data")
            if not answer.get("has_more"):
                return
            page += 1
