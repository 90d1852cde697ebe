"""Embedding servers: OpenAI, vLLM, text-embeddings-inference, Gemini, Cohere, Jina.

Each checks a request against the published body, enforces the published limits and answers in the published shape; errors are
the service's own. Sources, as of 2026: the OpenAPI document of OpenAI (CreateEmbeddingRequest: no additional properties, at most
2,048 inputs, 300,000 tokens a request, 8,192 a text, no empty text; error texts as users report them), the OpenAI-compatible
server of vLLM (errors, refusal of dimensions), docs/openapi.json of text-embeddings-inference, the reference of the Gemini API
(models.batchEmbedContents; at most 100 requests in a batch), Cohere's reference (v2/embed, at most 96 texts), Jina's OpenAPI document.

The vectors are real, if small: a sum of one random vector a word, so that texts with words in common are near.
"""

from __future__ import annotations

import base64
import zlib
from functools import lru_cache
from typing import Any

import numpy as np

from fakes.http_service import Faults, HttpService, Refused, check_fields


@lru_cache(maxsize=100_000)
def _word(word: str, dim: int, seed: int) -> np.ndarray:
    return np.random.default_rng([zlib.crc32(word.encode()), seed]).standard_normal(dim)


def vector(text: str, dim: int, *, seed: int = 0, only: int | None = None, unit: bool = True) -> np.ndarray:
    """The float32 vector of a text: its words' vectors summed; the first ``only`` values, scaled to length 1 if ``unit``."""
    words = "".join(c.lower() if c.isalnum() else " " for c in text).split() or ["<empty>"]
    out = np.sum([_word(w, dim, seed) for w in words], axis=0)[:only]
    return (out / np.linalg.norm(out) if unit else out).astype(np.float32)


def tokens(text: str) -> int:
    """Words and two more."""
    return len(text.split()) + 2


class FakeOpenAI(HttpService):
    """``POST /v1/embeddings`` of OpenAI; ``flavour="vllm"`` answers and refuses as vLLM does, and asks for no key."""

    def __init__(
        self,
        *,
        key: str | None = "sk-right",
        model: str = "text-embedding-3-small",
        dim: int = 64,
        most_texts: int = 2048,
        most_tokens: int = 300_000,
        most_tokens_per_text: int = 8192,
        flavour: str = "openai",
        faults: Faults | None = None,
    ) -> None:
        self._key, self._model, self._dim = key, model, dim
        self._most, self._most_tokens, self._most_each, self._flavour = most_texts, most_tokens, most_tokens_per_text, flavour
        super().__init__(faults)

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> Any:
        if (method, path) != ("POST", "/v1/embeddings"):
            raise self._no(404, f"Invalid URL ({method} {path})")
        if self._key is not None and headers.get("authorization") != f"Bearer {self._key}":
            raise self._no(401, f"Incorrect API key provided: {headers.get('authorization', '')}.", code="invalid_api_key")
        wrong = check_fields(
            body, needed={"model": str, "input": (str, list)}, may={"dimensions": int, "encoding_format": str, "user": str}
        )
        if wrong:
            raise self._no(400, wrong)
        if body["model"] != self._model:
            raise self._no(404, f"The model `{body['model']}` does not exist or you do not have access to it.", code="model_not_found")
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        self._check_texts(texts)
        wanted = body.get("dimensions")
        if wanted is not None and self._flavour == "vllm":
            raise self._no(
                400,
                f'Model "{self._model}" does not support matryoshka representation, changing output dimensions will lead to poor results.',
            )
        if wanted is not None and not 1 <= wanted <= self._dim:
            raise self._no(400, f"Invalid value for 'dimensions' = {wanted}. Must be less than or equal to {self._dim}.")
        encoding = body.get("encoding_format", "float")
        if encoding not in ("float", "base64"):
            raise self._no(400, "'$.encoding_format' is invalid.")
        rows = [vector(t, self._dim, only=wanted) for t in texts]
        data = [
            {"object": "embedding", "index": i, "embedding": base64.b64encode(r.tobytes()).decode() if encoding == "base64" else r.tolist()}
            for i, r in enumerate(rows)
        ]
        used = sum(map(tokens, texts))
        listed = data[::-1] if self.faults.shuffle else data
        return {"object": "list", "data": listed, "model": self._model, "usage": {"prompt_tokens": used, "total_tokens": used}}

    def _check_texts(self, texts: list[Any]) -> None:
        if not texts or len(texts) > self._most or not all(isinstance(t, str) and t for t in texts):
            raise self._no(400, f"'$.input' is invalid: between 1 and {self._most} texts that are not empty; batch of {len(texts)}.")
        longest, every = max(map(tokens, texts)), sum(map(tokens, texts))
        if longest > self._most_each:
            raise self._no(
                400,
                f"This model's maximum context length is {self._most_each} tokens, however you requested {longest} tokens ({longest} in your prompt; 0 for the completion). Please reduce your prompt; or completion length.",
            )
        if every > self._most_tokens:
            message = f"Requested {every} tokens, max {self._most_tokens} tokens per request"
            raise Refused(
                400, {"error": {"message": message, "type": "max_tokens_per_request", "param": None, "code": "max_tokens_per_request"}}
            )

    def _no(self, status: int, message: str, code: str | None = None) -> Refused:
        if self._flavour == "vllm":
            return Refused(status, {"object": "error", "message": message, "type": "BadRequestError", "param": None, "code": status})
        return Refused(status, {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}})


