"""Qdrant within this process (qdrant-client): exact search over vectors in a folder or in memory."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.checks import choice
from limitlab._core.errors import DataError, InvalidArgument
from limitlab._core.optional import require
from limitlab._core.provenance import versions
from limitlab.retrieval.stores.fields import field_of
from limitlab.retrieval.stores.store import Hits, Served, Store, flag, lengths_of, text_or_none

METRICS_OF = {"Cosine": "cosine", "Dot": "inner product", "Euclid": "euclidean", "Manhattan": "manhattan"}
POINT_ID = "point-id"
_BATCH = 256


class QdrantEmbedded(Store):
    """See ``qdrant``. It holds no index and searches exactly; a folder is open to one process at a time."""

    kind = "qdrant"

    def __init__(
        self, *, path: str | None, location: str | None, collection: str | None, existing: bool, id_field: str, vector: str | None
    ) -> None:
        if location is not None:
            choice("qdrant", "location", location, (":memory:",))
        if existing and path is None:
            raise InvalidArgument("qdrant: existing=true must come with path= or url=; nothing is in memory yet.")
        if existing and path is not None and not Path(path).is_dir():  # the library would make it
            raise DataError.at(path, None, "this folder of an existing Qdrant collection does not exist")
        self._place = {"path": str(path)} if path is not None else {"location": ":memory:"}
        self.collection, self.existing = text_or_none(collection), flag(self.kind, "existing", existing)
        self._id_field, self._vector = str(id_field), text_or_none(vector)
        self._made: Any = None

    def config(self) -> dict[str, Any]:
        """Embedded, and what is asked; an existing collection may change, so its results are not kept."""
        about = {"qdrant-client": versions().get("qdrant-client"), "mode": "embedded"}
        return {**about, "collection": self.collection, "id_field": self._id_field, "vector": self._vector} if self.existing else about

    def build(self) -> dict[str, Any]:
        """The same for every release: points and cosine."""
        return {"mode": "embedded"}

    def repeatable(self, n_docs: int) -> bool:
        """What is ours; a collection of the user's may change."""
        return not self.existing

    def held(self, name: str) -> int | None:
        """Points of a collection."""
        client = self._client()
        return int(client.count(name).count) if client.collection_exists(name) else None

    def create(self, name: str, dim: int) -> None:
        """An empty collection, by cosine."""
        models = self._models()
        self._client().create_collection(name, vectors_config=models.VectorParams(size=dim, distance=models.Distance.COSINE))

    def add(self, name: str, start: int, ids: Sequence[str], vectors: np.ndarray) -> None:
        """Points numbered by row, with the document's id in the payload ``_id``."""
        models = self._models()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that many points are slow: the seconds are reported
            points = [
                models.PointStruct(id=start + i, vector=row, payload={"_id": name_of})
                for i, (name_of, row) in enumerate(zip(ids, vectors.tolist()))
            ]
            self._client().upsert(name, points)

    def search(self, name: str, queries: np.ndarray, k: int) -> list[Hits]:
        """Exact; distances count negative."""
        models, sign = self._models(), self._sign(name)
        wanted: Any = [self._id_field.partition(".")[0]] if self._payload() else False
        out: list[Hits] = []
        for start in range(0, len(queries), _BATCH):
            asked = [
                models.QueryRequest(query=row, limit=k, with_payload=wanted, using=self._vector)
                for row in queries[start : start + _BATCH].tolist()
            ]
            for answer in self._client().query_batch_points(name, asked):
                out.append([(self._id_of(p.id, p.payload), sign * p.score) for p in answer.points])
        return out

    def describe(self, name: str) -> Served:
        """Size and distance."""
        params = self._params(name)
        sample = next(self.stored(name), ([], np.zeros((0, 1))))[1]
        metric = METRICS_OF[params.distance.value]
        dtype = params.datatype.value if params.datatype is not None else "float32"
        return Served(int(params.size), self.held(name) or 0, metric, True, "none (embedded)", dtype, "none", lengths_of(sample))

    def stored(self, name: str) -> Iterator[tuple[list[str], np.ndarray]]:
        """Pages of points, as stored: for cosine of unit length."""
        at: Any = None
        while True:
            points, at = self._client().scroll(name, limit=_BATCH, offset=at, with_vectors=True, with_payload=self._payload())
            if points:
                vectors = [p.vector[self._vector] if self._vector is not None else p.vector for p in points]
                yield [self._id_of(p.id, p.payload) for p in points], np.array(vectors, np.float32)
            if at is None:
                return

    def drop(self, name: str) -> None:
        """Remove a collection."""
        self._client().delete_collection(name)

    def release(self) -> None:
        """Give the folder free."""
        if self._made is not None and "path" in self._place:
            self._made.close()
            self._made = None

    def _payload(self) -> bool:
        return not (self.existing and self._id_field == POINT_ID)

    def _id_of(self, point: Any, payload: Any) -> str:
        if not self._payload():
            return str(point)
        return field_of(self.kind, payload, self._id_field if self.existing else "_id")

    def _params(self, name: str) -> Any:
        params = self._client().get_collection(name).config.params.vectors
        if isinstance(params, dict):
            if self._vector not in params:
                raise InvalidArgument(f"qdrant: vector must name one of the vectors of {name}: {', '.join(params)}; got {self._vector!r}.")
            return params[self._vector]
        return params

    def _sign(self, name: str) -> float:
        return 1.0 if METRICS_OF[self._params(name).distance.value] in ("cosine", "inner product") else -1.0

    def _models(self) -> Any:
        return require("qdrant_client", extra="qdrant", what="embedded Qdrant collections", package="qdrant-client").models

    def _client(self) -> Any:
        if self._made is None:
            library = require("qdrant_client", extra="qdrant", what="embedded Qdrant collections", package="qdrant-client")
            try:
                self._made = library.QdrantClient(**self._place)
            except RuntimeError as error:
                raise InvalidArgument(
                    f"qdrant: the folder must be open in no other process; {self._place.get('path')} is ({str(error).splitlines()[0][:120]})."
                ) from None
        return self._made
