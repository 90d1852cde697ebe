"""Elasticsearch: dense_vector fields, approximate and exact."""

from __future__ import annotations

from typing import Any

import numpy as np

from limitlab._core.checks import choice, real, whole
from limitlab._core.errors import InvalidArgument, RangeError
from limitlab.retrieval.stores.search_engine import MOST_HITS, OWN_FIELD, OWN_ID, SearchEngine
from limitlab.retrieval.stores.store import Served, flag, lengths_of

TYPES = ("hnsw", "int8_hnsw", "int4_hnsw", "bbq_hnsw", "flat", "int8_flat", "int4_flat", "bbq_flat")
_MOST_DIMS = 4096
_LEAST_BBQ = 64
_METRICS = {"cosine": "cosine", "dot_product": "inner product", "max_inner_product": "inner product", "l2_norm": "euclidean"}


class Elasticsearch(SearchEngine):
    """An index with a dense_vector field.

    Parameters
    ----------
    url
        Address of the service; default: this machine, port 9200.
    index, existing
        The user's index, asked as it is; without ``existing``, the start of the name of our own.
    field, id_field
        Of the user's index: its vectors, and the documents' ids: ``_id``, or a field of the source (dots for nesting).
    type, m, ef_construction
        Of our own index: hnsw, int8_hnsw, int4_hnsw, bbq_hnsw, flat, int8_flat, int4_flat, or bbq_flat; default hnsw, 16, 100.
    num_candidates
        Candidates a shard, at most 10,000 and at least the length of the lists.
    oversample
        ``rescore_vector.oversample`` of the search.
    exact
        Score every document (script_score) instead.
    key, login
        Environment variables with an API key, or with ``user:password``.

    Raises
    ------
    UnknownName, RangeError, InvalidArgument
        No such type; a number out of range; a variable that is not set.
    """

    kind = "elasticsearch"

    def __init__(
        self,
        *,
        url: str | None = None,
        index: str | None = None,
        existing: bool = False,
        field: str = "embedding",
        id_field: str = "_id",
        type: str = "hnsw",
        m: int | None = None,
        ef_construction: int | None = None,
        num_candidates: int = 100,
        oversample: float | None = None,
        exact: bool = False,
        key: str | None = None,
        login: str | None = None,
        allow_http: bool = False,
    ) -> None:
        self._type = choice(self.kind, "type", type, TYPES)
        self._candidates = whole(self.kind, "num_candidates", num_candidates, low=1, high=MOST_HITS)
        graph = {"m": (m, 2), "ef_construction": (ef_construction, 1)}
        self._graph = {n: whole(self.kind, n, v, low=low) for n, (v, low) in graph.items() if v is not None}
        if self._graph and not self._type.endswith("hnsw"):
            raise InvalidArgument(f"elasticsearch: m and ef_construction must come with a type of hnsw; got type={type}.")
        self._oversample = None if oversample is None else real(self.kind, "oversample", oversample, low=1.0, high=10.0)
        self._exact = flag(self.kind, "exact", exact)
        super().__init__(url, index=index, existing=existing, field=field, id_field=id_field, key=key, login=login, allow_http=allow_http)

    def config(self) -> dict[str, Any]:
        """Address, index and options."""
        place = {"url": self._url, "index": self.collection, "existing": self.existing, "field": self._field, "id_field": self._id_field}
        return {**place, **self.build(), "num_candidates": self._candidates, "oversample": self._oversample, "exact": self._exact}

    def build(self) -> dict[str, Any]:
        """What decides the index."""
        return {"type": self._type, **self._graph}

    def shown(self) -> dict[str, Any]:
        """Index of the user's, or what differs from the usual."""
        out: dict[str, Any] = {"index": self.collection} if self.existing else {} if self._type == "hnsw" else {"type": self._type}
        out |= self._graph | ({} if self._candidates == 100 else {"num_candidates": self._candidates})
        out |= {} if self._oversample is None else {"oversample": self._oversample}
        return out | ({"exact": "true"} if self._exact else {})

    def check(self, n_docs: int, dim: int) -> None:
        """Dimensions that the field cannot hold."""
        if not self.existing and dim > _MOST_DIMS:
            raise RangeError(
                f"elasticsearch: a dense_vector must have at most {_MOST_DIMS:,} dimensions; got {dim:,}. Use --dim {_MOST_DIMS}."
            )
        if not self.existing and self._type.startswith("bbq") and dim < _LEAST_BBQ:
            raise RangeError(f"elasticsearch: type={self._type} must have at least {_LEAST_BBQ} dimensions; got {dim}. Use type=hnsw.")

    def check_k(self, k: int) -> None:
        """``k <= num_candidates <= 10,000``."""
        if not self._exact and k > self._candidates:
            raise RangeError(
                f"elasticsearch: num_candidates must be at least the length of the lists, k={k:,}; got num_candidates={self._candidates:,}. "
                f"Use num_candidates={min(MOST_HITS, max(k, 100))}, or measures with smaller cuts."
            )
        if k > MOST_HITS:
            raise RangeError(f"elasticsearch: lists must have at most {MOST_HITS:,} hits; got k={k:,}. Use measures with smaller cuts.")

    def describe(self, name: str) -> Served:
        """The field's mapping, and the version that decides what is not in it."""
        field = self._mapping(name)
        given = field.get("index_options") or {}
        version = str(self._client.get("/").get("version", {}).get("number", "?"))
        kind = given.get("type")
        words = " ".join(
            [kind or "type not stated", *(f"{n}={given[n]}" for n in ("m", "ef_construction", "confidence_interval") if n in given)]
        )
        if kind is None:
            words += f", the default of Elasticsearch {version}: int8_hnsw from 8.14, bbq_hnsw from 9.1 with 384 dimensions or more"
        search = "script_score over all documents" if self._exact else f"num_candidates={self._candidates} a shard"
        coded = next((c for c in ("int8", "int4", "bbq") if (kind or "").startswith(c)), "none" if kind else "by default")
        sample = next(self.stored(name), ([], np.zeros((0, 1), np.float32)))[1]
        return Served(
            field.get("dims"), self.held(name) or 0, _METRICS[field.get("similarity", "cosine")], self._exact or (kind or "").endswith("flat"),
            f"{words}, {search}", {"float": "float32", "byte": "int8"}.get(field.get("element_type", "float"), field.get("element_type", "float32")),
            "none" if self._exact else coded, lengths_of(sample),
        )  # fmt: skip

    def _new_index(self, dim: int) -> dict[str, Any]:
        options = {"type": self._type, **self._graph}
        vector = {"type": "dense_vector", "dims": dim, "index": True, "similarity": "cosine", "index_options": options}
        return {
            "settings": {"number_of_shards": 1, "number_of_replicas": 0},
            "mappings": {"dynamic": False, "properties": {OWN_FIELD: vector, OWN_ID: {"type": "keyword"}}},
        }

    def _question(self, name: str, query: list[float], k: int) -> dict[str, Any]:
        if self._exact:
            functions = {
                "cosine": f"cosineSimilarity(params.v, '{self._field}') + 1.0",
                "dot_product": f"cosineSimilarity(params.v, '{self._field}') + 1.0",  # vectors of dot_product fields have unit length
                "l2_norm": f"1 / (1 + l2norm(params.v, '{self._field}'))",
            }
            similarity = self._mapping(name).get("similarity", "cosine")
            if similarity not in functions:
                raise InvalidArgument(f"elasticsearch: exact=true must be with cosine, dot_product or l2_norm; {name} has {similarity}.")
            matched = {"exists": {"field": self._field}}
            return {"query": {"script_score": {"query": matched, "script": {"source": functions[similarity], "params": {"v": query}}}}}
        knn: dict[str, Any] = {"field": self._field, "query_vector": query, "k": k, "num_candidates": self._candidates}
        if self._oversample is not None:
            knn["rescore_vector"] = {"oversample": self._oversample}
        return {"knn": knn}

    def _similarity(self, name: str, score: float) -> float:
        similarity = self._mapping(name).get("similarity", "cosine")
        if self._exact:
            return 1.0 - 1.0 / score if similarity == "l2_norm" else score - 1.0
        if similarity in ("cosine", "dot_product"):
            return 2.0 * score - 1.0
        if similarity == "max_inner_product":
            return score - 1.0 if score >= 1.0 else 1.0 - 1.0 / score
        return -float(np.sqrt(max(0.0, 1.0 / score - 1.0)))

    def _with_vectors(self) -> dict[str, Any]:
        return {"fields": [self._field]}  # from 9.2 the source is returned without vectors