class FakeTEI(HttpService):
    """``GET /info``, ``POST /embed``, ``POST /rerank`` of text-embeddings-inference."""

    def __init__(
        self, *, dim: int = 64, most_texts: int = 32, most_tokens: int = 512, dtype: str = "float16", faults: Faults | None = None
    ) -> None:
        self._dim, self._most, self._most_tokens, self._dtype = dim, most_texts, most_tokens, dtype
        super().__init__(faults)

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> Any:
        if (method, path) == ("GET", "/info"):
            return self._info()
        if (method, path) == ("POST", "/embed"):
            return self._embed(body)
        if (method, path) == ("POST", "/rerank"):
            return self._rerank(body)
        raise Refused(404, {"error": f"no route {method} {path}", "error_type": "Validation"})

    def _info(self) -> dict[str, Any]:
        return {
            "model_id": "thenlper/gte-base", "model_sha": "fca14538aa9956a46526bd1d0d11d69e19b5a101", "model_dtype": self._dtype,
            "model_type": {"embedding": {"pooling": "cls"}}, "max_concurrent_requests": 512, "max_input_length": self._most_tokens,
            "max_batch_tokens": 16384, "max_batch_requests": None, "max_client_batch_size": self._most, "auto_truncate": False,
            "tokenization_workers": 4, "version": "1.9.3", "sha": None, "docker_label": None,
        }  # fmt: skip

    def _embed(self, body: Any) -> Any:
        wrong = check_fields(
            body,
            needed={"inputs": (str, list)},
            may={"normalize": bool, "truncate": bool, "truncation_direction": str, "prompt_name": str, "dimensions": int},
        )
        if wrong:
            raise self._no(422, wrong, "Validation")
        if body.get("prompt_name") not in (None, "query"):
            raise self._no(
                422,
                f'`default_prompt_name` is set to "{body["prompt_name"]}" but it was not found in the Sentence Transformers prompts.',
                "Tokenizer",
            )
        texts = self._texts([body["inputs"]] if isinstance(body["inputs"], str) else body["inputs"], body.get("truncate", False))
        if body.get("prompt_name") == "query":
            texts = ["query: " + t for t in texts]
        return [vector(t, self._dim, only=body.get("dimensions"), unit=body.get("normalize", True)).tolist() for t in texts]

    def _rerank(self, body: Any) -> Any:
        wrong = check_fields(
            body,
            needed={"query": str, "texts": list},
            may={"raw_scores": bool, "return_text": bool, "truncate": bool, "truncation_direction": str},
        )
        if wrong:
            raise self._no(422, wrong, "Validation")
        texts = self._texts(body["texts"], body.get("truncate", False))
        scored = [{"index": i, "score": overlap(body["query"], t)} for i, t in enumerate(texts)]
        return sorted(scored, key=lambda r: -r["score"])

    def _texts(self, texts: list[str], truncate: bool) -> list[str]:
        if not texts or not all(texts):
            raise self._no(400, "`inputs` cannot be empty", "Empty")
        if len(texts) > self._most:
            raise self._no(413, f"batch size {len(texts)} > maximum allowed batch size {self._most}", "Validation")
        longest = max(map(tokens, texts))
        if longest > self._most_tokens and not truncate:
            raise self._no(
                413, f"Input validation error: `inputs` must have less than {self._most_tokens} tokens. Given: {longest}", "Validation"
            )
        return [" ".join(t.split()[: self._most_tokens - 2]) or t for t in texts] if longest > self._most_tokens else texts

    def _no(self, status: int, error: str, kind: str) -> Refused:
        return Refused(status, {"error": error, "error_type": kind})


