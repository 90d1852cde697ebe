"""Upload of a corpus to a platform: one document each, found again by name after a kill, waited for, deleted when asked."""

from __future__ import annotations

import hashlib
import time
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from limitlab._core.checks import real
from limitlab._core.errors import InvalidArgument, ServiceError, TooLarge, first_examples
from limitlab._core.progress import Progress
from limitlab._core.provenance import Stopwatch
from limitlab._core.texts import Texts
from limitlab.retrieval.platforms.retriever import PlatformRetriever, Prepared

INDEXED, WAITING, NOT_STARTED, FAILED = "indexed", "waiting", "not started", "failed"
_LONGEST_NAME = 180


@dataclass(frozen=True)
class Uploaded:
    """A document at the platform: its name and id there, one of the four states, the platform's words about a failure."""

    name: str
    id: str
    state: str
    error: str = ""


@dataclass(kw_only=True, eq=False)
class UploadingRetriever(PlatformRetriever):
    """A platform that takes documents.

    Parameters
    ----------
    upload
        Make a dataset of the corpus; its name holds a hash of the documents and of the options that decide how they are indexed, so that
        a run that was killed finds it again and uploads only what is missing.
    keep
        Whether that dataset stays after the evaluation; one that was found there, also that of a killed run, always stays.
    wait
        Seconds without any progress of the indexing after which the run fails.
    poll_seconds
        Seconds between two looks at it.

    Notes
    -----
    What the platform lists decides what is still to be uploaded, not a record of ours, so a killed run uploads nothing twice. Within a run, the
    repetition of a request whose answer was lost can make a second copy; such copies are counted.
    """

    target_option: ClassVar[str] = "dataset"
    indexing_options: ClassVar[tuple[str, ...]] = ()
    most_documents: ClassVar[int | None] = None
    longest_document: ClassVar[int | None] = None

    upload: bool = False
    keep: bool = True
    wait: float = 600.0
    poll_seconds: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        real(self.kind, "wait", self.wait, low=0.0)
        real(self.kind, "poll_seconds", self.poll_seconds, low=0.0)
        given = getattr(self, self.target_option)
        if bool(given) == self.upload:
            came = "both" if given else "neither"
            raise InvalidArgument(f"{self.kind}: either {self.target_option}=ID or upload=true must be given; got {came}.")
        self.target = given
        self._made, self._ours = "", False

    @abstractmethod
    def find_dataset(self, name: str) -> str | None:
        """The id of the dataset of this name."""

    @abstractmethod
    def create_dataset(self, name: str) -> str:
        """Make an empty dataset; returns its id."""

    @abstractmethod
    def delete_dataset(self, dataset: str) -> None:
        """Delete it with all documents."""

    @abstractmethod
    def listed(self, dataset: str) -> Iterable[Uploaded]:
        """All documents that the platform has."""

    @abstractmethod
    def add(self, dataset: str, name: str, text: str) -> None:
        """Upload one document."""

    def start(self, dataset: str, documents: list[str]) -> None:
        """Begin to index documents that wait to be started; most platforms do so by themselves."""

    def given_name(self, doc_id: str) -> str:
        """What a document is called at the platform: its id, or a hash of one that is too long."""
        return doc_id if len(doc_id.encode()) <= _LONGEST_NAME else hashlib.sha256(doc_id.encode()).hexdigest()

    def identity(self) -> dict[str, Any]:
        """Service, options, and the name of what was uploaded."""
        return {**super().identity(), "made": self._made}

    def prepare(self, docs: Texts, *, progress: Progress) -> Prepared:
        """Upload what is missing and wait until all is indexed."""
        if not self.upload:
            return Prepared()
        self._check_sizes(docs)
        with Stopwatch() as watch:
            self._made = self._dataset_name(docs)
            found_there = self.find_dataset(self._made)
            self._ours = found_there is None
            self.target = found_there or self.create_dataset(self._made)
            wanted = {self.given_name(doc): j for j, doc in enumerate(docs.ids) if docs[j].strip()}
            there = {u.name for u in self.listed(self.target)}
            missing = [name for name in wanted if name not in there]
            with progress.task(f"{self.label}: upload", len(missing)) as bar:
                self._client.ordered(lambda name: self.add(self.target, name, docs[wanted[name]]), missing, done=lambda _: bar.advance(1))
            found = self._indexed(set(wanted), progress)
        names = {key: docs.ids[wanted[u.name]] for u in found if u.name in wanted for key in (u.name, u.id)}
        notes: dict[str, Any] = {"uploaded_documents": len(missing), "documents_already_there": len(wanted) - len(missing)}
        notes["documents_without_text"] = len(docs) - len(wanted)
        notes["documents_twice_at_service"] = len([u for u in found if u.name in wanted]) - len(wanted)
        kept = {name: number for name, number in notes.items() if number}
        return Prepared(names, {"index_seconds": watch.seconds}, {**kept, "uploaded_as": self._made})

    def finished(self) -> dict[str, Any]:
        """Delete what this run made, unless it is to stay."""
        if not self.upload or self.keep:
            return {}
        if not self._ours:
            return {"dataset_left": self._made}
        try:
            self.delete_dataset(self.target)
        except ServiceError as error:  # the numbers are there; what is left behind must be said
            return {"dataset_not_deleted": f"{self._made}: {error}"}
        return {"dataset_deleted": self._made}

    def _check_sizes(self, docs: Texts) -> None:
        who = self.kind
        if self.most_documents is not None and len(docs) > self.most_documents:
            raise TooLarge(
                f"{who}: a {self.target_option} holds at most {self.most_documents:,} documents; got {len(docs):,}. Upload fewer, or fill one "
                f"yourself and pass {self.target_option}=ID."
            )
        limit = self.longest_document
        long = [doc for doc, text in zip(docs.ids, docs) if limit is not None and len(text) > limit]
        if long:
            raise TooLarge(
                f"{who}: a document has at most {limit:,} characters; {len(long):,} are longer: {first_examples(long)}. Split them."
            )

    def _dataset_name(self, docs: Texts) -> str:
        digest = hashlib.sha256(repr([(o, getattr(self, o)) for o in self.indexing_options]).encode())
        for doc, text in zip(docs.ids, docs):
            for piece in (doc, text):
                raw = piece.encode("utf-8", "surrogatepass")
                digest.update(len(raw).to_bytes(8, "little") + raw)
        return f"limitlab-{digest.hexdigest()[:16]}"

    def _indexed(self, wanted: set[str], progress: Progress) -> list[Uploaded]:
        """The documents once all are indexed.

        Raises
        ------
        ServiceError
            Some failed, some vanished, or nothing moved for ``wait`` seconds.
        """
        left, moved = -1, time.monotonic()
        with progress.task(f"{self.label}: indexing", len(wanted)) as bar:
            done = 0
            while True:
                found = list(self.listed(self.target))
                of = {
                    state: [u for u in found if u.name in wanted and u.state == state] for state in (FAILED, NOT_STARTED, WAITING, INDEXED)
                }
                if of[FAILED]:
                    first = of[FAILED][0]
                    raise ServiceError(
                        f"{self.kind}: {len(of[FAILED]):,} of {len(wanted):,} documents could not be indexed; the first, {first.name!r}: "
                        f"{first.error or 'no reason given'}. The dataset {self._made} was left as it is."
                    )
                bar.advance(max(0, len(of[INDEXED]) - done))
                done = len(of[INDEXED])
                if {u.name for u in of[INDEXED]} == wanted:
                    return found
                if of[NOT_STARTED]:
                    self.start(self.target, [u.id for u in of[NOT_STARTED]])
                if len(wanted) - done != left:
                    left, moved = len(wanted) - done, time.monotonic()
                elif time.monotonic() - moved >= self.wait:
                    raise ServiceError(
                        f"{self.kind}: {left:,} of {len(wanted):,} documents are not indexed, and none was in the last {self.wait:g} seconds. "
                        "The same command continues where it was; wait= changes the limit."
                    )
                time.sleep(self.poll_seconds)
