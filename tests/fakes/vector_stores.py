"""Local servers that answer as Qdrant, Elasticsearch, OpenSearch and Milvus document it, and check every request against the published body.

Written from the services' references, independently of the clients: the REST interface of Qdrant (collections, points, query, scroll), the
Elasticsearch reference (dense_vector, knn search, bulk, scroll), the OpenSearch documentation (knn_vector, knn query, spaces, Painless
functions), the RESTful interface v2 of Milvus (collections, entities, indexes). A field that is missing, unknown or of another type gets
the service's own error. Graph indexes are played: they see only part of the points, as much as the search asks for.
"""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

NUMBER = (int, float)


class Refused(Exception):
    """An answer of the service with a status."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status, self.body = status, body


class Fake:
    """A server on this machine, in a thread.

    Attributes
    ----------
    log
        (method, path, body) of every request, in the order of arrival, faults included.
    fail_every
        Every so many requests one is answered with 503; 0 for never.
    before
        Called with (method, path) before a request is answered.
    key
        (header, value) that every request must carry.
    """

    def __init__(self) -> None:
        self.log: list[tuple[str, str, Any]] = []
        self.fail_every = 0
        self.before: Callable[[str, str], None] = lambda method, path: None
        self.key: tuple[str, str] | None = None
        self.lock = threading.RLock()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # with it every answer waits for an acknowledgement, 40 ms
            wbufsize = 1 << 16

            def answered(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, body = fake.handled(self.command, self.path, raw, self.headers)
                out = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(out)))
                if status == 503:
                    self.send_header("Retry-After", "0")
                self.end_headers()
                self.wfile.write(out)
                self.wfile.flush()

            do_GET = do_POST = do_PUT = do_DELETE = answered

            def log_message(self, *_: Any) -> None:
                return None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def handled(self, method: str, target: str, raw: bytes, headers: Any) -> tuple[int, Any]:
        parts = urlsplit(target)
        try:
            with self.lock:
                self.log.append((method, target, raw.decode()))
                if self.fail_every and len(self.log) % self.fail_every == 0:
                    return 503, {"busy": True}
                self.before(method, target)
                if self.key is not None and headers.get(self.key[0]) != self.key[1]:
                    raise Refused(401, self.denied(headers.get(self.key[0])))
                return 200, self.answer(method, parts.path, parse_qs(parts.query), raw, headers)
        except Refused as refused:
            return refused.status, refused.body

    def denied(self, sent: str | None) -> Any:
        return f"Invalid key {sent}"

    def answer(self, method: str, path: str, query: dict[str, list[str]], raw: bytes, headers: Any) -> Any:
        raise NotImplementedError

    def error(self, status: int, words: str) -> Refused:
        raise NotImplementedError

    def json_body(self, raw: bytes, known: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
        try:
            body = json.loads(raw)
        except ValueError:
            raise self.error(400, "not JSON") from None
        return self.checked(body, known, required)

    def checked(self, body: Any, known: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
        """Fields of known names and types only, and all that are required."""
        if not isinstance(body, dict):
            raise self.error(400, f"an object is expected, got {type(body).__name__}")
        for name in required:
            if name not in body:
                raise self.error(400, f"missing field `{name}`")
        for name, value in body.items():
            if name not in known:
                raise self.error(400, f"unknown field `{name}`")
            kinds = known[name] if isinstance(known[name], tuple) else (known[name],)
            if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
                raise self.error(400, f"invalid type of `{name}`: {value!r}"[:200])
        return body

    def vector(self, value: Any, dim: int) -> list[float]:
        if not isinstance(value, list) or not all(isinstance(x, NUMBER) and not isinstance(x, bool) for x in value):
            raise self.error(400, "a vector must be a list of numbers")
        if len(value) != dim:
            raise self.error(400, f"Wrong input: Vector dimension error: expected dim: {dim}, got {len(value)}")
        return [float(x) for x in value]


def dot(a: list[float], b: list[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b))


def cosine(a: list[float], b: list[float]) -> float:
    return dot(a, b) / math.sqrt(dot(a, a) * dot(b, b))


def squared(a: list[float], b: list[float]) -> float:
    return math.fsum((x - y) ** 2 for x, y in zip(a, b))


class FakeQdrant(Fake):
    """Qdrant: collections, points (upsert, count, scroll, query/batch)."""

    def __init__(self) -> None:
        super().__init__()
        self.collections: dict[str, dict[str, Any]] = {}

    def error(self, status: int, words: str) -> Refused:
        return Refused(status, {"status": {"error": words}, "time": 0.0})

    def make(self, name: str, points: dict[int, tuple[list[float], dict]], distance: str = "Cosine", **config: Any) -> None:
        """A collection of the user's."""
        size = len(next(iter(points.values()))[0])
        vectors = {"size": size, "distance": distance}
        self.collections[name] = {"vectors": vectors, "points": dict(points), "threshold": 0, "hnsw": {}, "quantization": None, **config}

    def answer(self, method, path, query, raw, headers):
        parts = [unquote(p) for p in path.strip("/").split("/")]
        if parts[0] != "collections" or len(parts) < 2:
            raise self.error(404, "no such route")
        name, rest = parts[1], "/".join(parts[2:])
        if method == "GET" and rest == "exists":
            return self.result({"exists": name in self.collections})
        if method == "PUT" and not rest:
            return self.created(name, raw)
        if name not in self.collections:
            raise self.error(404, f"Not found: Collection `{name}` doesn't exist!")
        held = self.collections[name]
        routes = {
            ("GET", ""): lambda: self.info(held),
            ("DELETE", ""): lambda: self.result(bool(self.collections.pop(name))),
            ("PUT", "points"): lambda: self.upserted(held, raw),
            ("POST", "points/count"): lambda: self.counted(held, raw),
            ("POST", "points/scroll"): lambda: self.scrolled(held, raw),
            ("POST", "points/query/batch"): lambda: self.queried(held, raw),
        }
        if (method, rest) not in routes:
            raise self.error(404, "no such route")
        return routes[method, rest]()

    def result(self, value: Any) -> Any:
        return {"result": value, "status": "ok", "time": 0.0}

    def created(self, name, raw):
        known = {"vectors": dict, "hnsw_config": dict, "optimizers_config": dict, "quantization_config": dict}
        body = self.json_body(raw, known, ("vectors",))
        vectors = self.checked(body["vectors"], {"size": int, "distance": str}, ("size", "distance"))
        if vectors["distance"] not in ("Cosine", "Dot", "Euclid", "Manhattan"):
            raise self.error(400, "unknown distance")
        if name in self.collections:
            raise self.error(409, f"Wrong input: Collection `{name}` already exists!")
        hnsw = self.checked(body.get("hnsw_config", {}), {"m": int, "ef_construct": int})
        threshold = self.checked(body.get("optimizers_config", {}), {"indexing_threshold": int}).get("indexing_threshold", 20_000)
        coded = self.checked(body.get("quantization_config", {}), {"scalar": dict, "binary": dict}) or None
        self.collections[name] = {"vectors": vectors, "points": {}, "threshold": threshold, "hnsw": hnsw, "quantization": coded}
        return self.result(True)

    def indexed(self, held) -> int:
        kilobytes = len(held["points"]) * held["vectors"]["size"] * 4 / 1024
        return len(held["points"]) if kilobytes > held["threshold"] else 0

    def info(self, held):
        config = {
            "params": {"vectors": held["vectors"]}, "hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 10_000, **held["hnsw"]},
            "optimizer_config": {"indexing_threshold": held["threshold"]}, "quantization_config": held["quantization"],
        }  # fmt: skip
        counts = {"points_count": len(held["points"]), "indexed_vectors_count": self.indexed(held), "segments_count": 1}
        return self.result(
            {"status": held.get("status", "green"), "optimizer_status": "ok", **counts, "config": config, "payload_schema": {}}
        )

    def upserted(self, held, raw):
        body = self.json_body(raw, {"points": list}, ("points",))
        for point in body["points"]:
            self.checked(point, {"id": (int, str), "vector": list, "payload": dict}, ("id", "vector"))
            vector = self.vector(point["vector"], held["vectors"]["size"])
            if held["vectors"]["distance"] == "Cosine":
                length = math.sqrt(dot(vector, vector)) or 1.0
                vector = [x / length for x in vector]
            held["points"][point["id"]] = (vector, point.get("payload") or {})
        return self.result({"operation_id": 0, "status": "completed"})

    def counted(self, held, raw):
        self.json_body(raw, {"exact": bool})
        return self.result({"count": len(held["points"])})

    def payload(self, wanted, payload):
        return payload if wanted is True else {n: v for n, v in payload.items() if n in wanted} if wanted else None

    def scrolled(self, held, raw):
        body = self.json_body(raw, {"limit": int, "offset": int, "with_payload": (bool, list), "with_vector": (bool, list)})
        ids = sorted(i for i in held["points"] if i >= body.get("offset", 0))
        page = ids[: body.get("limit", 10)]
        points = [
            {"id": i, "vector": held["points"][i][0], "payload": self.payload(body.get("with_payload", True), held["points"][i][1])}
            for i in page
        ]
        return self.result({"points": points, "next_page_offset": ids[len(page)] if len(ids) > len(page) else None})

    def queried(self, held, raw):
        body = self.json_body(raw, {"searches": list}, ("searches",))
        return self.result([{"points": self.one(held, search)} for search in body["searches"]])

    def one(self, held, search):
        known = {"query": list, "limit": int, "params": dict, "with_payload": (bool, list), "using": str}
        self.checked(search, known, ("query",))
        params = self.checked(search.get("params", {}), {"exact": bool, "hnsw_ef": int, "quantization": dict})
        self.checked(params.get("quantization", {}), {"ignore": bool, "rescore": bool, "oversampling": NUMBER})
        query, limit = self.vector(search["query"], held["vectors"]["size"]), search.get("limit", 10)
        ids = sorted(held["points"])
        if not params.get("exact") and self.indexed(held):
            ids = ids[: max(params.get("hnsw_ef", 100), limit)]  # the part of the points that this graph sees
        distance = held["vectors"]["distance"]
        score = {"Cosine": cosine, "Dot": dot, "Euclid": lambda a, b: math.sqrt(squared(a, b))}[distance]
        scored = sorted(
            ((score(query, held["points"][i][0]), i) for i in ids), key=lambda p: (p[0] if distance == "Euclid" else -p[0], p[1])
        )
        wanted = search.get("with_payload", False)
        return [{"id": i, "version": 0, "score": s, "payload": self.payload(wanted, held["points"][i][1])} for s, i in scored[:limit]]


