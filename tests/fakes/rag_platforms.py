"""RAG platforms for tests: real HTTP servers in a thread that refuse what the real ones refuse.

Each checks the request against the published body (unknown and missing fields are answered with the service's own error), enforces the
limits, and answers as documented. Sources: Dify ``openapi_knowledge.json`` and the page External Knowledge API (docs.dify.ai); RAGFlow
``docs/references/http_api_reference.md``; FastGPT ``doc.fastgpt.io`` (dataset API); TaskingAI ``backend/app/schemas/retrieval``.
Shares no code with the clients. The ranking inside is the share of the query's words that a chunk has.
"""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.request
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

KEY = "sk-private-0123456789"


class Refused(Exception):
    def __init__(self, status: int, body) -> None:
        super().__init__(str(body))
        self.status, self.body = status, body


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower())) - {"who", "likes"}


def score(query: str, text: str) -> float:
    asked = words(query)
    return len(asked & words(text)) / len(asked) if asked else 0.0


def by_score(query: str, chunks: list[dict]) -> list[tuple[float, dict]]:
    return sorted(((score(query, c["text"]), c) for c in chunks), key=lambda pair: -pair[0])


class Service:
    """A server on a free port of this machine.

    ``fail_every=3`` answers every third request with 500; ``refuse_after=n`` closes the door for good after n requests; ``log`` holds
    (method, path, body) of every request that was answered.
    """

    def __init__(self, *, key: str | None = KEY, fail_every: int = 0) -> None:
        self.key, self.fail_every, self.log, self.count = key, fail_every, [], 0
        self.lose_answer_to = ""  # the first request to a path with this end is carried out, and answered with 502
        self.lock = threading.Lock()
        self.on_request = lambda: None
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet: two would wait 40 ms for each other

            def log_message(self, *_):
                pass

            def _serve(self):
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, body = service._respond(self.command, self.path, self.headers, raw)
                data = b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                if status >= 500:
                    self.send_header("Retry-After", "0")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = _serve

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _respond(self, method, target, headers, raw):
        with self.lock:
            self.count += 1
            failing = self.fail_every and self.count % self.fail_every == 0
        if failing:
            return 500, {"message": "internal error"}
        try:
            if self.key is not None and headers.get("Authorization") != f"Bearer {self.key}":
                raise Refused(*self.unauthorised(headers.get("Authorization")))
            parts = urlsplit(target)
            kind = headers.get("Content-Type", "")
            body = None
            if raw and kind.startswith("multipart/form-data"):
                form = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + raw).get_payload()
                body = [(p.get_param("name", header="content-disposition"), p.get_filename(), p.get_payload(decode=True)) for p in form]
            elif raw:
                if kind != "application/json":
                    raise Refused(415, {"message": "Content-Type must be application/json"})
                body = json.loads(raw)
            with self.lock:
                self.log.append((method, parts.path, body))
                answer = self.answer(method, parts.path, {k: v[0] for k, v in parse_qs(parts.query).items()}, body)
            self.on_request()
            if self.lose_answer_to and parts.path.endswith(self.lose_answer_to):
                self.lose_answer_to = ""
                return 502, {"message": "bad gateway"}
            return answer if isinstance(answer, tuple) else (200, answer)
        except Refused as refused:
            return refused.status, refused.body

    def unauthorised(self, given):
        return 401, {"code": "unauthorized", "message": f"Access token is invalid: {given}", "status": 401}

    def answer(self, method, path, query, body):
        raise NotImplementedError

    def asked(self, path_end: str) -> list[dict]:
        return [body for _, path, body in self.log if path.endswith(path_end)]

    def fields(self, body, required: dict, optional: dict, where="body"):
        if not isinstance(body, dict):
            self.wrong(f"{where} must be an object")
        for name in required:
            if name not in body:
                self.wrong(f"`{name}` is required.")
        for name, value in body.items():
            kind = {**required, **optional}.get(name)
            if kind is None:
                self.wrong(f"{where}: unknown field {name}")
            if not isinstance(value, kind) or (isinstance(value, bool) and kind not in (bool, (bool, type(None)))):
                self.wrong(f"{where}: {name} has type {type(value).__name__}")

    def wrong(self, message: str):
        raise Refused(400, {"code": "invalid_param", "message": message, "status": 400})