class FakeGemini(HttpService):
    """``POST /v1beta/models/gemini-embedding-001:batchEmbedContents``; cut vectors are not scaled, as those of the service are not."""

    MODEL = "gemini-embedding-001"

    def __init__(self, *, key: str = "AIza-right", dim: int = 64, faults: Faults | None = None) -> None:
        self._key, self._dim = key, dim
        super().__init__(faults)

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> Any:
        if headers.get("x-goog-api-key") != self._key:
            raise self._no(400, f"API key not valid. Please pass a valid API key. ({headers.get('x-goog-api-key')})")
        if (method, path) != ("POST", f"/v1beta/models/{self.MODEL}:batchEmbedContents"):
            raise self._no(404, f"{path} is not found for API version v1beta, or is not supported for embedContent.", "NOT_FOUND")
        wrong = check_fields(body, needed={"requests": list}, may={})
        if wrong:
            raise self._no(400, f"Invalid JSON payload received. {wrong}")
        if not 1 <= len(body["requests"]) <= 100:
            raise self._no(400, "* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch\n")
        return {"embeddings": [{"values": self._one(request)} for request in body["requests"]]}

    def _one(self, request: Any) -> list[float]:
        wrong = check_fields(
            request, needed={"model": str, "content": dict}, may={"taskType": str, "title": str, "outputDimensionality": int}
        )
        parts = [] if wrong else request["content"].get("parts", [])
        if wrong or request["model"] != f"models/{self.MODEL}" or set(request["content"]) - {"parts", "role"}:
            raise self._no(400, f"Invalid JSON payload received. {wrong or 'model or content'}")
        if request.get("taskType") not in (None, "RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY"):
            raise self._no(400, f"Invalid value at 'requests[0].task_type': {request['taskType']!r}")
        if len(parts) != 1 or set(parts[0]) != {"text"} or not parts[0]["text"]:
            raise self._no(400, "* EmbedContentRequest.content: contents is not specified or empty\n")
        seed = 0 if request.get("taskType") is None else 1
        only = request.get("outputDimensionality")
        return vector(parts[0]["text"], self._dim, seed=seed, only=only, unit=only is None).tolist()

    def _no(self, code: int, message: str, status: str = "INVALID_ARGUMENT") -> Refused:
        return Refused(code, {"error": {"code": code, "message": message, "status": status}})


