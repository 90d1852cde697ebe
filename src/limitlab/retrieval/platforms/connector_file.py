"""Connector files: how a search service that speaks JSON is asked, and where its answer holds what."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from limitlab._core.errors import DataError, InvalidArgument
from limitlab._core.files import read_json
from limitlab.retrieval.platforms.json_path import Path as Steps
from limitlab.retrieval.platforms.json_path import parse_path
from limitlab.retrieval.platforms.literal_keys import literal_key

PLACES = ("query", "top_k", "page", "page_size", "offset")
_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_KNOWN = {
    "": ("name", "url", "method", "headers", "parameters", "body", "results", "pages", "limits", "scores", "success"),
    "results": ("list", "id", "score", "text"),
    "pages": ("first", "size"),
    "limits": ("top_k", "query_chars"),
    "success": ("path", "value"),
}


@dataclass(frozen=True)
class Connector:
    """A checked connector file.

    Attributes
    ----------
    url, method, headers, parameters, body
        Of a request; ``{{query}}``, ``{{top_k}}``, ``{{page}}``, ``{{page_size}}``, ``{{offset}}`` in the values of parameters and body are
        filled, ``${NAME}`` in headers is taken from the environment.
    hits, ids, score, text
        Paths: to the list of hits in an answer; within a hit to its ids (first that is there), score and text.
    first_page, page_size
        Of a service that answers in pages; None for one that does not.
    top_k, query_chars
        Limits of the service.
    higher_is_better
        Direction of scores.
    success
        (path, value) that every answer must have, for services that answer 200 to everything.
    """

    name: str
    url: str
    method: str
    headers: dict[str, str]
    parameters: dict[str, Any]
    body: Any
    hits: Steps
    ids: tuple[tuple[str, Steps], ...]
    score: Steps | None
    text: Steps | None
    first_page: int = 1
    page_size: int | None = None
    top_k: int | None = None
    query_chars: int | None = None
    higher_is_better: bool = True
    success: tuple[Steps, Any] | None = None
    content: dict[str, Any] = field(default_factory=dict)


def read_connector(path: str | Path) -> Connector:
    """Read and check a connector file.

    Raises
    ------
    DataError
        path:line and what is wrong: an unknown or missing field, a path that is none, a key in the file.
    """
    path = Path(path)
    try:
        found = read_json(path)
    except OSError as error:
        raise DataError.at(path, None, f"cannot be read ({error.strerror})") from error
    return _Reader(path, found).connector()


def filled_in(value: Any, given: dict[str, Any]) -> Any:
    """``value`` with its places filled: a text that is one place becomes the value itself, a number stays a number.

    Values are put into the parsed JSON, not into its text: no query can change the structure of a request.
    """
    if isinstance(value, dict):
        return {name: filled_in(v, given) for name, v in value.items()}
    if isinstance(value, list):
        return [filled_in(v, given) for v in value]
    if not isinstance(value, str):
        return value
    if (whole := _PLACE.fullmatch(value.strip())) is not None:
        return given[whole[1]]
    return _PLACE.sub(lambda match: str(given[match[1]]), value)


class _Reader:
    def __init__(self, path: Path, found: Any) -> None:
        self._path, self._found = path, found
        self._text = path.read_text(encoding="utf-8")

    def connector(self) -> Connector:
        if not isinstance(self._found, dict):
            self._wrong((), "the file must hold an object")
        self._names((), self._found)
        url = self._get(("url",), str)
        if not re.match(r"https?://[^/]", url):
            self._wrong(("url",), f"must begin with http:// or https://; got {url!r}")
        if urlsplit(url).query or urlsplit(url).fragment:
            self._wrong(("url",), "must end before any '?' or '#'; write what follows as parameters, and keys into headers as ${MY_KEY}")
        method = self._get(("method",), str, "POST").upper()
        if method not in ("GET", "POST"):
            self._wrong(("method",), f"must be GET or POST; got {method!r}")
        body = self._found.get("body")
        parameters = self._get(("parameters",), dict, {})
        if method == "GET" and body is not None:
            self._wrong(("body",), "must not be there with GET; use parameters")
        places = self._places(("body",), body) | self._places(("parameters",), parameters)
        if "query" not in places:
            self._wrong(("body",) if body is not None else ("parameters",), "must hold {{query}} somewhere")
        pages = self._get(("pages",), dict, {})
        if pages and not places & {"page", "offset"}:
            self._wrong(("pages",), "must come with {{page}} or {{offset}} in body or parameters")
        if not pages and places & {"page", "page_size", "offset"}:
            self._wrong(("body",), "holds {{page}}, {{page_size}} or {{offset}}: pages must say their size")
        if pages and "size" not in pages:
            self._wrong(("pages",), "must hold size, the number of hits a page")
        scores = self._get(("scores",), str, "higher")
        if scores not in ("higher", "lower"):
            self._wrong(("scores",), f"must be higher or lower, whichever is better; got {scores!r}")
        return Connector(
            name=self._get(("name",), str, self._path.stem), url=url, method=method, headers=self._headers(), parameters=parameters, body=body,
            hits=self._steps(("results", "list")) or (), ids=self._ids(), score=self._steps(("results", "score")),
            text=self._steps(("results", "text")), first_page=self._number(("pages", "first"), 1, low=0) or 0,
            page_size=self._number(("pages", "size"), None), top_k=self._number(("limits", "top_k"), None),
            query_chars=self._number(("limits", "query_chars"), None), higher_is_better=scores == "higher", success=self._success(),
            content=self._found,
        )  # fmt: skip

    def _names(self, keys: tuple[str, ...], found: dict[str, Any]) -> None:
        known = _KNOWN[".".join(keys)]
        for name, value in found.items():
            if name not in known:
                self._wrong((*keys, name), f"is not known; known are {', '.join(known)}")
            if name in _KNOWN and not keys:
                if not isinstance(value, dict):
                    self._wrong((name,), "must be an object")
                self._names((name,), value)

    def _headers(self) -> dict[str, str]:
        headers = self._get(("headers",), dict, {})
        for name, value in headers.items():
            if not isinstance(value, str):
                self._wrong(("headers", name), "must be a text")
        if (at := literal_key(headers)) is not None:
            self._wrong(("headers", *at), "must take its key from the environment, such as Bearer ${MY_KEY}; keys do not belong in files")
        return headers

    def _ids(self) -> tuple[tuple[str, Steps], ...]:
        results = self._get(("results",), dict)
        given = results.get("id", [])
        names = [given] if isinstance(given, str) else given
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            self._wrong(("results", "id"), "must be a path or a list of paths")
        if not names and "text" not in results:
            self._wrong(("results",), "must hold id, or text to find documents by")
        return tuple((name, self._path_of(("results", "id"), name)) for name in names)

    def _success(self) -> tuple[Steps, Any] | None:
        given = self._get(("success",), dict, {})
        if given and set(given) != {"path", "value"}:
            self._wrong(("success",), "must hold path and value")
        return (self._path_of(("success", "path"), given["path"]), given["value"]) if given else None

    def _steps(self, keys: tuple[str, ...]) -> Steps | None:
        value = self._get(keys, str, "")
        return self._path_of(keys, value) if value else None

    def _path_of(self, keys: tuple[str, ...], text: Any) -> Steps:
        if not isinstance(text, str):
            self._wrong(keys, "must be a path")
        try:
            return parse_path(text)
        except InvalidArgument as error:
            self._wrong(keys, str(error).removeprefix("path: ").rstrip("."))

    def _number(self, keys: tuple[str, ...], default: int | None, *, low: int = 1) -> int | None:
        value = self._get(keys, int, default)
        if value is not None and (isinstance(value, bool) or value < low):
            self._wrong(keys, f"must be a whole number of at least {low}; got {value!r}")
        return value

    def _get(self, keys: tuple[str, ...], kind: type, *default: Any) -> Any:
        value: Any = self._found
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if value is None:
            if default:
                return default[0]
            self._wrong(keys, "is missing")
        if not isinstance(value, kind):
            self._wrong(keys, f"must be {'an object' if kind is dict else 'a whole number' if kind is int else 'a text'}; got {value!r}")
        return value

    def _places(self, keys: tuple[str, ...], value: Any) -> set[str]:
        text = json.dumps(value, ensure_ascii=False)
        if "${" in text:
            self._wrong(keys, "must not hold ${NAME}: keys go into headers, where they are kept out of errors and records")
        if (at := literal_key(value)) is not None:
            self._wrong((*keys, *at), "must not be written out; a key goes into headers, as ${MY_KEY}: keys do not belong in files")
        names = set(_PLACE.findall(text))
        if unknown := names - set(PLACES):
            self._wrong(keys, f"holds {{{{{min(unknown)}}}}}; known are {', '.join('{{' + p + '}}' for p in PLACES)}")
        return names

    def _wrong(self, keys: tuple[str, ...], problem: str) -> NoReturn:
        raise DataError.at(self._path, self._line(keys), f"{'.'.join(keys)} {problem}".strip())

    def _line(self, keys: tuple[str, ...]) -> int | None:
        """The line on which the last of these names that is in the file begins."""
        at, found = 0, None
        for key in keys:
            match = re.compile(re.escape(json.dumps(key, ensure_ascii=False)) + r"\s*:").search(self._text, at)
            if match is None:
                break
            at = found = match.start()
        return None if found is None else self._text.count("\n", 0, found) + 1
