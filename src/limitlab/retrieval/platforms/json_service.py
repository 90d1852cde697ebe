"""Any search service that speaks JSON, by a connector file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from limitlab._core.errors import InvalidArgument, ServiceError
from limitlab.retrieval.platforms.connector_file import filled_in, read_connector
from limitlab.retrieval.platforms.contract import Answer, Capabilities, Hit
from limitlab.retrieval.platforms.fields import score_of
from limitlab.retrieval.platforms.json_path import first, values
from limitlab.retrieval.platforms.retriever import PlatformRetriever
from limitlab.retrieval.remote.keys import Secret, filled


@dataclass(kw_only=True, eq=False)
class JSONService(PlatformRetriever):
    """A search service described by a connector file; see ``connector_file.Connector`` for its fields.

    Parameters
    ----------
    file
        The connector file.
    """

    kind: ClassVar[str] = "json"
    title: ClassVar[str] = "JSON service"

    file: str = ""

    def __post_init__(self) -> None:
        if not self.file:
            raise InvalidArgument(f"{self.kind}: config must be given, such as json:config=connector.json; got none.")
        self._connector = read_connector(self.file)
        self.url = self.url or self._connector.url
        super().__post_init__()
        self.name, self.label = f"json:{self._connector.name}", self._connector.name

    def _headers(self) -> dict[str, str | Secret]:
        """As the file has them; what comes from the environment is kept secret."""
        return {n: filled(self.kind, v) if "${" in v else v for n, v in self._connector.headers.items()}

    def capabilities(self) -> Capabilities:
        """What the file says."""
        c = self._connector
        return Capabilities(max_top_k=c.top_k, max_query_chars=c.query_chars, page_size=c.page_size, higher_is_better=c.higher_is_better)

    def identity(self) -> dict[str, Any]:
        """The content of the file, wherever it lies."""
        return {"platform": self.kind, "url": self.url, "connector": self._connector.content, "long_queries": self.long_queries}

    def config(self, n_docs: int) -> dict[str, Any]:
        """Options, and the content of the file in place of its path."""
        return {**super().config(n_docs), "file": None, "connector": self._connector.content}

    def ask(self, text: str, top_k: int) -> Answer:
        """All pages up to ``top_k`` hits."""
        c = self._connector
        hits: list[Hit] = []
        pages = 0
        while len(hits) < top_k:
            size = c.page_size or top_k
            page = c.first_page + pages
            answer = self._once({"query": text, "top_k": top_k, "page": page, "page_size": size, "offset": pages * size})
            found = self._listed(answer)
            hits += [self._hit(item) for item in found]
            pages += 1
            if c.page_size is None or len(found) < size:
                break
        # Without pages everything is kept: more hits than asked for are counted.
        kept = hits if c.page_size is None else hits[:top_k]
        return Answer(tuple(kept), {"pages_read": pages} if pages > 1 else {})

    def _once(self, given: dict[str, Any]) -> Any:
        c = self._connector
        parameters = filled_in(c.parameters, given)
        path = f"{self.url}?{urlencode(parameters)}" if parameters else ""
        answer = self._client.request(c.method, path, None if c.body is None else filled_in(c.body, given))
        if c.success is not None and (came := first(answer, c.success[0])) != c.success[1]:
            words = self._client.hidden(" ".join(str(answer).split()))[:300]
            raise ServiceError(
                f"{self.kind}: {self._connector.name} must answer with {c.success[1]!r} as its success; got {came!r}: {words}"
            )
        return answer

    def _listed(self, answer: Any) -> list[Any]:
        """The hits of an answer: the list at the path, or all values of a path with [*]."""
        found = values(answer, self._connector.hits)
        if len(found) == 1 and isinstance(found[0], list):
            return found[0]
        if not found and not any(str(s) == "*" for s in self._connector.hits):
            raise ServiceError(f"{self.kind}: the answer of {self._connector.name} must hold a list where results.list says; got none.")
        return found

    def _hit(self, item: Any) -> Hit:
        c = self._connector
        keys = tuple((name, str(v)) for name, steps in c.ids if isinstance(v := first(item, steps), (str, int)))
        text = first(item, c.text) if c.text else ""
        return Hit(keys, score_of(self.kind, first(item, c.score)) if c.score else None, text if isinstance(text, str) else "")


def json_service(
    *,
    config: str = "",
    top_k: int | None = None,
    id_field: str = "",
    chunk_separator: str = "",
    chunk_pattern: str = "",
    rank_by: str = "score",
    long_queries: str = "cut",
    concurrency: int = 4,
    timeout: float = 60.0,
    retries: int = 6,
    allow_http: bool = False,
    version: str = "",
) -> JSONService:
    """A JSONService whose file is called ``config``, as it is on the command line: ``json:config=connector.json``."""
    return JSONService(
        file=config, top_k=top_k, id_field=id_field, chunk_separator=chunk_separator, chunk_pattern=chunk_pattern, rank_by=rank_by,
        long_queries=long_queries, concurrency=concurrency, timeout=timeout, retries=retries, allow_http=allow_http, version=version,
    )  # fmt: skip