class FakeElasticsearch(Fake):
    """Elasticsearch 8 and 9: index, bulk, mapping, count, knn and script_score search, scroll."""

    field_type, own_metric = "dense_vector", "cosine"

    def __init__(self, version: str = "8.15.0") -> None:
        super().__init__()
        self.version = version
        self.indices: dict[str, dict[str, Any]] = {}
        self.scrolls: dict[str, tuple[list[Any], int]] = {}
        self.refuse_document: Callable[[dict[str, Any]], tuple[int, str, str] | None] = lambda document: None

    def error(self, status: int, words: str, kind: str = "x_content_parse_exception") -> Refused:
        cause = {"type": kind, "reason": words}
        return Refused(status, {"error": {"root_cause": [cause], **cause}, "status": status})

    def make(self, name: str, documents: dict[str, dict[str, Any]], mapping: dict[str, Any], field: str = "embedding") -> None:
        """An index of the user's."""
        self.indices[name] = {"properties": {field: {"type": self.field_type, **mapping}}, "documents": dict(documents)}

    def answer(self, method, path, query, raw, headers):
        parts = [unquote(p) for p in path.strip("/").split("/")]
        if method == "GET" and parts == [""]:
            return {"version": {"number": self.version}, "tagline": "You Know, for Search"}
        if parts == ["_search", "scroll"]:
            return self.scroll(method, raw)
        name, rest = parts[0], "/".join(parts[1:])
        if method == "PUT" and not rest:
            return self.created(name, raw)
        if name not in self.indices:
            raise self.error(404, f"no such index [{name}]", "index_not_found_exception")
        held = self.indices[name]
        routes = {
            ("DELETE", ""): lambda: {"acknowledged": bool(self.indices.pop(name))},
            ("POST", "_refresh"): lambda: {"_shards": {"total": 1, "successful": 1, "failed": 0}},
            ("GET", "_count"): lambda: {"count": len(held["documents"]), "_shards": {"total": 1, "successful": 1, "failed": 0}},
            ("GET", "_mapping"): lambda: {name: {"mappings": {"dynamic": "false", "properties": held["properties"]}}},
            ("POST", "_bulk"): lambda: self.bulk(name, held, raw, headers),
            ("POST", "_search"): lambda: self.search(held, raw, query),
        }
        if (method, rest) not in routes:
            raise self.error(405, f"Incorrect HTTP method for uri [{path}]", "method_not_allowed")
        return routes[method, rest]()

    def created(self, name, raw):
        body = self.json_body(raw, {"settings": dict, "mappings": dict})
        if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", name):
            raise self.error(400, f"Invalid index name [{name}], must be lowercase", "invalid_index_name_exception")
        if name in self.indices:
            raise self.error(400, f"index [{name}] already exists", "resource_already_exists_exception")
        mappings = self.checked(body["mappings"], {"dynamic": bool, "properties": dict})
        self.checked(body["settings"], {"number_of_shards": int, "number_of_replicas": int})
        for field in mappings["properties"].values():
            if field["type"] == "dense_vector":
                self.checked(field, {"type": str, "dims": int, "index": bool, "similarity": str, "index_options": dict}, ("type",))
                if field["dims"] > 4096:
                    raise self.error(400, f"The number of dimensions should be in the range [1, 4096] but was [{field['dims']}]")
                options = self.checked(field.get("index_options", {}), {"type": str, "m": int, "ef_construction": int}, ("type",))
                if options["type"].startswith("bbq") and field["dims"] < 64:
                    raise self.error(400, "bbq does not support dimensions fewer than 64")
            elif field != {"type": "keyword"}:
                raise self.error(400, f"unsupported {field}")
        self.indices[name] = {"properties": mappings["properties"], "documents": {}}
        return {"acknowledged": True, "shards_acknowledged": True, "index": name}

    def dims(self, field):
        return field.get("dims")

    def bulk(self, name, held, raw, headers):
        if headers.get("Content-Type") != "application/x-ndjson" or not raw.endswith(b"\n"):
            raise self.error(400, "The bulk request must be terminated by a newline [\\n]", "illegal_argument_exception")
        lines, items = [json.loads(line) for line in raw.splitlines()], []
        vectors = {n: f for n, f in held["properties"].items() if f["type"] == self.field_type}
        for action, document in zip(lines[::2], lines[1::2]):
            number = self.checked(self.checked(action, {"index": dict}, ("index",))["index"], {"_id": str})["_id"]
            problem = self.refuse_document(document)
            for field, about in vectors.items():
                if len(document[field]) != self.dims(about):
                    problem = (
                        400,
                        "document_parsing_exception",
                        f"The [{self.field_type}] field [{field}] has a different number of dimensions",
                    )
            if problem is None:
                held["documents"][number] = document
                items.append({"index": {"_index": name, "_id": number, "result": "created", "status": 201}})
            else:
                status, kind, reason = problem
                items.append({"index": {"_index": name, "_id": number, "status": status, "error": {"type": kind, "reason": reason}}})
        return {"took": 1, "errors": any("error" in i["index"] for i in items), "items": items}

    def search(self, held, raw, query):
        known = {"size": int, "_source": (bool, list), "knn": dict, "query": dict, "sort": list, "fields": list}
        body = self.json_body(raw, known)
        size = body.get("size", 10)
        if size > 10_000:
            raise self.error(
                400, "Result window is too large, from + size must be less than or equal to: [10000]", "illegal_argument_exception"
            )
        scored = self.scored(held, body)
        hits = [self.hit(held, number, score, body) for score, number in scored]
        if "scroll" in query:
            self.scrolls["s1"] = (hits, size)
            return self.scroll("POST", b'{"scroll":"5m","scroll_id":"s1"}')
        return self.page(hits[:size])

    def page(self, hits, **more):
        return {"took": 1, "timed_out": False, "_shards": {"total": 1, "successful": 1, "failed": 0}, "hits": {"hits": hits}, **more}

    def scroll(self, method, raw):
        body = self.json_body(raw, {"scroll": str, "scroll_id": str}, ("scroll_id",))
        hits, size = self.scrolls.get(body["scroll_id"], ([], 0))
        if method == "DELETE":
            self.scrolls.pop(body["scroll_id"], None)
            return {"succeeded": True, "num_freed": 1}
        self.scrolls[body["scroll_id"]] = (hits[size:], size)
        return self.page(hits[:size], _scroll_id=body["scroll_id"])

    def hit(self, held, number, score, body):
        source = dict(held["documents"][number])
        out: dict[str, Any] = {"_index": "i", "_id": number, "_score": score}
        vectors = [n for n, f in held["properties"].items() if f["type"] == self.field_type]
        if "fields" in body:
            out["fields"] = {n: source[n] for n in body["fields"]}
        if body.get("_source") is not False:
            hidden = vectors if self.own_metric == "cosine" and tuple(map(int, self.version.split(".")[:2])) >= (9, 2) else []
            wanted = body.get("_source", list(source))
            out["_source"] = {n: v for n, v in source.items() if n in wanted and n not in hidden}
        return out

    def scored(self, held, body):
        documents = held["documents"]
        if "knn" in body:
            return self.neighbours(held, body["knn"])
        (kind, asked), *_ = body["query"].items()
        if kind == "exists":
            return [(None, number) for number in documents]
        if kind != "script_score":
            raise self.error(400, f"unknown query [{kind}]")
        self.checked(asked, {"query": dict, "script": dict}, ("query", "script"))
        script = self.checked(asked["script"], {"source": str, "params": dict}, ("source",))
        score = self.script(script)
        return sorted(((score(d), n) for n, d in documents.items()), key=lambda p: -p[0])

    def script(self, script):
        match = re.fullmatch(r"cosineSimilarity\(params\.v, '(\w+)'\) \+ 1\.0|1 / \(1 \+ l2norm\(params\.v, '(\w+)'\)\)", script["source"])
        if match is None:
            raise self.error(400, "compile error", "script_exception")
        v = script["params"]["v"]
        return lambda d: cosine(v, d[match[1]]) + 1.0 if match[1] else 1 / (1 + math.sqrt(squared(v, d[match[2]])))

    def neighbours(self, held, knn):
        known = {"field": str, "query_vector": list, "k": int, "num_candidates": int, "rescore_vector": dict}
        self.checked(knn, known, ("field", "query_vector"))
        if knn["num_candidates"] > 10_000:
            raise self.error(400, "[num_candidates] cannot exceed [10000]", "illegal_argument_exception")
        if knn["num_candidates"] < knn["k"]:
            raise self.error(400, "[num_candidates] cannot be less than [k]", "illegal_argument_exception")
        field = held["properties"].get(knn["field"])
        if field is None:
            raise self.error(400, f"field [{knn['field']}] does not exist in the mapping", "query_shard_exception")
        query = self.vector(knn["query_vector"], field["dims"])
        numbers = list(held["documents"])
        if "flat" not in (field.get("index_options") or {"type": "int8_hnsw"})["type"]:
            numbers = numbers[: 2 * knn["num_candidates"]]  # the part of the documents that this graph sees
        score = {
            "cosine": lambda a, b: (1 + cosine(a, b)) / 2,
            "dot_product": lambda a, b: (1 + dot(a, b)) / 2,
            "max_inner_product": lambda a, b: dot(a, b) + 1 if dot(a, b) >= 0 else 1 / (1 - dot(a, b)),
            "l2_norm": lambda a, b: 1 / (1 + squared(a, b)),
        }[field.get("similarity", "cosine")]
        scored = sorted(((score(query, held["documents"][n][knn["field"]]), n) for n in numbers), key=lambda p: -p[0])
        return scored[: knn["k"]]


