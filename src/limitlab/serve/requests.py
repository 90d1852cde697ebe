"""What a request must hold: the bodies of the three interfaces, checked field by field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from limitlab._core.errors import InvalidArgument

MOST_TOP_K = 1000
MOST_QUERY_CHARS = 32_768
MOST_INPUTS = 2048  # texts a request of /v1/embeddings


@dataclass(frozen=True)
class DifyQuestion:
    """``POST /retrieval`` of Dify's External Knowledge API."""

    knowledge: str
    query: str
    top_k: int
    threshold: float


def dify_question(body: Any) -> DifyQuestion:
    """Check the body of ``POST /retrieval``.

    Raises
    ------
    InvalidArgument
        A field is missing or wrong, or a metadata condition is set: documents here have no metadata but their id.
    """
    _object("the body", body)
    setting = _object("retrieval_setting", _given(body, "retrieval_setting"))
    condition = body.get("metadata_condition")
    if condition is not None and _object("metadata_condition", condition).get("conditions"):
        raise InvalidArgument("metadata_condition must not be set: documents here have no metadata to filter by. Remove it.")
    threshold = setting.get("score_threshold", 0.0)
    if isinstance(threshold, bool) or not isinstance(threshold, (int, float)) or not 0 <= threshold <= 1:
        raise InvalidArgument(f"score_threshold must be a number from 0 to 1; got {threshold!r}.")
    knowledge = _given(body, "knowledge_id")
    if not isinstance(knowledge, str):
        raise InvalidArgument(f"knowledge_id must be a text; got {type(knowledge).__name__}.")
    return DifyQuestion(knowledge, _query(body), _top_k(_given(setting, "top_k")), float(threshold))


def plain_question(body: Any) -> tuple[str, int]:
    """(query, top_k) of ``POST /search``; top_k is 10 when it is not given.

    Raises
    ------
    InvalidArgument
        A field is missing, wrong or not known.
    """
    _object("the body", body)
    if unknown := [name for name in body if name not in ("query", "top_k")]:
        raise InvalidArgument(f"fields must be query and top_k; got {unknown[0]!r}.")
    return _query(body), _top_k(body.get("top_k", 10))


@dataclass(frozen=True)
class EmbeddingQuestion:
    """``POST /v1/embeddings``: texts, a smaller dimension or None, float or base64, and query, document or None for the prompt."""

    texts: list[str]
    dim: int | None
    base64: bool
    kind: str | None


def embedding_question(body: Any, *, full_dim: int) -> EmbeddingQuestion:
    """Check the body of ``POST /v1/embeddings``. ``input_type`` (query or document), which OpenAI lacks, chooses the model's prompt.

    Raises
    ------
    InvalidArgument
        A field is missing or wrong.
    """
    _object("the body", body)
    given = _given(body, "input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not 1 <= len(texts) <= MOST_INPUTS or not all(isinstance(t, str) and t.strip() for t in texts):
        raise InvalidArgument(f"input must be a text or 1 to {MOST_INPUTS:,} texts, none of them empty.")
    if long := [len(t) for t in texts if len(t) > MOST_QUERY_CHARS]:
        raise InvalidArgument(f"a text must have at most {MOST_QUERY_CHARS:,} characters; got {long[0]:,}.")
    dim = body.get("dimensions")
    if dim is not None and (isinstance(dim, bool) or not isinstance(dim, int) or not 1 <= dim <= full_dim):
        raise InvalidArgument(f"dimensions must be in [1, {full_dim}]; got {dim!r}.")
    form = body.get("encoding_format", "float")
    if form not in ("float", "base64"):
        raise InvalidArgument(f"encoding_format must be float or base64; got {form!r}.")
    kind = body.get("input_type")
    if kind not in (None, "query", "document"):
        raise InvalidArgument(f"input_type must be query or document; got {kind!r}.")
    return EmbeddingQuestion(texts, dim, form == "base64", kind)


def _object(what: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidArgument(f"{what} must be a JSON object; got {type(value).__name__}.")
    return value


def _given(body: dict[str, Any], name: str) -> Any:
    if name not in body:
        raise InvalidArgument(f"{name} is missing.")
    return body[name]


def _query(body: dict[str, Any]) -> str:
    query = _given(body, "query")
    if not isinstance(query, str) or not query.strip():
        raise InvalidArgument("query must be a text that is not empty.")
    if len(query) > MOST_QUERY_CHARS:
        raise InvalidArgument(f"query must have at most {MOST_QUERY_CHARS:,} characters; got {len(query):,}.")
    return query


def _top_k(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_TOP_K:
        raise InvalidArgument(f"top_k must be a whole number in [1, {MOST_TOP_K:,}]; got {value!r}.")
    return value