class FakeCohere(HttpService):
    """``POST /v2/embed`` and ``POST /v2/rerank`` of Cohere."""

    def __init__(
        self, *, key: str = "co-right", dims: tuple[int, ...] = (16, 32, 64), most_tokens: int = 512, faults: Faults | None = None
    ) -> None:
        self._key, self._dims, self._most_tokens = key, dims, most_tokens
        super().__init__(faults)

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> Any:
        if headers.get("authorization") != f"Bearer {self._key}":
            raise Refused(401, {"message": f"invalid api token {headers.get('authorization')}"})
        if (method, path) == ("POST", "/v2/embed"):
            return self._embed(body)
        if (method, path) == ("POST", "/v2/rerank"):
            return self._rerank(body)
        raise Refused(404, {"message": f"page not found: {path}"})

    def _embed(self, body: Any) -> Any:
        may = {
            "texts": list,
            "images": list,
            "inputs": list,
            "max_tokens": int,
            "output_dimension": int,
            "embedding_types": list,
            "truncate": str,
            "priority": int,
        }
        wrong = check_fields(body, needed={"model": str, "input_type": str}, may=may)
        texts = [] if wrong else body.get("texts", [])
        if wrong or body["input_type"] not in ("search_document", "search_query", "classification", "clustering", "image"):
            raise Refused(400, {"message": f"invalid request: {wrong or 'input_type'}"})
        if body.get("embedding_types", ["float"]) != ["float"] or body.get("truncate", "END") not in ("NONE", "START", "END"):
            raise Refused(400, {"message": "invalid request: embedding_types or truncate"})
        if not 1 <= len(texts) <= 96:
            raise Refused(400, {"message": f"invalid request: total number of texts must be at most 96 - received {len(texts)}"})
        if not all(texts):
            raise Refused(400, {"message": "invalid request: valid texts must be provided"})
        if body.get("truncate") == "NONE" and max(map(tokens, texts)) > self._most_tokens:
            raise Refused(400, {"message": f"too many tokens: a text has more than {self._most_tokens} tokens"})
        dim = body.get("output_dimension", self._dims[-1])
        if dim not in self._dims:
            raise Refused(400, {"message": f"invalid request: output_dimension must be one of {list(self._dims)}"})
        seed = 1 if body["input_type"].startswith("search") else 0
        rows = [vector(" ".join(t.split()[: self._most_tokens - 2]) or t, self._dims[-1], seed=seed, only=dim).tolist() for t in texts]
        meta = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": sum(map(tokens, texts))}}
        return {"id": "da6e531f", "texts": texts, "embeddings": {"float": rows}, "meta": meta, "response_type": "embeddings_by_type"}

    def _rerank(self, body: Any) -> Any:
        wrong = check_fields(
            body, needed={"model": str, "query": str, "documents": list}, may={"top_n": int, "max_tokens_per_doc": int, "priority": int}
        )
        if wrong or not 1 <= len(body["documents"]) <= 1000 or not body["query"]:
            raise Refused(400, {"message": f"invalid request: {wrong or 'documents or query'}"})
        rows = [{"index": i, "relevance_score": overlap(body["query"], d)} for i, d in enumerate(body["documents"])]
        rows = sorted(rows, key=lambda r: -r["relevance_score"])[: body.get("top_n")]
        return {"id": "07734bd2", "results": rows, "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}}


class FakeJina(HttpService):
    """``POST /v1/embeddings`` and ``POST /v1/rerank`` of Jina; ``key=None`` for servers of the same form without one (vLLM)."""

    def __init__(self, *, key: str | None = "jina-right", dim: int = 64, most_texts: int = 512, faults: Faults | None = None) -> None:
        self._key, self._dim, self._most = key, dim, most_texts
        super().__init__(faults)

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> Any:
        if self._key is not None and headers.get("authorization") != f"Bearer {self._key}":
            raise Refused(401, {"detail": f"Invalid API key: {headers.get('authorization')}"})
        if (method, path) == ("POST", "/v1/embeddings"):
            return self._embed(body)
        if (method, path) == ("POST", "/v1/rerank"):
            return self._rerank(body)
        raise Refused(404, {"detail": "Not Found"})

    def _embed(self, body: Any) -> Any:
        may = {"task": str, "dimensions": int, "embedding_type": str, "normalized": bool, "truncate": bool, "late_chunking": bool}
        wrong = check_fields(body, needed={"model": str, "input": (str, list)}, may=may)
        if wrong or body.get("task") not in (None, "retrieval.query", "retrieval.passage", "text-matching", "classification", "separation"):
            raise Refused(422, {"detail": [{"type": "value_error", "loc": ["body"], "msg": wrong or "task"}]})
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        if not 1 <= len(texts) <= self._most or not all(texts):
            raise Refused(422, {"detail": f"Batch must have 1 to {self._most} texts that are not empty"})
        rows = [vector(t, self._dim, seed=0 if body.get("task") is None else 1, only=body.get("dimensions")).tolist() for t in texts]
        data = [{"object": "embedding", "index": i, "embedding": r} for i, r in enumerate(rows)]
        used = sum(map(tokens, texts))
        return {
            "model": body["model"],
            "object": "list",
            "usage": {"total_tokens": used},
            "data": data[::-1] if self.faults.shuffle else data,
        }

    def _rerank(self, body: Any) -> Any:
        wrong = check_fields(
            body, needed={"model": str, "query": str, "documents": list}, may={"top_n": int, "return_documents": bool, "truncation": bool}
        )
        if wrong or not body["documents"] or not all(body["documents"]):
            raise Refused(422, {"detail": wrong or "documents must not be empty"})
        rows = [{"index": i, "relevance_score": overlap(body["query"], d)} for i, d in enumerate(body["documents"])]
        rows = sorted(rows, key=lambda r: -r["relevance_score"])[: body.get("top_n")]
        if body.get("return_documents", True):
            rows = [{**r, "document": {"text": body["documents"][r["index"]]}} for r in rows]
        return {"model": body["model"], "usage": {"total_tokens": sum(map(tokens, body["documents"]))}, "results": rows}


def overlap(query: str, text: str) -> float:
    """A score in (0, 1): the share of the query's words in the text, and a little for short texts."""
    words = {w.strip("?.,").lower() for w in query.split()}
    held = {w.strip("?.,").lower() for w in text.split()}
    return round(0.01 + 0.9 * len(words & held) / max(1, len(words)) + 0.05 / (1 + len(held)), 9)