class FakeOpenSearch(FakeElasticsearch):
    """OpenSearch 2 and 3: what differs is the mapping, the knn query and the Painless functions."""

    field_type, own_metric = "knn_vector", "cosinesimil"

    def created(self, name, raw):
        body = self.json_body(raw, {"settings": dict, "mappings": dict})
        if self.checked(body["settings"], {"index": dict})["index"].get("knn") is not True:
            raise self.error(400, "index.knn must be true", "illegal_argument_exception")
        for field in self.checked(body["mappings"], {"dynamic": bool, "properties": dict})["properties"].values():
            if field["type"] == "knn_vector":
                self.checked(field, {"type": str, "dimension": int, "method": dict, "space_type": str}, ("type", "dimension"))
                method = self.checked(field["method"], {"name": str, "engine": str, "space_type": str, "parameters": dict}, ("name",))
                self.checked(method.get("parameters", {}), {"m": int, "ef_construction": int, "encoder": dict})
        self.indices[name] = {"properties": body["mappings"]["properties"], "documents": {}}
        return {"acknowledged": True, "shards_acknowledged": True, "index": name}

    def dims(self, field):
        return field.get("dimension")

    def scored(self, held, body):
        (kind, asked), *_ = body.get("query", {"none": {}}).items()
        if kind != "knn":
            return super().scored(held, body)
        (name, asked), *_ = asked.items()
        self.checked(asked, {"vector": list, "k": int, "method_parameters": dict}, ("vector", "k"))
        field = held["properties"][name]
        query = self.vector(asked["vector"], field["dimension"])
        space = field.get("space_type") or field["method"]["space_type"]
        score = {
            "cosinesimil": lambda a, b: (2 - (1 - cosine(a, b))) / 2,
            "innerproduct": lambda a, b: dot(a, b) + 1 if dot(a, b) > 0 else 1 / (1 - dot(a, b)),
            "l2": lambda a, b: 1 / (1 + squared(a, b)),
        }[space]
        ef = self.checked(asked.get("method_parameters", {}), {"ef_search": int}).get("ef_search", 100)
        numbers = list(held["documents"])[: 2 * max(ef, asked["k"])]
        return sorted(((score(query, held["documents"][n][name]), n) for n in numbers), key=lambda p: -p[0])[: asked["k"]]

    def script(self, script):
        forms = {
            "1.0 + cosineSimilarity(params.query_value, doc[params.field])": lambda a, b: 1.0 + cosine(a, b),
            "1 / (1 + l2Squared(params.query_value, doc[params.field]))": lambda a, b: 1 / (1 + squared(a, b)),
        }
        if script["source"] not in forms:
            raise self.error(400, "compile error", "script_exception")
        p = script["params"]
        return lambda d: forms[script["source"]](p["query_value"], d[p["field"]])


