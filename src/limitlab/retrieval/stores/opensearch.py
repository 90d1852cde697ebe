"""OpenSearch: knn_vector fields, approximate and exact."""

from __future__ import annotations

from typing import Any

import numpy as np

from limitlab._core.checks import choice, whole
from limitlab._core.errors import InvalidArgument, RangeError
from limitlab.retrieval.stores.search_engine import MOST_HITS, OWN_FIELD, OWN_ID, SearchEngine
from limitlab.retrieval.stores.store import Served, flag, lengths_of

ENGINES = ("lucene", "faiss")
_MOST_DIMS = 16_000
_METRICS = {"cosinesimil": "cosine", "innerproduct": "inner product", "l2": "euclidean", "hamming": "hamming"}


class OpenSearch(SearchEngine):
    """An index with a knn_vector field.

    Parameters
    ----------
    url
        Address of the service; default: this machine, port 9200.
    index, existing, field, id_field
        As for Elasticsearch.
    engine, m, ef_construction
        Of our own index: lucene or faiss; links and candidates of the graph.
    ef_search
        Of the search (engine faiss; lucene takes the length of the list).
    exact
        Score every document (script_score) instead.
    key, login
        Environment variables with an API key, or with ``user:password``.

    Raises
    ------
    UnknownName, RangeError, InvalidArgument
        No such engine; a number out of range; a variable that is not set.
    """

    kind = "opensearch"

    def __init__(
        self,
        *,
        url: str | None = None,
        index: str | None = None,
        existing: bool = False,
        field: str = "embedding",
        id_field: str = "_id",
        engine: str = "lucene",
        m: int | None = None,
        ef_construction: int | None = None,
        ef_search: int | None = None,
        exact: bool = False,
        key: str | None = None,
        login: str | None = None,
        allow_http: bool = False,
    ) -> None:
        self._engine = choice(self.kind, "engine", engine, ENGINES)
        graph = {"m": (m, 2), "ef_construction": (ef_construction, 1)}
        self._graph = {n: whole(self.kind, n, v, low=low) for n, (v, low) in graph.items() if v is not None}
        self._ef_search = None if ef_search is None else whole(self.kind, "ef_search", ef_search, low=1)
        self._exact = flag(self.kind, "exact", exact)
        super().__init__(url, index=index, existing=existing, field=field, id_field=id_field, key=key, login=login, allow_http=allow_http)

    def config(self) -> dict[str, Any]:
        """Address, index and options."""
        place = {"url": self._url, "index": self.collection, "existing": self.existing, "field": self._field, "id_field": self._id_field}
        return {**place, **self.build(), "ef_search": self._ef_search, "exact": self._exact}

    def build(self) -> dict[str, Any]:
        """What decides the index."""
        return {"engine": self._engine, **self._graph}

    def shown(self) -> dict[str, Any]:
        """Index of the user's, or what differs from the usual."""
        out: dict[str, Any] = {"index": self.collection} if self.existing else {} if self._engine == "lucene" else {"engine": self._engine}
        out |= self._graph | ({} if self._ef_search is None else {"ef_search": self._ef_search})
        return out | ({"exact": "true"} if self._exact else {})

    def check(self, n_docs: int, dim: int) -> None:
        """Dimensions that the field cannot hold."""
        if not self.existing and dim > _MOST_DIMS:
            raise RangeError(f"opensearch: a knn_vector must have at most {_MOST_DIMS:,} dimensions; got {dim:,}. Use --dim {_MOST_DIMS}.")

    def check_k(self, k: int) -> None:
        """At most 10,000."""
        if k > MOST_HITS:
            raise RangeError(f"opensearch: lists must have at most {MOST_HITS:,} hits; got k={k:,}. Use measures with smaller cuts.")

    def describe(self, name: str) -> Served:
        """The field's mapping."""
        field = self._mapping(name)
        method = field.get("method") or {}
        parameters = method.get("parameters") or {}
        encoder = parameters.get("encoder") or {}
        words = [str(method.get("name", "hnsw")), f"engine={method.get('engine', 'default')}"]
        words += [f"{n}={parameters[n]}" for n in ("m", "ef_construction", "nlist", "nprobes") if n in parameters]
        words += [f"ef_search={self._ef_search or 'default'}"] if not self._exact else ["script_score over all documents"]
        coded = str(encoder.get("name") or (f"compression {field['compression_level']}" if "compression_level" in field else "none"))
        sample = next(self.stored(name), ([], np.zeros((0, 1), np.float32)))[1]
        dtype = {"float": "float32", "byte": "int8"}.get(field.get("data_type", "float"), str(field.get("data_type")))
        return Served(
            field.get("dimension"), self.held(name) or 0, _METRICS[self._space(name)], self._exact, " ".join(words), dtype,
            "none" if self._exact else coded, lengths_of(sample),
        )  # fmt: skip

    def _space(self, name: str) -> str:
        field = self._mapping(name)
        return str(field.get("space_type") or (field.get("method") or {}).get("space_type") or "l2")

    def _new_index(self, dim: int) -> dict[str, Any]:
        method = {"name": "hnsw", "engine": self._engine, "space_type": "cosinesimil", "parameters": self._graph}
        return {
            "settings": {"index": {"knn": True, "number_of_shards": 1, "number_of_replicas": 0}},
            "mappings": {
                "dynamic": False,
                "properties": {OWN_FIELD: {"type": "knn_vector", "dimension": dim, "method": method}, OWN_ID: {"type": "keyword"}},
            },
        }

    def _question(self, name: str, query: list[float], k: int) -> dict[str, Any]:
        if self._exact:
            functions = {
                "cosinesimil": "1.0 + cosineSimilarity(params.query_value, doc[params.field])",
                "l2": "1 / (1 + l2Squared(params.query_value, doc[params.field]))",
            }
            space = self._space(name)
            if space not in functions:
                raise InvalidArgument(f"opensearch: exact=true must be with cosinesimil or l2; {name} has {space}.")
            script = {"source": functions[space], "params": {"field": self._field, "query_value": query}}
            return {"query": {"script_score": {"query": {"exists": {"field": self._field}}, "script": script}}}
        asked: dict[str, Any] = {"vector": query, "k": k}
        if self._ef_search is not None:
            asked["method_parameters"] = {"ef_search": self._ef_search}
        return {"query": {"knn": {self._field: asked}}}

    def _similarity(self, name: str, score: float) -> float:
        space = self._space(name)
        if space == "cosinesimil":
            return score - 1.0 if self._exact else 2.0 * score - 1.0
        if space == "innerproduct":
            return score - 1.0 if score >= 1.0 else 1.0 - 1.0 / score
        return -float(np.sqrt(max(0.0, 1.0 / score - 1.0))) if space == "l2" else 1.0 - 1.0 / score
