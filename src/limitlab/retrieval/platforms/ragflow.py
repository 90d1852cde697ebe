"""RAGFlow datasets, by its HTTP API: https://ragflow.io/docs/http_api_reference"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from limitlab._core import checks
from limitlab._core.errors import InvalidArgument, ServiceError
from limitlab.retrieval.platforms.contract import Answer, Capabilities, Hit
from limitlab.retrieval.platforms.fields import named, objects, part, rows, score_of, whole
from limitlab.retrieval.platforms.retriever import Described
from limitlab.retrieval.platforms.upload import FAILED, INDEXED, NOT_STARTED, WAITING, Uploaded, UploadingRetriever

MOST_A_PAGE = 100  # larger pages are refused
_PARSED_AT_ONCE = 64
_ENDING = ".txt"  # RAGFlow tells the type of a file by its name
_STATES = {
    "DONE": INDEXED,
    "3": INDEXED,
    "FAIL": FAILED,
    "4": FAILED,
    "CANCEL": FAILED,
    "2": FAILED,
    "UNSTART": NOT_STARTED,
    "0": NOT_STARTED,
}


@dataclass(kw_only=True, eq=False)
class RAGFlow(UploadingRetriever):
    """Datasets in RAGFlow, asked by ``POST /api/v1/retrieval``, page by page.

    RAGFlow's own defaults leave out what scores below 0.2 and weigh vectors with 0.3 only; here the defaults are 0 and 1, so that the
    embedding is what is measured. Pass what your application uses to measure that.

    Parameters
    ----------
    datasets
        Ids, separated by ";"; or upload=true.
    vector_weight
        Of the vector similarity, 0 to 1; the rest is the weight of terms.
    similarity_threshold
        Leave chunks below it out, 0 to 1.
    candidates
        RAGFlow's ``top_k``: chunks that take part in the vector search, not hits.
    rerank_id
        A rerank model; default: none.
    embedding_model, chunk_method
        Of an upload: ``model@factory`` (default: the tenant's), and how documents are cut.
    """

    kind: ClassVar[str] = "ragflow"
    title: ClassVar[str] = "RAGFlow"
    key_name: ClassVar[str] = "RAGFLOW_API_KEY"
    default_url: ClassVar[str] = "http://localhost:9380"
    target_option: ClassVar[str] = "datasets"
    indexing_options: ClassVar[tuple[str, ...]] = ("embedding_model", "chunk_method")

    datasets: str = ""
    vector_weight: float = 1.0
    similarity_threshold: float = 0.0
    candidates: int = 1024
    rerank_id: str = ""
    embedding_model: str = ""
    chunk_method: str = "naive"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("vector_weight", "similarity_threshold"):
            checks.real(self.kind, name, getattr(self, name), low=0.0, high=1.0)
        self.candidates = checks.whole(self.kind, "candidates", self.candidates, low=1)
        if self.datasets and not self._ids():
            raise InvalidArgument(f"{self.kind}: datasets must be ids separated by ';'; got {self.datasets!r}.")

    def _ids(self) -> list[str]:
        return [d.strip() for d in self.target.split(";") if d.strip()]

    def capabilities(self) -> Capabilities:
        """As documented."""
        rerank = f"reranked by {self.rerank_id}" if self.rerank_id else "reranking off"
        settings = (
            f"similarity threshold {self.similarity_threshold:g} (RAGFlow's default is 0.2)",
            f"vector weight {self.vector_weight:g} (RAGFlow's default is 0.3)",
            f"{self.candidates:,} candidates",
            rerank,
        )
        return Capabilities(
            score_range=(0.0, 1.0),
            page_size=MOST_A_PAGE,
            model=self.embedding_model or None,
            thresholds=settings,
            max_top_k=self.candidates,
        )

    def describe(self) -> Described:
        """``GET /api/v1/datasets?id=``, for each dataset."""
        found = [d for i in self._ids() for d in self._datasets(f"id={quote(i, safe='')}")]
        models = ", ".join(dict.fromkeys(str(d["embedding_model"]) for d in found if d.get("embedding_model")))
        counts = [whole(int, d.get("document_count")) for d in found]
        return Described(model=models or None, documents=None if None in counts else sum(c or 0 for c in counts))

    def _datasets(self, parameters: str) -> list[dict[str, Any]]:
        found = self._said("GET", f"/api/v1/datasets?{parameters}")
        return objects(self.kind, found if isinstance(found, list) else [], "data")

    def ask(self, text: str, top_k: int) -> Answer:
        """All pages up to ``top_k`` chunks. The page size stays the same: RAGFlow's totals change with it."""
        hits: list[Hit] = []
        size = min(top_k, MOST_A_PAGE)
        page = 1
        while len(hits) < top_k:
            body = {
                "question": text,
                "dataset_ids": self._ids(),
                "page": page,
                "page_size": size,
                "similarity_threshold": self.similarity_threshold,
                "vector_similarity_weight": self.vector_weight,
                "top_k": self.candidates,
                "keyword": False,
                "highlight": False,
                **({"rerank_id": self.rerank_id} if self.rerank_id else {}),
            }
            data = self._said("POST", "/api/v1/retrieval", body)
            chunks = rows(self.kind, data, "chunks")
            for chunk in chunks:
                keys = named(chunk, "document_keyword", "document_name", "docnm_kwd", "document_id")
                hits.append(Hit(keys, score_of(self.kind, chunk.get("similarity")), str(chunk.get("content") or "")))
            if len(chunks) < size:
                break
            page += 1
        return Answer(tuple(hits[:top_k]), {"pages_read": page} if page > 1 else {})

    def find_dataset(self, name: str) -> str | None:
        """By name, through all pages: the filter of the list answers with an error where nothing matches."""
        page = 1
        while True:
            found = self._datasets(f"page={page}&page_size={MOST_A_PAGE}")
            for dataset in found:
                if dataset.get("name") == name:
                    return part(self.kind, dataset, "id", str)
            if len(found) < MOST_A_PAGE:
                return None
            page += 1

    def create_dataset(self, name: str) -> str:
        """An empty dataset."""
        body = {"name": name, "chunk_method": self.chunk_method}
        return part(self.kind, self._said("POST", "/api/v1/datasets", {**body, **self._model()}), "id", str)

    def _model(self) -> dict[str, str]:
        return {"embedding_model": self.embedding_model} if self.embedding_model else {}

    def delete_dataset(self, dataset: str) -> None:
        """``DELETE /api/v1/datasets``; ids null would delete every dataset, so an id must be there."""
        if not dataset:
            raise InvalidArgument(f"{self.kind}: a dataset must have an id to be deleted; got none.")
        self._said("DELETE", "/api/v1/datasets", {"ids": [dataset]})

    def listed(self, dataset: str) -> Iterator[Uploaded]:
        """States by ``run``: UNSTART, RUNNING, CANCEL, DONE, FAIL, or their numbers."""
        page = 1
        while True:
            found = rows(self.kind, self._said("GET", f"/api/v1/datasets/{dataset}/documents?page={page}&page_size={MOST_A_PAGE}"), "docs")
            for document in found:
                state = _STATES.get(str(document.get("run")), WAITING)
                yield Uploaded(
                    str(document.get("name")), str(document.get("id")), state, " ".join(str(document.get("progress_msg") or "").split())
                )
            if len(found) < MOST_A_PAGE:
                return
            page += 1

    def given_name(self, doc_id: str) -> str:
        """A file name: what cannot stand in one is percent-encoded."""
        return super().given_name(quote(doc_id, safe=" ()[]'!@#$&+,;=_-.~")) + _ENDING

    def add(self, dataset: str, name: str, text: str) -> None:
        """``POST /api/v1/datasets/{dataset_id}/documents``: a file in a form; parsing is begun by ``start``."""
        body = text.encode("utf-8", "replace")
        mark = secrets.token_hex(16)
        head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: text/plain\r\n\r\n'
        raw = head.encode() + body + f"\r\n--{mark}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={mark}"}
        self._checked(self._client.request("POST", f"/api/v1/datasets/{dataset}/documents", raw=raw, headers=headers))

    def start(self, dataset: str, documents: list[str]) -> None:
        """``POST /api/v1/datasets/{dataset_id}/chunks``."""
        for at in range(0, len(documents), _PARSED_AT_ONCE):
            self._said("POST", f"/api/v1/datasets/{dataset}/chunks", {"document_ids": documents[at : at + _PARSED_AT_ONCE]})

    def _said(self, method: str, path: str, body: Any = None) -> Any:
        return self._checked(self._client.request(method, path, body))

    def _checked(self, answer: Any) -> Any:
        """The data of an answer: RAGFlow says 200 also where it refuses, and the reason in ``code``."""
        code = answer.get("code") if isinstance(answer, dict) else None
        if code != 0:
            words = re.sub(r"\s+", " ", str(answer.get("message") if isinstance(answer, dict) else answer))[:300]
            raise ServiceError(f"{self.kind}: an answer must have code 0; got code {code}: {self._client.hidden(words)}", status=200)
        return answer.get("data")