class FakeMilvus(Fake):
    """Milvus, REST v2: every failure is HTTP 200 with a code that is not 0."""

    def __init__(self) -> None:
        super().__init__()
        self.collections: dict[str, dict[str, Any]] = {}

    def error(self, status: int, words: str, code: int = 1801) -> Refused:
        return Refused(200, {"code": code, "message": words})

    def denied(self, sent):
        return {"code": 1800, "message": f"user hasn't authenticated: {sent}"}

    def make(self, name: str, rows: list[dict[str, Any]], *, key: str, field: str, metric: str = "COSINE", index: str = "HNSW") -> None:
        """A collection of the user's."""
        kind = "Int64" if isinstance(rows[0][key], int) else "VarChar"
        fields = [{"fieldName": key, "dataType": kind, "isPrimary": True}]
        fields += [{"fieldName": n, "dataType": "VarChar"} for n in rows[0] if n not in (key, field)]
        fields += [{"fieldName": field, "dataType": "FloatVector", "elementTypeParams": {"dim": len(rows[0][field])}}]
        self.collections[name] = {
            "fields": fields, "index": {"fieldName": field, "indexName": "i", "metricType": metric, "indexType": index, "params": {}},
            "rows": {row[key]: row for row in rows}, "loaded": True,
        }  # fmt: skip

    def answer(self, method, path, query, raw, headers):
        routes = {
            "collections/has": self.has, "collections/create": self.created, "collections/describe": self.described,
            "collections/drop": self.dropped, "collections/load": self.loaded, "collections/get_load_state": self.state,
            "collections/flush": self.flushed, "indexes/describe": self.index, "entities/upsert": self.upserted,
            "entities/query": self.queried, "entities/search": self.searched,
        }  # fmt: skip
        call = path.removeprefix("/v2/vectordb/")
        if method != "POST" or call not in routes:
            raise Refused(404, {"code": 404, "message": "page not found"})
        body = json.loads(raw)
        if "collectionName" not in body:
            raise self.error(200, "missing required parameters, error: Key: 'collectionName'", 1802)
        if call not in ("collections/has", "collections/create") and body["collectionName"] not in self.collections:
            raise self.error(200, f"can't find collection[database=default][collection={body['collectionName']}]", 100)
        return {"code": 0, "data": routes[call](body, self.collections.get(body["collectionName"]))}

    def has(self, body, held):
        self.checked(body, {"collectionName": str, "dbName": str})
        return {"has": held is not None}

    def created(self, body, held):
        known = {"collectionName": str, "dbName": str, "schema": dict, "indexParams": list, "params": dict}
        self.checked(body, known, ("collectionName", "schema"))
        if not re.fullmatch(r"[A-Za-z_]\w*", body["collectionName"]):
            raise self.error(200, f"Invalid collection name: {body['collectionName']}", 1100)
        schema = self.checked(body["schema"], {"autoID": bool, "enableDynamicField": bool, "fields": list}, ("fields",))
        for field in schema["fields"]:
            self.checked(
                field, {"fieldName": str, "dataType": str, "isPrimary": bool, "elementTypeParams": dict}, ("fieldName", "dataType")
            )
            if field["dataType"] == "VarChar" and int(field["elementTypeParams"]["max_length"]) > 65_535:
                raise self.error(200, "the maximum length specified for the field should be in (0, 65535]", 1100)
        index = body["indexParams"][0]
        self.checked(index, {"fieldName": str, "indexName": str, "metricType": str, "indexType": str, "params": dict}, ("fieldName",))
        self.collections[body["collectionName"]] = {"fields": schema["fields"], "index": index, "rows": {}, "loaded": True}
        return {}

    def described(self, body, held):
        fields = [
            {
                "name": f["fieldName"], "type": f["dataType"], "primaryKey": f.get("isPrimary", False),
                "params": [{"key": k, "value": str(v)} for k, v in f.get("elementTypeParams", {}).items()],
            }
            for f in held["fields"]
        ]  # fmt: skip
        index = {n: held["index"][n] for n in ("fieldName", "indexName", "metricType")}
        return {"collectionName": body["collectionName"], "fields": fields, "indexes": [index], "load": "LoadStateLoaded"}

    def index(self, body, held):
        self.checked(body, {"collectionName": str, "dbName": str, "indexName": str}, ("indexName",))
        count = len(held["rows"])
        params = [{"key": k, "value": str(v)} for k, v in held["index"].get("params", {}).items()]
        counts = {"totalRows": count, "indexedRows": count, "pendingRows": 0, "indexState": "Finished", "failReason": ""}
        return [{n: held["index"][n] for n in ("fieldName", "indexName", "metricType", "indexType")} | counts | {"indexParams": params}]

    def dropped(self, body, held):
        del self.collections[body["collectionName"]]
        return {}

    def loaded(self, body, held):
        held["loaded"] = True
        return {}

    def flushed(self, body, held):
        return {}

    def state(self, body, held):
        return {"loadState": "LoadStateLoaded" if held["loaded"] else "LoadStateNotLoad", "loadProgress": 100}

    def key_of(self, held):
        return next(f["fieldName"] for f in held["fields"] if f.get("isPrimary"))

    def dim_of(self, held):
        return int(next(f for f in held["fields"] if f["dataType"] == "FloatVector")["elementTypeParams"]["dim"])

    def upserted(self, body, held):
        self.checked(body, {"collectionName": str, "dbName": str, "data": list}, ("data",))
        types = {"Int64": int, "VarChar": str, "FloatVector": list}
        known = {f["fieldName"]: types[f["dataType"]] for f in held["fields"]}
        for row in body["data"]:
            self.checked(row, known, tuple(known))
            self.vector(row[held["index"]["fieldName"]], self.dim_of(held))
            held["rows"][row[self.key_of(held)]] = row
        return {"upsertCount": len(body["data"]), "upsertIds": [row[self.key_of(held)] for row in body["data"]]}

    def queried(self, body, held):
        known = {
            "collectionName": str,
            "dbName": str,
            "filter": str,
            "outputFields": list,
            "limit": int,
            "offset": int,
            "consistencyLevel": str,
        }
        self.checked(body, known)
        if body["outputFields"] == ["count(*)"]:
            return [{"count(*)": len(held["rows"])}]
        self.window(body)
        key, last = self.key_of(held), body.get("filter", "")
        after = json.loads(last.removeprefix(f"{key} > ")) if last else None
        keys = [k for k in sorted(held["rows"]) if after is None or k > after]
        return [{n: v for n, v in held["rows"][k].items() if n in body["outputFields"]} for k in keys[: body["limit"]]]

    def window(self, body):
        if not 1 <= body.get("limit", 100) + body.get("offset", 0) < 16_384:
            raise self.error(200, f"topk [{body['limit']}] is invalid, it should be in range [1, 16384]", 65_535)

    def searched(self, body, held):
        known = {
            "collectionName": str, "dbName": str, "data": list, "annsField": str, "limit": int, "offset": int, "filter": str,
            "outputFields": list, "searchParams": dict, "consistencyLevel": str,
        }  # fmt: skip
        self.checked(body, known, ("data", "annsField"))
        self.window(body)
        if not held["loaded"]:
            raise self.error(200, "collection not loaded", 101)
        parameters = self.checked(body.get("searchParams", {}), {"metricType": str, "params": dict})
        metric, field = held["index"]["metricType"], held["index"]["fieldName"]
        if parameters.get("metricType", metric) != metric:
            raise self.error(200, f"metric type not match: invalid [expected={metric}][actual={parameters['metricType']}]", 1100)
        ef = parameters.get("params", {}).get("ef")
        if ef is not None and held["index"]["indexType"] == "HNSW" and ef < body["limit"]:
            raise self.error(200, f"ef({ef}) should be larger than k({body['limit']})", 65_535)
        query = self.vector(body["data"][0], self.dim_of(held))
        rows = list(held["rows"].values())
        if held["index"]["indexType"] == "HNSW":
            rows = rows[: 2 * (ef or max(body["limit"], 16))]  # the part of the rows that this graph sees
        score = {"COSINE": cosine, "IP": dot, "L2": squared}[metric]
        scored = sorted(
            ((score(query, row[field]), i) for i, row in enumerate(rows)), key=lambda p: (p[0] if metric == "L2" else -p[0], p[1])
        )
        key, wanted = self.key_of(held), body.get("outputFields", [])
        return [
            {"id": rows[i][key], "distance": s, **{n: v for n, v in rows[i].items() if n in wanted}}
            for s, i in scored[: body.get("limit", 100)]
        ]