NUMBER = (int, float)
NULL = type(None)


def chunked(docs: dict[str, str], pieces: int) -> list[dict]:
    """Chunks of documents: ``pieces`` consecutive groups of words each."""
    out = []
    for number, (name, text) in enumerate(docs.items()):
        tokens = text.split()
        size = -(-len(tokens) // pieces)
        for at in range(0, max(1, len(tokens)), size or 1):
            out.append({"doc": f"doc-{number:04d}", "name": name, "text": " ".join(tokens[at : at + size]), "id": f"c{len(out):05d}"})
    return out


class WithDatasets(Service):
    """Datasets by id: ``{"name", "docs": {id: {"name", "text", "state", "seen"}}}``. A document is indexed once it was listed ``looks`` times."""

    looks = 1

    def __init__(self, docs: dict[str, str] | None = None, *, pieces: int = 1, ending: str = "", dataset: str = "ds-1", **options) -> None:
        self.pieces, self.datasets, self.deleted = pieces, {}, []
        self.failing: set[str] = set()
        if docs is not None:
            self.datasets[dataset] = {"name": "existing", "docs": {}}
            for name, text in docs.items():
                self._add(dataset, name + ending, text, state="indexed")
        super().__init__(**options)

    def _add(self, dataset, name, text, *, state):
        docs = self.datasets[dataset]["docs"]
        number = f"{len(docs):08x}{len(self.datasets):08x}"
        docs[number] = {"id": number, "name": name, "text": text, "state": state, "seen": 0}
        return docs[number]

    def _make(self, name, prefix="made"):
        number = f"{prefix}-{len(self.datasets) + 1}"
        self.datasets[number] = {"name": name, "docs": {}}
        return number

    def _look(self, dataset):
        for doc in self.datasets[dataset]["docs"].values():
            if doc["state"] == "waiting":
                doc["seen"] += 1
                if doc["seen"] >= self.looks:
                    doc["state"] = "failed" if doc["name"] in self.failing else "indexed"
        return list(self.datasets[dataset]["docs"].values())

    def chunks(self, dataset):
        out = []
        for doc in self.datasets[dataset]["docs"].values():
            if doc["state"] == "indexed":
                out += [{**c, "doc": doc["id"]} for c in chunked({doc["name"]: doc["text"]}, self.pieces)]
        return out


class Dify(WithDatasets):
    """Dify's knowledge API. ``extra``: records beyond top_k; ``keyword_scores=None`` as in keyword mode."""

    extra = 0

    def answer(self, method, path, query, body):
        steps = path.strip("/").split("/")[1:]  # after v1
        if steps == ["datasets"] and method == "GET":
            found = [{"id": i, "name": d["name"]} for i, d in self.datasets.items() if query.get("keyword", "") in d["name"]]
            return self._page(found, query)
        if steps == ["datasets"] and method == "POST":
            self.fields(
                body,
                {"name": str},
                {"indexing_technique": str, "permission": str, "provider": str, "embedding_model": str, "embedding_model_provider": str},
            )
            if not 1 <= len(body["name"]) <= 40:
                self.wrong("name: 1 to 40 characters")
            if any(d["name"] == body["name"] for d in self.datasets.values()):
                raise Refused(409, {"code": "dataset_name_duplicate", "message": "The dataset name already exists.", "status": 409})
            return {"id": self._make(body["name"]), "name": body["name"]}
        if steps[0] != "datasets" or steps[1] not in self.datasets:
            raise Refused(404, {"code": "not_found", "message": "Dataset not found.", "status": 404})
        dataset = steps[1]
        if method == "GET" and len(steps) == 2:
            count = len(self.datasets[dataset]["docs"])
            return {
                "id": dataset,
                "embedding_model": "text-embedding-3-small",
                "document_count": count,
                "indexing_technique": "high_quality",
            }
        if method == "DELETE" and len(steps) == 2:
            self.deleted.append(self.datasets.pop(dataset)["name"])
            return 204, None
        if steps[2:] == ["documents"] and method == "GET":
            states = {"indexed": "completed", "failed": "error", "waiting": "indexing"}
            docs = [
                {
                    "id": d["id"],
                    "name": d["name"],
                    "indexing_status": states[d["state"]],
                    "error": "model quota" if d["state"] == "failed" else None,
                }
                for d in self._look(dataset)
            ]
            return self._page(docs, query)
        if steps[2:] == ["document", "create-by-text"]:
            self.fields(body, {"name": str, "text": str}, {"indexing_technique": str, "doc_form": str, "process_rule": dict})
            return {"document": {"id": self._add(dataset, body["name"], body["text"], state="waiting")["id"]}, "batch": "b"}
        if steps[2:] == ["retrieve"] and method == "POST":
            return self._retrieve(dataset, body)
        raise Refused(404, {"code": "not_found", "message": path, "status": 404})

    def _page(self, found, query):
        page, limit = int(query.get("page", 1)), int(query.get("limit", 20))
        if limit > 100:
            self.wrong("limit must be at most 100")
        return {
            "data": found[(page - 1) * limit : page * limit],
            "has_more": len(found) > page * limit,
            "limit": limit,
            "total": len(found),
            "page": page,
        }

    def _retrieve(self, dataset, body):
        self.fields(body, {"query": str}, {"retrieval_model": dict, "external_retrieval_model": dict})
        if len(body["query"]) > 250:
            self.wrong("Query must not exceed 250 characters")
        model = body["retrieval_model"]
        self.fields(
            model,
            {"search_method": str, "reranking_enable": bool, "top_k": int, "score_threshold_enabled": bool},
            {
                "score_threshold": (int, float, NULL),
                "reranking_mode": (str, NULL),
                "reranking_model": (dict, NULL),
                "weights": (dict, NULL),
                "metadata_filtering_conditions": (dict, NULL),
            },
            "retrieval_model",
        )
        if model["search_method"] not in ("keyword_search", "semantic_search", "full_text_search", "hybrid_search"):
            self.wrong("search_method")
        scored = by_score(body["query"], self.chunks(dataset))
        if model["score_threshold_enabled"]:
            scored = [(s, c) for s, c in scored if s >= model["score_threshold"]]
        null = model["search_method"] == "keyword_search"
        names = {d["id"]: d["name"] for d in self.datasets[dataset]["docs"].values()}
        records = [
            {
                "segment": {
                    "id": c["id"], "position": 1, "document_id": c["doc"], "content": c["text"], "answer": "", "keywords": [], "enabled": True,
                    "document": {"id": c["doc"], "data_source_type": "upload_file", "name": names[c["doc"]], "doc_metadata": None},
                },
                "child_chunks": [], "score": None if null else s, "files": [], "tsne_position": None,
            }
            for s, c in scored[: model["top_k"] + self.extra]
        ]  # fmt: skip
        return {"query": {"content": body["query"]}, "records": records}


class RAGFlow(WithDatasets):
    """RAGFlow's HTTP API: says 200 and a code other than 0 where it refuses."""

    def unauthorised(self, given):
        return 200, {"code": 109, "message": f"Authentication error: API key is invalid! {given}"}

    def wrong(self, message):
        raise Refused(200, {"code": 102, "message": message})

    def answer(self, method, path, query, body):
        steps = path.strip("/").split("/")
        assert steps[:2] == ["api", "v1"], path
        steps = steps[2:]
        if steps == ["retrieval"]:
            return self._retrieve(body)
        if steps == ["datasets"] and method == "GET" and "id" in query:
            if query["id"] not in self.datasets:
                self.wrong("The dataset doesn't exist")
            count = len(self.datasets[query["id"]]["docs"])
            return {"code": 0, "data": [{"id": query["id"], "embedding_model": "bge-m3@BAAI", "document_count": count}]}
        if steps == ["datasets"] and method == "GET":
            return {"code": 0, "data": self._page([{"id": i, "name": d["name"]} for i, d in self.datasets.items()], query)}
        if steps == ["datasets"] and method == "POST":
            self.fields(body, {"name": str}, {"embedding_model": str, "chunk_method": str, "permission": str, "parser_config": dict})
            return {"code": 0, "data": {"id": self._make(body["name"]), "name": body["name"]}}
        if steps == ["datasets"] and method == "DELETE":
            self.fields(body, {"ids": (list, NULL)}, {})
            for number in list(self.datasets) if body["ids"] is None else body["ids"]:
                self.deleted.append(self.datasets.pop(number)["name"])
            return {"code": 0}
        if steps[0] != "datasets" or steps[1] not in self.datasets:
            self.wrong("You don't own the dataset.")
        dataset = steps[1]
        if steps[2:] == ["documents"] and method == "POST":
            ((field, name, content),) = body
            if field != "file" or not name.endswith(".txt") or len(name.encode()) > 255 or "/" in name:
                self.wrong("This type of file has not been supported yet!")
            doc = self._add(dataset, name, content.decode(), state="new")
            return {"code": 0, "data": [{"id": doc["id"], "name": name, "run": "UNSTART"}]}
        if steps[2:] == ["documents"]:
            run = {"new": "UNSTART", "waiting": "RUNNING", "indexed": "DONE", "failed": "FAIL"}
            docs = [{"id": d["id"], "name": d["name"], "run": run[d["state"]], "progress_msg": ""} for d in self._look(dataset)]
            return {"code": 0, "data": {"docs": self._page(docs, query), "total": len(docs)}}
        if steps[2:] == ["chunks"] and method == "POST":
            self.fields(body, {"document_ids": list}, {})
            for number in body["document_ids"]:
                self.datasets[dataset]["docs"][number]["state"] = "waiting"
            return {"code": 0}
        self.wrong(path)

    def _page(self, found, query):
        page, size = int(query.get("page", 1)), int(query.get("page_size", 30))
        if not 1 <= size <= 100:
            self.wrong("page_size must be between 1 and 100")
        return found[(page - 1) * size : page * size]

    def _retrieve(self, body):
        self.fields(
            body,
            {"question": str, "dataset_ids": list},
            {
                "document_ids": list, "page": int, "page_size": int, "similarity_threshold": NUMBER, "vector_similarity_weight": NUMBER, "top_k": int,
                "rerank_id": str, "keyword": bool, "highlight": bool, "cross_languages": list, "metadata_condition": dict, "use_kg": bool, "toc_enhance": bool,
            },
        )  # fmt: skip
        weight = body.get("vector_similarity_weight", 0.3)
        for dataset in body["dataset_ids"]:
            if dataset not in self.datasets:
                self.wrong(f"You don't own the dataset {dataset}.")
        chunks = [c for d in body["dataset_ids"] for c in self.chunks(d)]
        candidates = by_score(body["question"], chunks)[: body.get("top_k", 1024)]
        kept = [(weight * s, s, c) for s, c in candidates if weight * s >= body.get("similarity_threshold", 0.2)]
        size = body.get("page_size", 30)
        if not 1 <= size <= 100:
            self.wrong("page_size must be between 1 and 100")
        first = (body.get("page", 1) - 1) * size
        rows = [
            {
                "id": c["id"], "content": c["text"], "document_id": c["doc"], "document_keyword": c["name"], "dataset_id": body["dataset_ids"][0],
                "similarity": s, "vector_similarity": v, "term_similarity": 0.0, "positions": [], "important_keywords": [],
            }
            for s, v, c in kept[first : first + size]
        ]  # fmt: skip
        return {"code": 0, "data": {"chunks": rows, "doc_aggs": [], "total": len(kept)}}


class FastGPT(WithDatasets):
    """FastGPT. ``bare``: data as an array and scores as numbers, as in its published examples. A word is a token."""

    bare = False

    def unauthorised(self, given):
        return 403, {"code": 403, "statusText": "unAuthApiKey", "message": f"Key error {given}", "data": None}

    def wrong(self, message):
        raise Refused(200, {"code": 500, "statusText": "", "message": message, "data": None})

    def _said(self, data):
        return {"code": 200, "statusText": "", "message": "", "data": data}

    def answer(self, method, path, query, body):
        name = path.removeprefix("/api/core/dataset/")
        if name == "searchTest":
            return self._search(body)
        if name == "list":
            self.fields(body, {}, {"parentId": (str, NULL)})
            return self._said([{"_id": i, "name": d["name"]} for i, d in self.datasets.items()])
        if name == "create":
            self.fields(
                body,
                {"name": str, "type": str},
                {"parentId": (str, NULL), "intro": str, "avatar": str, "vectorModel": str, "agentModel": str},
            )
            number = f"{len(self.datasets) + 10:024x}"
            self.datasets[number] = {"name": body["name"], "docs": {}}
            return self._said(number)
        if name == "detail" and method == "GET":
            return self._said({"_id": query["id"], "vectorModel": {"model": "text-embedding-3-large", "name": "Large"}})
        if name == "delete" and method == "DELETE":
            self.deleted.append(self.datasets.pop(query["id"])["name"])
            return self._said(None)
        if name == "collection/create/text":
            self.fields(
                body, {"datasetId": str, "name": str, "text": str},
                {"parentId": (str, NULL), "trainingType": str, "chunkSettingMode": str, "chunkSize": int, "metadata": dict},
            )  # fmt: skip
            doc = self._add(body["datasetId"], body["name"], body["text"], state="waiting")
            return self._said({"collectionId": doc["id"], "results": {"insertLen": 1}})
        if name == "collection/listV2":
            self.fields(body, {"datasetId": str}, {"offset": int, "pageSize": int, "parentId": (str, NULL), "searchText": str})
            if body["pageSize"] > 30:
                self.wrong("pageSize")
            docs = self._look(body["datasetId"])
            rows = [
                {
                    "_id": d["id"],
                    "name": d["name"],
                    "dataAmount": int(d["state"] == "indexed"),
                    "trainingAmount": int(d["state"] == "waiting"),
                    "hasError": d["state"] == "failed",
                }
                for d in docs
            ]
            return self._said({"list": rows[body["offset"] : body["offset"] + body["pageSize"]], "total": len(rows)})
        self.wrong(path)

    def _search(self, body):
        self.fields(
            body, {"datasetId": str, "text": str},
            {
                "limit": int, "similarity": NUMBER, "searchMode": str, "embeddingWeight": NUMBER, "usingReRank": bool, "rerankModelId": str,
                "rerankWeight": NUMBER, "datasetSearchUsingExtensionQuery": bool, "datasetSearchExtensionModel": str, "datasetSearchExtensionBg": str,
            },
        )  # fmt: skip
        if body["datasetId"] not in self.datasets:
            self.wrong("dataset not found")
        budget = min(body.get("limit", 5000), 20000)
        kept, used = [], 0
        for s, c in by_score(body["text"], self.chunks(body["datasetId"])):
            used += len(c["text"].split())
            if s < body.get("similarity", 0) or (kept and used > budget):
                break
            scores = [{"type": "embedding", "value": s, "index": len(kept)}]
            if body.get("usingReRank"):  # ranks the other way round, so that a test sees which score was taken
                scores.append({"type": "reRank", "value": 1 - s, "index": 0})
            kept.append({
                "id": c["id"], "q": c["text"], "a": "", "chunkIndex": 0, "datasetId": body["datasetId"], "collectionId": c["doc"],
                "sourceName": c["name"], "sourceId": "", "score": s if self.bare else scores,
            })  # fmt: skip
        return self._said(
            kept
            if self.bare
            else {
                "list": kept,
                "duration": "0.1s",
                "limit": budget,
                "searchMode": body.get("searchMode", "embedding"),
                "usingReRank": False,
                "similarity": 0,
            }
        )


class TaskingAI(WithDatasets):
    """TaskingAI: top_k 1 to 20, chunks name their record only."""

    def unauthorised(self, given):
        return 401, {"status": "error", "error": {"code": "TOKEN_VALIDATION_FAILED", "message": f"API Key {given}"}}

    def wrong(self, message):
        raise Refused(422, {"status": "error", "error": {"code": "REQUEST_VALIDATION_ERROR", "message": message}})

    def answer(self, method, path, query, body):
        steps = path.strip("/").split("/")[1:]  # after v1
        if steps == ["collections"] and method == "GET":
            return self._list([{"collection_id": i, "name": d["name"]} for i, d in self.datasets.items()], "collection_id", query)
        if steps == ["collections"]:
            self.fields(body, {"embedding_model_id": str}, {"name": str, "description": str, "capacity": int, "metadata": dict})
            if body.get("capacity", 1000) != 1000 or len(body["embedding_model_id"]) != 8:
                self.wrong("capacity must be 1000, embedding_model_id 8 characters")
            return {"status": "success", "data": {"collection_id": self._make(body["name"], "coll"), "name": body["name"]}}
        if steps[1] not in self.datasets:
            raise Refused(404, {"status": "error", "error": {"code": "OBJECT_NOT_FOUND", "message": "collection"}})
        dataset = steps[1]
        if method == "GET" and len(steps) == 2:
            count = len(self.datasets[dataset]["docs"])
            return {
                "status": "success",
                "data": {"collection_id": dataset, "embedding_model_id": "abcdefgh", "embedding_size": 1536, "num_records": count},
            }
        if method == "DELETE":
            self.deleted.append(self.datasets.pop(dataset)["name"])
            return {"status": "success"}
        if steps[2:] == ["records"] and method == "POST":
            self.fields(body, {"content": str, "text_splitter": dict}, {"type": str, "title": str, "metadata": dict})
            self.fields(body["text_splitter"], {"type": str, "chunk_size": int, "overlap_size": int}, {}, "text_splitter")
            if not 1 <= len(body["content"]) <= 32768 or len(body.get("title", "")) > 256:
                self.wrong("content or title too long")
            doc = self._add(dataset, body["title"], body["content"], state="waiting")
            return {"status": "success", "data": {"record_id": doc["id"], "title": doc["name"], "status": "creating"}}
        if steps[2:] == ["records"]:
            states = {"waiting": "creating", "indexed": "ready", "failed": "error"}
            rows = [{"record_id": d["id"], "title": d["name"], "status": states[d["state"]]} for d in self._look(dataset)]
            return self._list(rows, "record_id", query)
        if steps[2:] == ["chunks", "query"]:
            self.fields(
                body,
                {"top_k": int, "query_text": str},
                {"max_tokens": (int, NULL), "score_threshold": (int, float, NULL), "rerank_model_id": (str, NULL)},
            )
            if not 1 <= body["top_k"] <= 20:
                self.wrong("top_k must be between 1 and 20")
            kept = [(s, c) for s, c in by_score(body["query_text"], self.chunks(dataset)) if s >= (body.get("score_threshold") or 0)]
            rows = [
                {
                    "chunk_id": c["id"],
                    "record_id": c["doc"],
                    "collection_id": dataset,
                    "content": c["text"],
                    "num_tokens": 9,
                    "metadata": {},
                    "score": s,
                }
                for s, c in kept[: body["top_k"]]
            ]
            return {"status": "success", "data": rows, "fetched_count": len(rows)}
        self.wrong(path)

    def _list(self, rows, id_name, query):
        limit = int(query.get("limit", 20))
        if limit > 100:
            self.wrong("limit")
        first = next((i + 1 for i, r in enumerate(rows) if r[id_name] == query.get("after")), 0)
        return {
            "status": "success",
            "data": rows[first : first + limit],
            "fetched_count": len(rows[first : first + limit]),
            "has_more": len(rows) > first + limit,
        }


class ExternalKnowledge(Service):
    """A service with Dify's External Knowledge API, faults included: ``metadata`` is "id", "null" or "absent"."""

    def __init__(self, docs: dict[str, str], *, metadata: str = "id", titles: bool = True, **options) -> None:
        self.docs, self.metadata, self.titles = docs, metadata, titles
        super().__init__(**options)

    def unauthorised(self, given):
        return 403, {"error_code": 1002, "error_msg": f"Authorization failed {given}"}

    def answer(self, method, path, query, body):
        if path != "/retrieval":
            raise Refused(404, {})
        self.fields(body, {"knowledge_id": str, "query": str, "retrieval_setting": dict}, {"metadata_condition": dict})
        self.fields(body["retrieval_setting"], {"top_k": int, "score_threshold": NUMBER}, {}, "retrieval_setting")
        if body["knowledge_id"] != "kb":
            raise Refused(404, {"error_code": 2001, "error_msg": "The knowledge does not exist"})
        scored = by_score(body["query"], [{"text": text, "name": name} for name, text in self.docs.items()])
        records = []
        for s, c in scored[: body["retrieval_setting"]["top_k"]]:
            if s < body["retrieval_setting"]["score_threshold"]:
                continue
            record = {"content": c["text"], "score": s, "title": c["name"] if self.titles else "a page"}
            if self.metadata != "absent":
                record["metadata"] = {"doc_id": c["name"]} if self.metadata == "id" else None
            records.append(record)
        return {"records": records}


class Elastic(Service):
    """A search service of another shape: ``POST /find``, offset and size of at most 10, ids inside ``_source``, distances as scores."""

    def __init__(self, docs: dict[str, str], *, distances: bool = False, status: bool = False, **options) -> None:
        self.docs, self.distances, self.status = docs, distances, status
        super().__init__(**options)

    def answer(self, method, path, query, body):
        if method == "GET":
            asked, size, first = query["q"], int(query["n"]), 0
        else:
            self.fields(body, {"query": dict, "size": int}, {"from": int, "track": bool})
            asked, size, first = body["query"]["match"]["text"], body["size"], body.get("from", 0)
        if size > 10:
            self.wrong("size must be at most 10")
        scored = by_score(asked, [{"text": text, "name": name} for name, text in self.docs.items()])[first : first + size]
        hits = [{"_source": {"doc": c["name"], "text": c["text"]}, "_score": 1 - s if self.distances else s} for s, c in scored]
        return {"ok": not self.status, "hits": {"total": len(self.docs), "hits": hits}}


class DifyApp:
    """Dify as the client of an external knowledge service: asks as it does, and checks what it gets as its pipeline needs it."""

    def __init__(self, endpoint: str, key: str, knowledge: str) -> None:
        self.endpoint, self.key, self.knowledge = endpoint.rstrip("/"), key, knowledge

    def retrieve(self, query: str, *, top_k: int = 4, score_threshold: float = 0.0, condition: dict | None = None) -> list[dict]:
        setting = {"top_k": top_k, "score_threshold": score_threshold}
        body = {"retrieval_setting": setting, "query": query, "knowledge_id": self.knowledge}
        if condition is not None:
            body["metadata_condition"] = condition
        status, answer = self.post(body, {"Authorization": f"Bearer {self.key}"})
        if status != 200:
            raise Refused(status, answer)
        for record in answer["records"]:
            assert isinstance(record["metadata"], dict)  # the pipeline updates it in place
            assert isinstance(record["content"], str) and isinstance(record["title"], str)
            assert 0 <= record["score"] <= 1 and record["score"] >= score_threshold
        assert len(answer["records"]) <= top_k
        return answer["records"]

    def post(self, body, headers: dict[str, str], path: str = "/retrieval") -> tuple[int, dict]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.endpoint + path, raw, {"Content-Type": "application/json", **headers})
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")


def unquoted(name: str) -> str:
    """The id in a file name."""
    return unquote(name.removesuffix(".txt"))
