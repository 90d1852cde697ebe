"""A Qdrant server over REST."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np

from limitlab._core.checks import choice, real, whole
from limitlab._core.errors import InvalidArgument, ServiceError
from limitlab.retrieval.remote.http import Client
from limitlab.retrieval.remote.keys import key_from_environment
from limitlab.retrieval.stores.fields import field_of
from limitlab.retrieval.stores.qdrant_embedded import METRICS_OF, POINT_ID
from limitlab.retrieval.stores.store import Hits, Served, Store, flag, lengths_of, text_or_none

QUANTISATIONS = ("none", "scalar", "binary")
_QUERIES = 64  # in one request
_PAGE = 1000
_LONGEST_WAIT = 600.0


class QdrantServer(Store):
    """See ``qdrant``. Bodies as in the REST reference of Qdrant: points/query/batch, points/scroll, collections."""

    kind = "qdrant"

    def __init__(
        self,
        url: str,
        *,
        collection: str | None = None,
        existing: bool = False,
        id_field: str = "_id",
        vector: str | None = None,
        exact: bool | None = None,
        hnsw_ef: int | None = None,
        m: int | None = None,
        ef_construct: int | None = None,
        indexing_threshold: int | None = None,
        quantisation: str = "none",
        rescore: bool | None = None,
        oversampling: float | None = None,
        key: str | None = None,
        allow_http: bool = False,
    ) -> None:
        self.collection, self.existing = text_or_none(collection), flag(self.kind, "existing", existing)
        self._url, self._id_field, self._vector = url, str(id_field), text_or_none(vector)
        ranges = {"hnsw_ef": (hnsw_ef, 1), "m": (m, 0), "ef_construct": (ef_construct, 4), "indexing_threshold": (indexing_threshold, 0)}
        self._numbers = {name: whole(self.kind, name, v, low=low) for name, (v, low) in ranges.items() if v is not None}
        self._quantisation = choice(self.kind, "quantisation", quantisation, QUANTISATIONS)
        self._exact = None if exact is None else flag(self.kind, "exact", exact)
        self._rescore = None if rescore is None else flag(self.kind, "rescore", rescore)
        self._oversampling = None if oversampling is None else real(self.kind, "oversampling", oversampling, low=1.0)
        secret = key_from_environment(self.kind, key or "QDRANT_API_KEY", needed=key is not None)
        self._client = Client(
            self.kind,
            url,
            headers={"api-key": secret} if secret is not None else None,
            allow_http=flag(self.kind, "allow_http", allow_http),
        )

    def config(self) -> dict[str, Any]:
        """Address, collection and options."""
        search = {"exact": self._exact, "rescore": self._rescore, "oversampling": self._oversampling, "vector": self._vector}
        about = {"url": self._url, "collection": self.collection, "existing": self.existing, "id_field": self._id_field}
        return {**about, **search, **self._numbers, "quantisation": self._quantisation}

    def build(self) -> dict[str, Any]:
        """What decides the stored points and their index."""
        return {"quantisation": self._quantisation, **{n: v for n, v in self._numbers.items() if n != "hnsw_ef"}}

    def shown(self) -> dict[str, Any]:
        """Collection, and options that were given."""
        given = {"exact": self._exact, "rescore": self._rescore, "oversampling": self._oversampling, **self._numbers}
        out = {"collection": self.collection} if self.existing else {}
        out |= {} if self._quantisation == "none" else {"quantisation": self._quantisation}
        return out | {n: str(v).lower() if isinstance(v, bool) else v for n, v in given.items() if v is not None}

    def held(self, name: str) -> int | None:
        """Points, counted exactly."""
        if not self._get(name, "/exists")["exists"]:
            return None
        return int(self._post(name, "/points/count", {"exact": True})["count"])

    def create(self, name: str, dim: int) -> None:
        """An empty collection, by cosine."""
        body: dict[str, Any] = {"vectors": {"size": dim, "distance": "Cosine"}}
        if hnsw := {n: self._numbers[n] for n in ("m", "ef_construct") if n in self._numbers}:
            body["hnsw_config"] = hnsw
        if "indexing_threshold" in self._numbers:
            body["optimizers_config"] = {"indexing_threshold": self._numbers["indexing_threshold"]}
        if self._quantisation == "scalar":
            body["quantization_config"] = {"scalar": {"type": "int8", "always_ram": True}}
        elif self._quantisation == "binary":
            body["quantization_config"] = {"binary": {"always_ram": True}}
        self._answer(self._client.request("PUT", self._path(name), body))

    def add(self, name: str, start: int, ids: Sequence[str], vectors: np.ndarray) -> None:
        """Points numbered by row, with the document's id in the payload ``_id``."""
        points = [{"id": start + i, "vector": row, "payload": {"_id": doc}} for i, (doc, row) in enumerate(zip(ids, vectors.tolist()))]
        self._answer(self._client.request("PUT", self._path(name, "/points?wait=true"), {"points": points}))

    def finish(self, name: str, n_docs: int) -> None:
        """Wait until the optimiser rests."""
        waited, step = 0.0, 0.1
        while (status := self._get(name)["status"]) != "green":
            if status == "red":
                raise ServiceError(f"qdrant: the server cannot optimise collection {name}; its status is red.")
            if waited > _LONGEST_WAIT:
                raise ServiceError(f"qdrant: collection {name} must be green; it is {status} after {_LONGEST_WAIT:.0f} s.")
            time.sleep(step)
            waited, step = waited + step, min(5.0, 2 * step)

    def search(self, name: str, queries: np.ndarray, k: int) -> list[Hits]:
        """Several queries a request; distances count negative."""
        sign = 1.0 if METRICS_OF[self._vectors(self._get(name), name)["distance"]] in ("cosine", "inner product") else -1.0
        extra: dict[str, Any] = {"limit": k, "with_payload": [self._id_field.partition(".")[0]] if self._payload() else False}
        if params := self._params():
            extra["params"] = params
        if self._vector is not None:
            extra["using"] = self._vector
        rows = queries.tolist()
        groups = [rows[at : at + _QUERIES] for at in range(0, len(rows), _QUERIES)]

        def ask(group: list[list[float]]) -> list[Hits]:
            answers = self._post(name, "/points/query/batch", {"searches": [{"query": row, **extra} for row in group]})
            if len(answers) != len(group):
                raise ServiceError(f"qdrant: {len(group)} queries must get as many answers; got {len(answers)}.")
            return [[(self._id_of(p), sign * p["score"]) for p in answer["points"]] for answer in answers]

        return [hits for group in self._client.ordered(ask, groups) for hits in group]

    def describe(self, name: str) -> Served:
        """Vectors, index and quantisation from the collection's own record."""
        info = self._get(name)
        vectors, config = self._vectors(info, name), info["config"]
        points, indexed = int(info["points_count"] or 0), int(info.get("indexed_vectors_count") or 0)
        exact = self._exact is True or indexed == 0
        hnsw = {**(config.get("hnsw_config") or {}), **(vectors.get("hnsw_config") or {})}
        words = f"hnsw m={hnsw.get('m')} ef_construct={hnsw.get('ef_construct')} hnsw_ef={self._numbers.get('hnsw_ef', 'default')}"
        if indexed < points:
            words += f", {indexed:,} of {points:,} vectors indexed, the others searched in full"
        coded = vectors.get("quantization_config") or config.get("quantization_config") or {}
        words_coded = ", ".join(f"{n} {v.get('type', '')}".strip() for n, v in coded.items() if isinstance(v, dict)) or "none"
        if words_coded != "none" and self._rescore is not None:
            words_coded += f", rescore={str(self._rescore).lower()}"
        sample = next(self._pages(name, 100), ([], np.zeros((0, 1), np.float32)))[1]
        metric = METRICS_OF[vectors["distance"]]
        return Served(
            int(vectors["size"]), points, metric, exact, words,
            vectors.get("datatype") or "float32", words_coded, lengths_of(sample),
        )  # fmt: skip

    def stored(self, name: str) -> Iterator[tuple[list[str], np.ndarray]]:
        """Pages of points, as stored: for cosine of unit length."""
        return self._pages(name, _PAGE)

    def drop(self, name: str) -> None:
        """Remove a collection."""
        self._answer(self._client.request("DELETE", self._path(name)))

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def _pages(self, name: str, size: int) -> Iterator[tuple[list[str], np.ndarray]]:
        at: Any = None
        while True:
            body = {"limit": size, "with_payload": self._payload(), "with_vector": [self._vector] if self._vector is not None else True}
            page = self._post(name, "/points/scroll", body if at is None else {**body, "offset": at})
            if page["points"]:
                vectors = [p["vector"][self._vector] if self._vector is not None else p["vector"] for p in page["points"]]
                yield [self._id_of(p) for p in page["points"]], np.array(vectors, np.float32)
            at = page.get("next_page_offset")
            if at is None:
                return

    def _params(self) -> dict[str, Any]:
        params: dict[str, Any] = {}
        if self._exact is not None:
            params["exact"] = self._exact
        if "hnsw_ef" in self._numbers:
            params["hnsw_ef"] = self._numbers["hnsw_ef"]
        coded = {"rescore": self._rescore, "oversampling": self._oversampling}
        if given := {n: v for n, v in coded.items() if v is not None}:
            params["quantization"] = given
        return params

    def _payload(self) -> bool:
        return not (self.existing and self._id_field == POINT_ID)

    def _id_of(self, point: dict[str, Any]) -> str:
        if not self._payload():
            return str(point["id"])
        return field_of(self.kind, point.get("payload"), self._id_field if self.existing else "_id")

    def _vectors(self, info: dict[str, Any], name: str) -> dict[str, Any]:
        vectors = info["config"]["params"]["vectors"]
        if "size" in vectors and not isinstance(vectors["size"], dict):
            return vectors
        if self._vector not in vectors:
            raise InvalidArgument(f"qdrant: vector must name one of the vectors of {name}: {', '.join(vectors)}; got {self._vector!r}.")
        return vectors[self._vector]

    def _path(self, name: str, tail: str = "") -> str:
        return f"/collections/{quote(name, safe='')}{tail}"

    def _get(self, name: str, tail: str = "") -> Any:
        return self._answer(self._client.get(self._path(name, tail)))

    def _post(self, name: str, tail: str, body: Any) -> Any:
        return self._answer(self._client.post(self._path(name, tail), body))

    def _answer(self, answer: Any) -> Any:
        if not isinstance(answer, dict) or "result" not in answer:
            raise ServiceError(f"qdrant: an answer must have a result; got {self._client.hidden(str(answer))[:200]}.")
        return answer["result"]
