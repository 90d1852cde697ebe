"""What Elasticsearch and OpenSearch share: bulk writes, counts, scrolling, and scores turned back into similarities."""

from __future__ import annotations

import base64
import json
import time
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np

from limitlab._core.errors import DataError, ServiceError
from limitlab.retrieval.remote.http import Client
from limitlab.retrieval.remote.keys import Secret, environment_name, filled, key_from_environment
from limitlab.retrieval.stores.fields import field_of
from limitlab.retrieval.stores.store import Hits, Store, flag, text_or_none

OWN_FIELD, OWN_ID = "embedding", "doc_id"
MOST_HITS = 10_000  # index.max_result_window and num_candidates
_PAGE = 500
_BULK_TRIES = 6


class SearchEngine(Store):
    """Index, document, bulk and scroll calls that both services answer alike."""

    def __init__(
        self,
        url: str | None,
        *,
        index: str | None,
        existing: bool,
        field: str,
        id_field: str,
        key: str | None,
        login: str | None,
        allow_http: bool,
        port: int = 9200,
    ) -> None:
        self.collection, self.existing = text_or_none(index), flag(self.kind, "existing", existing)
        self._url = url or f"http://localhost:{port}"
        self._field, self._id_field = (str(field), str(id_field)) if existing else (OWN_FIELD, OWN_ID)
        secret: Secret | None = None
        if key is not None:
            secret = filled(self.kind, f"ApiKey ${{{environment_name(self.kind, key)}}}")
        elif login is not None:
            given = key_from_environment(self.kind, login)
            assert given is not None
            secret = Secret("Basic " + base64.b64encode(given.reveal().encode()).decode(), login)
        self._client = Client(
            self.kind,
            self._url,
            headers={"Authorization": secret} if secret else None,
            allow_http=flag(self.kind, "allow_http", allow_http),
        )

    @abstractmethod
    def _new_index(self, dim: int) -> dict[str, Any]:
        """Settings and mappings of our own index."""

    @abstractmethod
    def _question(self, name: str, query: list[float], k: int) -> dict[str, Any]:
        """Body of a search for one vector."""

    @abstractmethod
    def _similarity(self, name: str, score: float) -> float:
        """The similarity behind a score."""

    def held(self, name: str) -> int | None:
        """Documents, of our own index after a refresh; None when there is no such index."""
        try:
            if not self.existing:  # a key that may only read must do for the user's
                self._client.post(f"{self._path(name)}/_refresh", None)
            return int(self._client.get(f"{self._path(name)}/_count")["count"])
        except ServiceError as error:
            if error.status == 404:
                return None
            raise

    def create(self, name: str, dim: int) -> None:
        """An empty index."""
        self._client.request("PUT", self._path(name), self._new_index(dim))

    def add(self, name: str, start: int, ids: Sequence[str], vectors: np.ndarray) -> None:
        """One bulk request; documents that were refused are named, those the service was too busy for are sent again."""
        rows = [(str(start + i), {OWN_ID: doc, OWN_FIELD: row}) for i, (doc, row) in enumerate(zip(ids, vectors.tolist()))]
        for attempt in range(_BULK_TRIES):
            lines = [json.dumps(part) for number, row in rows for part in ({"index": {"_id": number}}, row)]
            body = ("\n".join(lines) + "\n").encode()
            answer = self._client.request("POST", f"{self._path(name)}/_bulk", raw=body, headers={"Content-Type": "application/x-ndjson"})
            items = [item["index"] for item in answer["items"]]
            if len(items) != len(rows):
                raise ServiceError(f"{self.kind}: a bulk request of {len(rows):,} documents must get as many answers; got {len(items):,}.")
            refused = [item for item in items if item["status"] >= 300 and item["status"] != 429]
            if refused:
                first = refused[0]
                said = first.get("error") or {}
                why = self._client.hidden(f"{said.get('type')}: {said.get('reason')}")
                doc = next(row[OWN_ID] for number, row in rows if number == str(first["_id"]))
                raise ServiceError(
                    f"{self.kind}: {len(refused):,} of {len(rows):,} documents of a bulk request were refused, the first {doc!r} with "
                    f"{first['status']}: {why[:200]}",
                    status=int(first["status"]),
                )
            busy = {str(item["_id"]) for item in items if item["status"] == 429}
            rows = [row for row in rows if row[0] in busy]
            if not rows:
                return
            time.sleep(0.0 if attempt == 0 else min(30.0, 0.5 * 2**attempt))
        raise ServiceError(f"{self.kind}: {len(rows):,} documents were refused as too many after {_BULK_TRIES} attempts.", status=429)

    def finish(self, name: str, n_docs: int) -> None:
        """Make the documents searchable."""
        self._client.post(f"{self._path(name)}/_refresh", None)

    def search(self, name: str, queries: np.ndarray, k: int) -> list[Hits]:
        """One request a query, several at a time."""
        shown = {"_source": False if self._id_field == "_id" else [self._id_field]}

        def ask(query: list[float]) -> Hits:
            answer = self._client.post(f"{self._path(name)}/_search", {"size": k, **shown, **self._question(name, query, k)})
            failed = answer.get("_shards", {}).get("failed", 0)
            if answer.get("timed_out") or failed:
                raise ServiceError(f"{self.kind}: every shard must answer in time; {failed} failed, timed_out={answer.get('timed_out')}.")
            return [(self._id_of(hit), self._similarity(name, float(hit["_score"]))) for hit in answer["hits"]["hits"]]

        self._mapping(name)  # read once, before several threads ask for it
        return self._client.ordered(ask, queries.tolist())

    def stored(self, name: str) -> Iterator[tuple[list[str], np.ndarray]]:
        """All documents that have a vector, by scrolling."""
        wanted = [self._field] + ([] if self._id_field == "_id" else [self._id_field])
        body = {"size": _PAGE, "_source": wanted, "query": {"exists": {"field": self._field}}, "sort": ["_doc"], **self._with_vectors()}
        answer = self._client.post(f"{self._path(name)}/_search?scroll=5m", body)
        try:
            while hits := answer["hits"]["hits"]:
                vectors = [self._vector_of(hit, name) for hit in hits]
                if len({len(v) for v in vectors}) != 1:
                    raise DataError(f"{self.kind}: vectors of {name} must have one dimension; got {sorted({len(v) for v in vectors})}.")
                yield [self._id_of(hit) for hit in hits], np.array(vectors, np.float32)
                answer = self._client.post("/_search/scroll", {"scroll": "5m", "scroll_id": answer["_scroll_id"]})
        finally:
            self._client.request("DELETE", "/_search/scroll", {"scroll_id": answer["_scroll_id"]})

    def drop(self, name: str) -> None:
        """Remove an index."""
        self._client.request("DELETE", self._path(name))

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def _with_vectors(self) -> dict[str, Any]:
        return {}

    def _vector_of(self, hit: dict[str, Any], name: str) -> list[float]:
        found = (hit.get("fields") or {}).get(self._field)
        source = hit.get("_source") or {}
        for part in [self._field] if self._field in source else self._field.split("."):
            source = source.get(part) if isinstance(source, dict) else None
        vector = source if source is not None else found
        if not isinstance(vector, list):
            raise DataError(
                f"{self.kind}: documents of {name} must keep the field {self._field!r} in their source; {hit['_id']!r} does not."
            )
        return vector

    def _mapping(self, name: str) -> dict[str, Any]:
        """The mapping of the vector field."""
        if name not in (known := self.__dict__.setdefault("_mappings", {})):
            answer = self._client.get(f"{self._path(name)}/_mapping")
            found: Any = next(iter(answer.values()))["mappings"]
            for part in self._field.split("."):
                found = (found or {}).get("properties", {}).get(part)
            if not isinstance(found, dict) or "type" not in found:
                raise DataError(f"{self.kind}: index {name} must have the field {self._field!r}; it has not. Pass field=NAME.")
            known[name] = found
        return known[name]

    def _id_of(self, hit: dict[str, Any]) -> str:
        return str(hit["_id"]) if self._id_field == "_id" else field_of(self.kind, hit.get("_source"), self._id_field)

    def _path(self, name: str) -> str:
        return f"/{quote(name, safe='')}"
