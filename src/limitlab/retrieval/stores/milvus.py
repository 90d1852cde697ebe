"""Milvus over its REST interface, version 2."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from limitlab._core.checks import choice, whole
from limitlab._core.errors import DataError, InvalidArgument, RangeError, ServiceError
from limitlab.retrieval.remote.http import Client
from limitlab.retrieval.remote.keys import environment_name, filled
from limitlab.retrieval.stores.fields import field_of
from limitlab.retrieval.stores.store import Hits, Served, Store, flag, lengths_of, text_or_none

INDEXES = ("flat", "hnsw", "ivf_flat", "ivf_sq8", "autoindex")
_MOST_DIMS = 32_768
_WINDOW = 16_384  # limit + offset must be less
_PAGE = 1000
_LONGEST_ID = 65_535
_LONGEST_WAIT = 600.0
_METRICS = {"COSINE": "cosine", "IP": "inner product", "L2": "euclidean"}
_OWN = {"primary": "position", "id": "doc_id", "field": "embedding"}


class Milvus(Store):
    """A collection of Milvus.

    Parameters
    ----------
    url
        Address of the service; default: this machine, port 19530.
    collection, existing
        The user's collection, asked as it is; without ``existing``, the start of the name of our own.
    field, id_field
        Of the user's collection: its vectors, and the documents' ids.
    database
        Name of the database.
    index, m, ef_construction, nlist
        Of our own collection: flat, hnsw, ivf_flat, ivf_sq8, or autoindex.
    ef, nprobe
        Of the search, for hnsw and ivf; not given: the server's.
    key
        Environment variable with ``user:password`` or a token.

    Raises
    ------
    UnknownName, RangeError, InvalidArgument
        No such index; a number out of range, or of another index; the variable is not set.
    """

    kind = "milvus"

    def __init__(
        self,
        *,
        url: str | None = None,
        collection: str | None = None,
        existing: bool = False,
        field: str = "vector",
        id_field: str = "id",
        database: str | None = None,
        index: str = "hnsw",
        m: int = 16,
        ef_construction: int = 200,
        nlist: int = 128,
        ef: int | None = None,
        nprobe: int | None = None,
        key: str | None = None,
        allow_http: bool = False,
    ) -> None:
        self._index = choice(self.kind, "index", index, INDEXES)
        graph = {
            "M": whole(self.kind, "m", m, low=2, high=2048),
            "efConstruction": whole(self.kind, "ef_construction", ef_construction, low=1),
        }
        lists = {"nlist": whole(self.kind, "nlist", nlist, low=1, high=65_536)}
        self._built: dict[str, int] = {"hnsw": graph, "ivf_flat": lists, "ivf_sq8": lists}.get(self._index, {})
        asked = {"ef": ef, "nprobe": nprobe}
        self._search = {n: whole(self.kind, n, v, low=1) for n, v in asked.items() if v is not None}
        self.collection, self.existing = text_or_none(collection), flag(self.kind, "existing", existing)
        self._field, self._id_field = (str(field), str(id_field)) if existing else (_OWN["field"], _OWN["id"])
        self._database = database
        self._url = url or "http://localhost:19530"
        secret = None if key is None else filled(self.kind, f"Bearer ${{{environment_name(self.kind, key)}}}")
        self._client = Client(
            self.kind,
            self._url,
            headers={"Authorization": secret} if secret else None,
            allow_http=flag(self.kind, "allow_http", allow_http),
        )

    def config(self) -> dict[str, Any]:
        """Address, collection and options."""
        place = {"url": self._url, "database": self._database, "collection": self.collection, "existing": self.existing}
        return {**place, "field": self._field, "id_field": self._id_field, **self.build(), **self._search}

    def build(self) -> dict[str, Any]:
        """What decides the index."""
        return {"index": self._index, **self._built}

    def shown(self) -> dict[str, Any]:
        """Collection of the user's, or the index; and options of the search."""
        return ({"collection": self.collection} if self.existing else {"index": self._index}) | self._search

    def check(self, n_docs: int, dim: int) -> None:
        """Dimensions that a field cannot hold, and options of the search that the index does not know."""
        if not self.existing and not 2 <= dim <= _MOST_DIMS:
            raise RangeError(f"milvus: vectors must have 2 to {_MOST_DIMS:,} dimensions; got {dim:,}. Use --dim.")
        known = {"hnsw": ("ef",), "ivf_flat": ("nprobe",), "ivf_sq8": ("nprobe",)}.get(self._index, ())
        if not self.existing and (wrong := [n for n in self._search if n not in known]):
            raise InvalidArgument(f"milvus: {' and '.join(wrong)} must come with an index that has it; got index={self._index}.")

    def check_k(self, k: int) -> None:
        """Below 16,384; and with hnsw at most ``ef``."""
        if k >= _WINDOW:
            raise RangeError(f"milvus: lists must have fewer than {_WINDOW:,} hits; got k={k:,}. Use measures with smaller cuts.")
        if (ef := self._search.get("ef")) is not None and k > ef:
            raise RangeError(f"milvus: ef must be at least the length of the lists, k={k:,}; got ef={ef}. Use ef={k}, or smaller cuts.")

    def held(self, name: str) -> int | None:
        """Rows, counted with strong consistency."""
        if not self._ask("collections/has", name)["has"]:
            return None
        self._load(name)
        rows = self._ask("entities/query", name, filter="", outputFields=["count(*)"], consistencyLevel="Strong")
        return int(rows[0]["count(*)"])

    def create(self, name: str, dim: int) -> None:
        """An empty collection by cosine, with its index; it is loaded at once."""
        fields = [
            {"fieldName": _OWN["primary"], "dataType": "Int64", "isPrimary": True},
            {"fieldName": _OWN["id"], "dataType": "VarChar", "elementTypeParams": {"max_length": _LONGEST_ID}},
            {"fieldName": _OWN["field"], "dataType": "FloatVector", "elementTypeParams": {"dim": dim}},
        ]
        index = {"fieldName": _OWN["field"], "indexName": _OWN["field"], "metricType": "COSINE", "indexType": self._index.upper()}
        schema = {"autoID": False, "enableDynamicField": False, "fields": fields}
        self._ask("collections/create", name, schema=schema, indexParams=[{**index, "params": self._built}])

    def add(self, name: str, start: int, ids: Sequence[str], vectors: np.ndarray) -> None:
        """Rows by number; a row that is there is replaced."""
        longest = max((len(i.encode()) for i in ids), default=0)
        if longest > _LONGEST_ID:
            raise RangeError(f"milvus: ids must have at most {_LONGEST_ID:,} bytes; one has {longest:,}.")
        rows = [{"position": start + i, "doc_id": doc, "embedding": row} for i, (doc, row) in enumerate(zip(ids, vectors.tolist()))]
        written = self._ask("entities/upsert", name, data=rows)
        if int(written.get("upsertCount", -1)) != len(rows):
            raise ServiceError(f"milvus: {len(rows):,} rows must be written; the service wrote {written.get('upsertCount')}.")

    def finish(self, name: str, n_docs: int) -> None:
        """Seal the rows, and wait until the index has taken them in: rows before that are searched in full."""
        self._load(name)
        try:
            self._ask("collections/flush", name)
        except ServiceError as error:
            if error.status != 404:  # a release without this call seals by itself, later; the record then says so
                raise
        self._wait(name, lambda: self._finished(name), "its index must be finished")

    def search(self, name: str, queries: np.ndarray, k: int) -> list[Hits]:
        """One query a request, several at a time; distances of L2 count negative."""
        metric = str(self._index_record(name)["metricType"]).upper()
        if metric not in _METRICS:
            raise InvalidArgument(f"milvus: the metric must be COSINE, IP or L2; {name} has {metric}.")
        sign = -1.0 if metric == "L2" else 1.0
        parameters = {"metricType": metric, "params": self._search}

        def ask(query: list[float]) -> Hits:
            rows = self._ask(
                "entities/search", name, data=[query], annsField=self._field, limit=k, outputFields=[self._id_field],
                searchParams=parameters, consistencyLevel="Strong",
            )  # fmt: skip
            return [(field_of(self.kind, row, self._id_field), sign * float(row["distance"])) for row in rows]

        return self._client.ordered(ask, queries.tolist())

    def describe(self, name: str) -> Served:
        """Schema and index."""
        fields = {f["name"]: f for f in self._ask("collections/describe", name)["fields"]}
        if self._field not in fields:
            raise InvalidArgument(f"milvus: {name} must have the field {self._field!r}; it has {', '.join(fields)}. Pass field=NAME.")
        field, index = fields[self._field], self._index_record(name)
        dim = next((int(p["value"]) for p in field.get("params") or [] if p["key"] == "dim"), None)
        kind = str(index.get("indexType") or "unknown").upper()
        given = [f"{p['key']}={p['value']}" for p in index.get("indexParams") or [] if p["key"] not in ("index_type", "metric_type")]
        words = " ".join([kind.lower(), *given, *(f"{n}={v}" for n, v in self._search.items())])
        words += "" if self._search or kind == "FLAT" else " (search options: the server's)"
        points = self.held(name) or 0
        indexed = int(index.get("indexedRows") or 0)
        words += f", {indexed:,} of {points:,} rows indexed, the others searched in full" if indexed < points else ""
        coded = next((c for c, sign in (("sq8", "SQ8"), ("product", "PQ"), ("rabitq", "RABITQ")) if sign in kind), "none")
        sample = next(self._pages(name, 100), ([], np.zeros((0, 1), np.float32)))[1]
        dtype = {"FloatVector": "float32", "Float16Vector": "float16", "BFloat16Vector": "bfloat16", "Int8Vector": "int8"}
        return Served(
            dim, points, _METRICS.get(str(index["metricType"]).upper(), "unknown"), kind == "FLAT", words,
            dtype.get(field["type"], field["type"]), coded, lengths_of(sample),
        )  # fmt: skip

    def stored(self, name: str) -> Iterator[tuple[list[str], np.ndarray]]:
        """All rows, page by page along the primary key."""
        return self._pages(name, _PAGE)

    def drop(self, name: str) -> None:
        """Remove a collection."""
        self._ask("collections/drop", name)

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def _pages(self, name: str, size: int) -> Iterator[tuple[list[str], np.ndarray]]:
        """A page is what follows the greatest key seen; export_vectors counts whether none was left out."""
        key = next(f for f in self._ask("collections/describe", name)["fields"] if f.get("primaryKey"))
        wanted = list(dict.fromkeys([key["name"], self._id_field, self._field]))
        last: Any = None
        while True:
            beyond = "" if last is None else f"{key['name']} > {last if isinstance(last, int) else _quoted(last)}"
            rows = self._ask("entities/query", name, filter=beyond, outputFields=wanted, limit=size, consistencyLevel="Strong")
            if not rows:
                return
            if any(self._field not in row for row in rows):
                raise DataError(f"milvus: rows of {name} must give the field {self._field!r}; some do not. Pass field=NAME.")
            yield [field_of(self.kind, row, self._id_field) for row in rows], np.array([row[self._field] for row in rows], np.float32)
            keys = [int(row[key["name"]]) if str(key.get("type", "")).startswith("Int") else str(row[key["name"]]) for row in rows]
            last = max(keys)

    def _index_record(self, name: str) -> dict[str, Any]:
        """The record of the index over the vectors."""
        listed = self._ask("collections/describe", name).get("indexes") or []
        mine = next((i for i in listed if i.get("fieldName") == self._field), None)
        if mine is None:
            raise InvalidArgument(f"milvus: the field {self._field!r} of {name} must have an index; it has none. Pass field=NAME.")
        return {**mine, **self._ask("indexes/describe", name, indexName=mine["indexName"])[0]}

    def _finished(self, name: str) -> bool:
        index = self._index_record(name)
        if index.get("indexState") == "Failed":
            reason = self._client.hidden(str(index.get("failReason") or "no reason given"))[:300]
            raise ServiceError(f"milvus: the index of {name} failed: {reason}.")
        return int(index.get("pendingRows") or 0) == 0 and index.get("indexState") in ("Finished", None)

    def _load(self, name: str) -> None:
        """Load a collection of ours; one of the user's must be loaded already."""

        def loaded() -> bool:
            return self._ask("collections/get_load_state", name).get("loadState") == "LoadStateLoaded"

        if loaded():
            return
        if self.existing:
            raise InvalidArgument(f"milvus: collection {name} must be loaded; it is not. Load it first.")
        self._ask("collections/load", name)
        self._wait(name, loaded, "it must be loaded")

    def _wait(self, name: str, done: Callable[[], bool], must: str) -> None:
        waited, step = 0.0, 0.1
        while not done():
            if waited > _LONGEST_WAIT:
                raise ServiceError(f"milvus: collection {name}: {must}; after {_LONGEST_WAIT:.0f} s that is not so.")
            time.sleep(step)
            waited, step = waited + step, min(5.0, 2 * step)

    def _ask(self, call: str, name: str, **body: Any) -> Any:
        """The data of an answer; failures come with HTTP 200 and a code that is not 0."""
        sent = {"collectionName": name, **({"dbName": self._database} if self._database else {}), **body}
        answer = self._client.post(f"/v2/vectordb/{call}", sent)
        if not isinstance(answer, dict) or "code" not in answer:
            raise ServiceError(f"milvus: an answer must have a code; got {self._client.hidden(str(answer))[:200]}.")
        if answer["code"] not in (0, 200):
            words = self._client.hidden(str(answer.get("message")))[:300]
            raise ServiceError(f"milvus: {call} of {name} was refused with code {answer['code']}: {words}")
        return answer.get("data")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
