"""BM25 by bm25s."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from limitlab._core.checks import choice, real
from limitlab._core.errors import InvalidArgument
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import Stopwatch, versions
from limitlab._core.texts import Texts
from limitlab.retrieval.tokenisers import TOKENISERS, described, resolved, unspaced_tokens
from limitlab.search import RelevantSet, SearchResult, search_scores

_METHODS = ("lucene", "robertson", "atire", "bm25l", "bm25+")
_BLOCK_BYTES = 64 << 20


class BM25:
    """BM25 over words, by bm25s [Lu2024].

    Parameters
    ----------
    k1, b
        Term saturation (>= 0) and length normalisation (0 to 1).
    stemmer
        A Snowball language, or "none".
    stopwords
        A bm25s stop-word language ("english", "german", ...), or "none".
    method
        lucene | robertson | atire | bm25l | bm25+.
    tokeniser
        auto | words | jieba | bigrams. auto cuts texts of scripts without spaces with jieba where it is installed (pip install 'limitlab[zh]'),
        else into pairs of characters; stemmer and stop words do not apply to them.

    Notes
    -----
    Documents with score zero are not retrieved: their order would be an artefact of the index.
    """

    name = "bm25"
    label = "BM25"
    family = "lexical"
    max_dim = None

    def __init__(
        self,
        *,
        k1: float = 1.5,
        b: float = 0.75,
        stemmer: str = "english",
        stopwords: str = "english",
        method: str = "lucene",
        tokeniser: str = "auto",
    ) -> None:
        self.k1 = real("BM25()", "k1", k1, low=0.0)
        self.b = real("BM25()", "b", b, low=0.0, high=1.0)
        self.method = choice("BM25()", "method", method, _METHODS)
        self.tokeniser = choice("BM25()", "tokeniser", tokeniser, TOKENISERS)
        for name, value in (("stemmer", stemmer), ("stopwords", stopwords)):
            if not isinstance(value, str):
                raise InvalidArgument(f"BM25(): {name} must be 'none' or a language; got {name}={value!r}.")
        self.stemmer, self.stopwords = stemmer, stopwords
        self._stem = self._make_stemmer()
        changed = [
            f"{n}={v}"
            for n, v, usual in (
                ("k1", k1, 1.5),
                ("b", b, 0.75),
                ("stemmer", stemmer, "english"),
                ("stopwords", stopwords, "english"),
                ("method", method, "lucene"),
                ("tokeniser", tokeniser, "auto"),
            )
            if v != usual
        ]
        if changed:
            self.name = "bm25:" + ",".join(changed)
            self.label = f"BM25 ({', '.join(changed)})"

    def _make_stemmer(self) -> Any:
        if self.stemmer == "none":
            return None
        import Stemmer

        choice("BM25()", "stemmer", self.stemmer, ["none", *Stemmer.algorithms()])
        return Stemmer.Stemmer(self.stemmer)

    def config(self, n_docs: int) -> dict[str, Any]:
        """Parameters and the version of bm25s."""
        return {
            "retriever": "bm25",
            "k1": self.k1,
            "b": self.b,
            "stemmer": self.stemmer,
            "stopwords": self.stopwords,
            "method": self.method,
            "tokeniser": described(self.tokeniser),
            "bm25s": versions().get("bm25s"),
        }

    def index(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> dict[str, Any]:
        """Tokenise and index; the score matrix is sparse, term by document."""
        import bm25s

        with Stopwatch() as watch, progress.task("bm25 index", None):
            cut = resolved(self.tokeniser, docs)
            corpus = self._tokens(docs, cut)
            self._queries = self._tokens(queries, cut)
            self._n_docs = len(docs)
            self._engine = bm25s.BM25(k1=self.k1, b=self.b, method=self.method)
            self._known: dict[str, int] = {}
            held = 0
            if any(corpus):  # bm25s cannot index documents that are all empty or made of stop words
                self._engine.index(corpus, show_progress=False)
                self._known = self._engine.vocab_dict
                held = sum(self._engine.scores[part].nbytes for part in ("data", "indices", "indptr"))
        unknown = sum(not any(t in self._known for t in row) for row in self._queries)
        notes: dict[str, Any] = {"queries_without_known_terms": unknown} if unknown else {}
        if cut != "words":
            notes["tokeniser"] = cut
        return {"cost": {"index_seconds": watch.seconds, "bytes_per_doc": held / max(1, len(docs))}, "notes": notes}

    def _tokens(self, texts: Texts, cut: str) -> list[list[str]]:
        import bm25s

        if cut != "words":
            return unspaced_tokens(texts, cut)
        stop = None if self.stopwords == "none" else self.stopwords
        try:
            tokenised = bm25s.tokenize(list(texts), stopwords=stop, stemmer=self._stem, show_progress=False, return_ids=False)
        except ValueError as error:
            raise InvalidArgument(
                f"BM25(): stopwords must be 'none' or a language that bm25s knows; got {self.stopwords!r} ({error})."
            ) from error
        return tokenised

    def search(
        self, *, k: int, places: np.ndarray, relevant: RelevantSet, dim: int | None = None, progress: Progress = SILENT
    ) -> SearchResult:
        """Exact scores of all documents, one block of queries at a time."""
        return search_scores(self._score_blocks(progress), n_docs=self._n_docs, k=k, places=places, relevant=relevant, lowest=0.0)

    def _score_blocks(self, progress: Progress) -> Iterator[np.ndarray]:
        rows = max(1, _BLOCK_BYTES // (4 * self._n_docs))
        with progress.task("bm25 search", len(self._queries)) as bar:
            for start in range(0, len(self._queries), rows):
                block = np.zeros((len(self._queries[start : start + rows]), self._n_docs), np.float32)
                for scores, tokens in zip(block, self._queries[start : start + rows]):
                    known = [t for t in tokens if t in self._known]
                    if known:  # bm25s has no answer for a query of unknown words only
                        scores[:] = self._engine.get_scores(known)
                        self._without_baseline(scores, known)
                yield block
                bar.advance(len(block))

    def _without_baseline(self, scores: np.ndarray, tokens: list[str]) -> None:
        """bm25l and bm25+ give every document a score for words it lacks; documents without any query word get zero back."""
        if self._engine.nonoccurrence_array is None:
            return
        stored = self._engine.scores
        matching = np.zeros(self._n_docs, bool)
        for number in {self._known[t] for t in tokens}:
            matching[stored["indices"][stored["indptr"][number] : stored["indptr"][number + 1]]] = True
        scores[~matching] = 0.0

    def predict(self, measure: str, cut: int, **_: Any) -> float | None:
        """No closed form."""
        return None
