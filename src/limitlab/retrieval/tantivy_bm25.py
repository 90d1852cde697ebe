"""BM25 on disk by tantivy, for corpora beyond memory."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.checks import choice, whole
from limitlab._core.errors import InvalidArgument, RangeError
from limitlab._core.files import atomic_folder, content_hash
from limitlab._core.home import home
from limitlab._core.optional import require
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import Stopwatch, cores
from limitlab._core.texts import Texts
from limitlab.search import RelevantRanks, RelevantSet, SearchResult

K1, B = 1.2, 0.75  # fixed by tantivy
_STEMMERS = (
    "arabic", "danish", "dutch", "english", "finnish", "french", "german", "greek", "hungarian", "italian", "norwegian", "portuguese",
    "romanian", "russian", "spanish", "swedish", "tamil", "turkish",
)  # fmt: skip
_STOPWORDS = (
    "danish", "dutch", "english", "finnish", "french", "german", "hungarian", "italian", "norwegian", "portuguese", "russian", "spanish",
    "swedish",
)  # fmt: skip
_MARKER = "limitlab.json"
_HEAP_BYTES = 128 << 20  # of the writer, a thread
_LONGEST_TOKEN = 255


class Tantivy:
    """BM25 over words in an index on disk, by tantivy.

    k1 is 1.2 and b is 0.75, fixed by tantivy, and document lengths are kept in one byte (exact below 40 words, rounded
    down beyond): scores differ from those of ``bm25`` even with these parameters.

    Parameters
    ----------
    stemmer
        A Snowball language that tantivy has, or "none".
    stopwords
        A language of tantivy's stop-word lists, or "none".
    depth
        Documents fetched a query, >= 1, and all that tie with the last one. Measures at cuts up to it are exact; a relevant document
        below counts as not retrieved. Never less than the lists asked for.
    folder
        Where indices are kept; default: under LIMITLAB_HOME.

    Raises
    ------
    MissingExtra
        tantivy is not installed.

    Notes
    -----
    The text of a query is taken apart into words as documents are; nothing in it is query syntax. An index is named by a hash of the
    texts and the options, and appears only when it is complete: a killed build is begun again, a finished one is used again.
    """

    name = "tantivy"
    label = "BM25 (tantivy)"
    family = "lexical"
    max_dim = None

    def __init__(
        self, *, stemmer: str = "english", stopwords: str = "english", depth: int = 1000, folder: str | Path | None = None
    ) -> None:
        self._tantivy = require("tantivy", extra="tantivy", what="BM25 on disk")
        self.stemmer = choice("Tantivy()", "stemmer", stemmer, ("none", *_STEMMERS))
        self.stopwords = choice("Tantivy()", "stopwords", stopwords, ("none", *_STOPWORDS))
        self.depth = whole("Tantivy()", "depth", depth, low=1)
        self._root = Path(folder) if folder is not None else None
        self._index: Any = None
        changed = [f"{n}={v}" for n, v, usual in (("stemmer", stemmer, "english"), ("stopwords", stopwords, "english")) if v != usual]
        if changed:
            self.name, self.label = "tantivy:" + ",".join(changed), f"BM25 (tantivy, {', '.join(changed)})"

    def config(self, n_docs: int) -> dict[str, Any]:
        """Options, the fixed parameters, and tantivy's version."""
        return {
            "retriever": "tantivy",
            "stemmer": self.stemmer,
            "stopwords": self.stopwords,
            "depth": self.depth,
            "k1": K1,
            "b": B,
            "tantivy": self._tantivy.__version__,
        }

    def index(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> dict[str, Any]:
        """Use the index of these texts, or build it; returns its size, and how deep lists go."""
        with Stopwatch() as watch:
            here = (self._root or home() / "tantivy") / self._key(docs)
            self._index, built = self._opened(here), False
            if self._index is None:
                self._build(docs, here, progress)
                self._index, built = self._opened(here), True
        analyzer = self._analyzer()
        self._terms = [analyzer.analyze(text) for text in queries]
        self._n_docs = len(docs)
        empty = sum(not terms for terms in self._terms)
        notes: dict[str, Any] = {"list_depth": self.depth, "queries_without_terms": empty} if empty else {"list_depth": self.depth}
        size = sum(p.stat().st_size for p in here.rglob("*") if p.is_file())
        return {"cost": {"bytes_per_doc": size / max(1, len(docs)), **({"index_seconds": watch.seconds} if built else {})}, "notes": notes}

    def search(
        self, *, k: int, places: np.ndarray, relevant: RelevantSet, dim: int | None = None, progress: Progress = SILENT
    ) -> SearchResult:
        """The best documents of every query; ties follow ``places``."""
        if self._index is None:
            raise RangeError("Tantivy.search(): index() must be called first.")
        searcher = self._index.searcher()
        found: list[tuple[np.ndarray, np.ndarray]] = []
        with progress.task("tantivy search", len(self._terms)) as bar:
            for terms in self._terms:
                docs, scores = self._hits(searcher, terms, min(max(k, self.depth), self._n_docs))
                order = np.lexsort((places[docs], -scores))
                found.append((docs[order], scores[order]))
                bar.advance()
        width = max(k, *(docs.size for docs, _ in found)) if found else k
        indices = np.full((len(found), width), -1, np.int64)
        values = np.full((len(found), width), -np.inf, np.float32)
        for i, (docs, scores) in enumerate(found):
            indices[i, : docs.size], values[i, : docs.size] = docs, scores
        ranks = RelevantRanks.from_lists(relevant, indices, values, places)
        k = min(k, self._n_docs)
        return SearchResult(indices[:, :k], values[:, :k], ranks)

    def predict(self, measure: str, cut: int, **_: Any) -> float | None:
        """No closed form."""
        return None

    def _hits(self, searcher: Any, terms: list[str], wanted: int) -> tuple[np.ndarray, np.ndarray]:
        """(document numbers, float32 scores): the ``wanted`` best and whatever ties with the last of them."""
        if not terms:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        t = self._tantivy
        query = t.Query.boolean_query([(t.Occur.Should, t.Query.term_query(self._schema(), "text", term, "freq")) for term in terms])
        limit = wanted
        while True:
            hits = searcher.search(query, limit=limit, count=False).hits
            scores = np.array([score for score, _ in hits], np.float32)
            if len(hits) < limit or limit >= self._n_docs or scores[-1] < scores[wanted - 1]:
                break
            limit = min(2 * limit, self._n_docs)
        kept = scores >= scores[wanted - 1] if len(hits) > wanted else np.ones(len(hits), bool)
        numbers = searcher.fast_field_values("number", [address for _, address in hits]) if hits else []
        return np.array(numbers, np.int64)[kept], scores[kept]

    def _build(self, docs: Texts, here: Path, progress: Progress) -> None:
        t = self._tantivy
        try:
            with atomic_folder(here, who="tantivy", marker=_MARKER) as part:
                index = t.Index(self._schema(), path=str(part))
                index.register_tokenizer("limitlab", self._analyzer())
                writer = index.writer(heap_size=_HEAP_BYTES, num_threads=min(4, cores()))
                with progress.task("tantivy index", len(docs)) as bar:
                    for number, text in enumerate(docs):
                        made = t.Document()
                        made.add_text("text", text)
                        made.add_unsigned("number", number)
                        writer.add_document(made)
                        bar.advance()
                writer.commit()
                writer.wait_merging_threads()
                (part / _MARKER).write_text(json.dumps({"n_docs": len(docs), **self.config(len(docs))}), encoding="utf-8")
        except InvalidArgument:
            if not (here / _MARKER).is_file():  # otherwise another process has just finished the same index
                raise

    def _opened(self, here: Path) -> Any:
        """The index in a folder; None where there is none, or one that cannot be read, which is removed."""
        if not (here / _MARKER).is_file():
            return None
        try:
            index = self._tantivy.Index.open(str(here))
        except ValueError:
            shutil.rmtree(here)
            return None
        index.register_tokenizer("limitlab", self._analyzer())
        return index

    def _key(self, docs: Texts) -> str:
        digest = hashlib.blake2b(digest_size=24)
        for text in docs:
            raw = text.encode("utf-8", "surrogatepass")
            digest.update(len(raw).to_bytes(8, "little") + raw)
        own = {k: v for k, v in self.config(len(docs)).items() if k != "depth"}
        return content_hash({**own, "texts": digest.hexdigest(), "n_docs": len(docs)}, length=24)

    def _schema(self) -> Any:
        builder = self._tantivy.SchemaBuilder()
        builder.add_text_field("text", stored=False, tokenizer_name="limitlab", index_option="freq")
        builder.add_unsigned_field("number", stored=False, indexed=False, fast=True)
        return builder.build()

    def _analyzer(self) -> Any:
        """Words of letters and digits, in lower case; stop words before stemming."""
        t = self._tantivy
        builder = t.TextAnalyzerBuilder(t.Tokenizer.simple()).filter(t.Filter.remove_long(_LONGEST_TOKEN)).filter(t.Filter.lowercase())
        if self.stopwords != "none":
            builder = builder.filter(t.Filter.stopword(self.stopwords))
        if self.stemmer != "none":
            builder = builder.filter(t.Filter.stemmer(self.stemmer))
        return builder.build()
