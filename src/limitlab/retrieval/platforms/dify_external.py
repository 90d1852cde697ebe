"""Any service with Dify's External Knowledge API: https://docs.dify.ai/en/use-dify/knowledge/external-knowledge-api"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limitlab._core.checks import real
from limitlab._core.errors import InvalidArgument
from limitlab.retrieval.platforms.contract import Answer, Capabilities, Hit
from limitlab.retrieval.platforms.fields import named, rows, score_of
from limitlab.retrieval.platforms.retriever import PlatformRetriever

_IDS = ("doc_id", "_id", "id", "document_id", "path")


@dataclass(kw_only=True, eq=False)
class DifyExternal(PlatformRetriever):
    """The external knowledge of a service, asked as Dify asks: ``POST {url}/retrieval``.

    The interface has no field for the id of a document: it is looked for in ``metadata`` (doc_id, _id, id, document_id, path), then in ``title``.

    Parameters
    ----------
    knowledge
        Id of the knowledge at the service.
    score_threshold
        0 to 1; 0, which Dify sends when its threshold is off, leaves nothing out.
    """

    kind: ClassVar[str] = "dify-external"
    title: ClassVar[str] = "External knowledge"
    key_name: ClassVar[str] = "DIFY_EXTERNAL_API_KEY"

    knowledge: str = ""
    score_threshold: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.knowledge:
            raise InvalidArgument(f"{self.kind}: knowledge must be given, such as knowledge=my-kb; got none.")
        real(self.kind, "score_threshold", self.score_threshold, low=0.0, high=1.0)
        self.name = f"dify-external:{self.knowledge}"

    def capabilities(self) -> Capabilities:
        """As the interface defines it."""
        return Capabilities(score_range=(0.0, 1.0), thresholds=(f"score threshold {self.score_threshold:g}",))

    def ask(self, text: str, top_k: int) -> Answer:
        """One retrieval; records whose metadata are null, which break Dify, are counted."""
        body = {
            "knowledge_id": self.knowledge,
            "query": text,
            "retrieval_setting": {"top_k": top_k, "score_threshold": self.score_threshold},
        }
        hits, null = [], 0
        for record in rows(self.kind, self._client.post("/retrieval", body), "records"):
            metadata = record.get("metadata", {})
            null += metadata is None
            fields = _IDS if self.id_field in ("", "title", "text") else (self.id_field, *_IDS)
            keys = (*named(metadata, *dict.fromkeys(fields)), *named(record, "title"))
            hits.append(Hit(keys, score_of(self.kind, record.get("score")), str(record.get("content") or "")))
        return Answer(tuple(hits), {"records_with_null_metadata": null} if null else {})
