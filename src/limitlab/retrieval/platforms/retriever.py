"""A platform as a retriever: asks every query once, resumes after a kill, maps chunks to documents, reports what it saw."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

import numpy as np

from limitlab._core.checks import choice, real, whole
from limitlab._core.errors import InvalidArgument, ServiceError
from limitlab._core.progress import SILENT, Progress
from limitlab._core.texts import TextList, Texts
from limitlab.retrieval.platforms.contract import Answer, Capabilities
from limitlab.retrieval.platforms.mapping import DocumentMap
from limitlab.retrieval.platforms.ranking import RANK_BY, ranked
from limitlab.retrieval.remote.http import Client
from limitlab.retrieval.remote.journal import Journal
from limitlab.retrieval.remote.keys import Secret, environment_name, filled
from limitlab.search import RelevantSet, SearchResult

# How the asking is done, not what is asked: these change no answer.
_MANNER = frozenset({"concurrency", "timeout", "retries", "allow_http", "version", "keep", "wait", "poll_seconds"})


@dataclass(frozen=True)
class Prepared:
    """What was done before the first query: ``{name or id at the service: document id}``, costs, notes."""

    names: dict[str, str] = field(default_factory=dict)
    cost: dict[str, float] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Described:
    """A dataset in the service's words: model, dimension of its vectors, number of documents, settings; None: not said."""

    model: str | None = None
    dim: int | None = None
    documents: int | None = None
    settings: tuple[str, ...] = ()


@dataclass(kw_only=True, eq=False)
class PlatformRetriever(ABC):
    """What all platforms have in common.

    Parameters
    ----------
    url
        The service's base address.
    key
        Name of the environment variable that holds the key.
    top_k
        Hits to ask for; default: as many as the evaluation needs.
    id_field
        The field that names the document, or "text"; default: whichever does.
    chunk_separator, chunk_pattern
        Hits are named by chunk ids: how the document id is read from them.
    rank_by
        score (position where scores are missing) | position.
    long_queries
        cut | skip, for queries longer than the service takes.
    concurrency, timeout, retries, allow_http
        See ``Client``.
    version
        Anything that changes when the service's answers would. Without it the service is asked again by every evaluation.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    key_name: ClassVar[str] = ""  # the environment variable of the key when none is named; "" when no key is needed
    default_url: ClassVar[str] = ""
    family: ClassVar[str] = "other"
    max_dim: ClassVar[int | None] = None

    url: str = ""
    key: str = ""
    top_k: int | None = None
    id_field: str = ""
    chunk_separator: str = ""
    chunk_pattern: str = ""
    rank_by: str = "score"
    long_queries: str = "cut"
    concurrency: int = 4
    timeout: float = 60.0
    retries: int = 6
    allow_http: bool = False
    version: str = ""

    def __post_init__(self) -> None:
        who = self.kind
        for option in fields(self):
            value = getattr(self, option.name)
            if option.type == "str":  # ids that look like numbers arrive as numbers
                setattr(self, option.name, str(value).lower() if isinstance(value, bool) else str(value))
            elif option.type == "bool" and not isinstance(value, bool):
                raise InvalidArgument(f"{who}: {option.name} must be true or false; got {value!r}.")
        self.url = self.url or self.default_url
        if not self.url:
            raise InvalidArgument(f"{who}: url must be given, such as {who}:url=http://localhost; got none.")
        choice(who, "rank_by", self.rank_by, RANK_BY)
        choice(who, "long_queries", self.long_queries, ("cut", "skip"))
        if self.top_k is not None:
            self.top_k = whole(who, "top_k", self.top_k, low=1, high=self.capabilities().max_top_k)
        real(who, "timeout", self.timeout, low=1e-3)
        self.name = self.kind
        self.label = self.title
        DocumentMap(
            TextList([], []), who, id_field=self.id_field, separator=self.chunk_separator, pattern=self.chunk_pattern
        )  # refused early
        self._client = self._connected(self._headers())

    def _headers(self) -> dict[str, str | Secret]:
        """The headers of every request: the key as a bearer token."""
        name = self.key or self.key_name
        if not name:
            return {}
        environment_name(self.kind, name)
        return {"Authorization": filled(self.kind, f"Bearer ${{{name}}}")}

    def _connected(self, headers: dict[str, str | Secret]) -> Client:
        return Client(
            self.kind, self.url, headers=headers, timeout=self.timeout, retries=self.retries, concurrency=self.concurrency,
            allow_http=self.allow_http,
        )  # fmt: skip

    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What the service can and cannot do, as documented or as it said."""

    @abstractmethod
    def ask(self, text: str, top_k: int) -> Answer:
        """The hits of one query, in the service's order."""

    def identity(self) -> dict[str, Any]:
        """What answers depend on beside the query: service and options, never a key."""
        skipped = _MANNER | {"key", "top_k", "id_field", "chunk_separator", "chunk_pattern", "rank_by"}
        return {"platform": self.kind, **{f.name: getattr(self, f.name) for f in fields(self) if f.name not in skipped}}

    def prepare(self, docs: Texts, *, progress: Progress) -> Prepared:
        """Anything to be done before the first query."""
        return Prepared()

    def describe(self) -> Described:
        """What the service says about the dataset that is asked; nothing where it has no such page."""
        return Described()

    def finished(self) -> dict[str, Any]:
        """All queries are answered: anything made for them may go; returns notes."""
        return {}

    def config(self, n_docs: int) -> dict[str, Any]:
        """Options; ``cache`` is False when no version was given: a service may answer differently tomorrow."""
        options = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _MANNER | {"key"}}
        return {"retriever": self.kind, **options, "version": self.version, "cache": bool(self.version)}

    def index(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> dict[str, Any]:
        """Upload where that was asked for."""
        self._prepared = self.prepare(docs, progress=progress)
        self._documents = DocumentMap(
            docs,
            self.kind,
            id_field=self.id_field,
            separator=self.chunk_separator,
            pattern=self.chunk_pattern,
            names=self._prepared.names,
        )
        self._n_docs, self._queries = len(docs), queries
        self._described, refused = Described(), {}
        try:
            self._described = self.describe()
        except ServiceError as error:  # a key may be allowed to ask and not to look: then nothing is known of the model
            refused = {"not_described": str(error)}
        self._answers: dict[tuple[str, int], Answer] = {}
        # The search adds to the notes: the evaluation reads them after it.
        self._notes: dict[str, Any] = dict(refused)
        return {"cost": dict(self._prepared.cost), "notes": self._notes}

    def search(
        self, *, k: int, places: np.ndarray, relevant: RelevantSet, dim: int | None = None, progress: Progress = SILENT
    ) -> SearchResult:
        """Ask for the k best hits of every query, each distinct text once."""
        can = self._told()
        asked = min(self.top_k or k, can.max_top_k or sys.maxsize)
        texts, notes = self._to_ask(can)
        journal, done = Journal(self.identity()), False
        try:
            resumed = self._ask_all(list(dict.fromkeys(t for t in texts if t is not None)), asked, journal, progress)
            answers = [None if t is None else self._answers[t, asked] for t in texts]
            self._documents.fields.clear()
            found, seen = ranked(
                answers, self._documents, who=self.kind, asked=asked, wanted=min(asked, self._n_docs), k=k, rank_by=self.rank_by,
                capabilities=can, places=places, relevant=relevant,
            )  # fmt: skip
            done = True  # answers that could not be mapped are kept: the next run may map them in another way
        finally:
            journal.close(finished=done)
        notes |= {"hits_asked_for": asked} if asked < min(k, self._n_docs) else {}
        notes |= {"answers_resumed": resumed} if resumed else {}
        notes |= {"requests_repeated": self._client.traffic.retries} if self._client.traffic.retries else {}
        notes |= {"settings_in_force": "; ".join(can.thresholds)} if can.thresholds else {}
        held = self._described.documents
        notes |= {"documents_at_service": held, "documents_of_corpus": self._n_docs} if held not in (None, self._n_docs) else {}
        self._notes.update({**self._prepared.notes, **seen, **notes, **self.finished(), "service": can.sentence()})
        return found

    def predict(self, measure: str, cut: int, **_: Any) -> float | None:
        """No closed form."""
        return None

    def _told(self) -> Capabilities:
        """Capabilities, with what the service said about itself."""
        can, said = self.capabilities(), self._described
        return replace(can, model=said.model or can.model, dim=said.dim or can.dim, thresholds=(*can.thresholds, *said.settings))

    def _to_ask(self, can: Capabilities) -> tuple[list[str | None], dict[str, Any]]:
        """What is asked for every query: None for one that is left out."""
        limit = can.max_query_chars
        texts: list[str | None] = list(self._queries)
        too_long = [i for i, text in enumerate(texts) if limit is not None and text is not None and len(text) > limit]
        blank = [i for i, text in enumerate(texts) if text is not None and not text.strip()]
        for i in too_long:
            texts[i] = (texts[i] or "")[:limit] if self.long_queries == "cut" else None
        for i in blank:
            texts[i] = None
        notes = {"queries_cut_to_limit" if self.long_queries == "cut" else "queries_over_limit_skipped": len(too_long)} if too_long else {}
        return texts, {**notes, **({"query_limit": limit} if too_long else {})}

    def _ask_all(self, texts: list[str], asked: int, journal: Journal, progress: Progress) -> int:
        """Answers of all texts, from the journal of an interrupted run where it has them; returns how many came from there."""
        missing = [t for t in texts if (t, asked) not in self._answers]
        for text in missing:
            kept = journal.get([text, asked])
            if kept is not None:
                self._answers[text, asked] = Answer.from_dict(kept)
        todo = [t for t in missing if (t, asked) not in self._answers]

        def ask(text: str) -> Answer:
            answer = self.ask(text, asked)
            journal.put([text, asked], answer.to_dict())
            return answer

        with progress.task(f"{self.label}: queries", len(todo)) as bar:
            found = self._client.ordered(ask, todo, done=lambda _: bar.advance(1))
        self._answers.update({(t, asked): answer for t, answer in zip(todo, found)})
        return len(missing) - len(todo)
