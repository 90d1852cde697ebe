"""Random token sums: what a dimension holds without any learning.

Every token gets a random Gaussian vector; a document is the sum of its tokens' vectors, a query likewise. On LIMIT a
token is a whole attribute, and recall has a closed form.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import sparse, stats

from limitlab._core.checks import choice, real, whole
from limitlab._core.errors import InvalidArgument
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import Stopwatch
from limitlab._core.seeds import derived
from limitlab._core.texts import TextList, Texts, listed_phrases
from limitlab.search import RelevantSet, SearchResult, exact_search

_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_MOST_DRAWN = 1 << 18  # vectors of tokens that encode keeps
_QUESTION = re.compile(r"Who likes .+\?")


class TokenSums:
    """Sum of one N(0, I/d) vector a token; no training, no label is seen.

    Parameters
    ----------
    dim
        Full dimension; smaller ones keep the first values.
    tokens
        "phrases": the listed items of LIMIT-like texts, scored by inner product. "words": lower-cased words, scored by
        cosine. "auto": phrases when every query reads "Who likes ...?".
    seed
        Of the vectors.

    References
    ----------
    [Wang2026]
    """

    label = "Random token sums"
    family = "untrained"

    def __init__(self, *, dim: int = 1024, tokens: str = "auto", seed: int = 0) -> None:
        self._dim = whole("TokenSums()", "dim", dim, low=1, high=65536)
        self.tokens = choice("TokenSums()", "tokens", tokens, ("auto", "phrases", "words"))
        self.seed = whole("TokenSums()", "seed", seed, low=0)
        self._drawn: dict[str, np.ndarray] = {}
        changed = [f"{n}={v}" for n, v, usual in (("tokens", tokens, "auto"), ("seed", seed, 0)) if v != usual]
        self.name = "token-sums" + (":" + ",".join(changed) if changed else "")

    @property
    def max_dim(self) -> int:
        """Full dimension."""
        return self._dim

    def config(self, n_docs: int) -> dict[str, Any]:
        """Parameters."""
        return {"retriever": "token-sums", "dim": self._dim, "tokens": self.tokens, "seed": self.seed}

    def index(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> dict[str, Any]:
        """Sum the vectors of every document's tokens."""
        with Stopwatch() as watch, progress.task("token sums", None):
            kind = self.tokens
            if kind == "auto":
                kind = "phrases" if all(_QUESTION.fullmatch(q) for q in queries) else "words"
            self._phrases = kind == "phrases"
            numbers: dict[str, int] = {}
            of_docs = _counts(docs, listed_phrases if self._phrases else _words, numbers)
            of_queries = _counts(queries, _asked if self._phrases else _words, numbers)
            # Vectors are drawn in the order tokens first occur, so a corpus and a seed give the same ones every time.
            vectors = derived(self.seed, "token sums").standard_normal((len(numbers), self._dim), np.float32)
            vectors /= np.sqrt(self._dim, dtype=np.float32)
            self._docs = (_padded(of_docs, len(numbers)) @ vectors).astype(np.float32)
            self._queries = (_padded(of_queries, len(numbers)) @ vectors).astype(np.float32)
            self._per_doc = float(of_docs.sum() / max(1, of_docs.shape[0]))
            self._per_query = float(of_queries.sum() / max(1, of_queries.shape[0]))
        notes = {"tokens": kind, "distinct_tokens": len(numbers), "tokens_per_doc": round(self._per_doc, 2)}
        return {"cost": {"index_seconds": watch.seconds, "bytes_per_doc": 4.0 * self._dim}, "notes": notes}

    def search(
        self, *, k: int, places: np.ndarray, relevant: RelevantSet, dim: int | None = None, progress: Progress = SILENT
    ) -> SearchResult:
        """Exact search over the first ``dim`` values."""
        return exact_search(
            self._docs, self._queries, k=k, places=places, dim=dim, normalise=not self._phrases, relevant=relevant, progress=progress
        )

    def encode(self, texts: list[str], kind: str | None) -> np.ndarray:
        """(n, dim) float32 sums, of texts that need not be a whole corpus.

        A token's vector is drawn from the seed and the token itself, so that any part of a corpus can be encoded anywhere: the same
        distribution as in ``index``, other draws. Documents and queries must both be encoded so.

        Parameters
        ----------
        kind
            query | document: what a listed item is, with phrases.

        Raises
        ------
        InvalidArgument
            ``tokens`` is "auto": some texts do not tell what all are.
        """
        if self.tokens == "auto":
            raise InvalidArgument(
                "TokenSums.encode(): tokens must be phrases or words, as parts of a corpus do not tell; got tokens='auto'."
            )
        split = _words if self.tokens == "words" else _asked if kind == "query" else listed_phrases
        numbers: dict[str, int] = {}
        counts = _counts(TextList([""] * len(texts), texts), split, numbers)
        if len(self._drawn) > _MOST_DRAWN:
            self._drawn.clear()
        for token in numbers:
            if token not in self._drawn:
                self._drawn[token] = derived(self.seed, "token sums", token).standard_normal(self._dim, np.float32)
        drawn = np.stack([self._drawn[token] for token in numbers]) if numbers else np.zeros((0, self._dim), np.float32)
        return (_padded(counts, len(numbers)) @ (drawn / np.sqrt(self._dim, dtype=np.float32))).astype(np.float32)

    def predict(self, measure: str, cut: int, *, n_docs: int, n_relevant: int, dim: int | None) -> float | None:
        """Closed-form recall where the model behind it holds: one token a query, scored by inner product."""
        if measure != "recall" or not self._phrases or self._per_query != 1.0 or dim is None:
            return None
        return predicted_recall(n_docs, dim, k=n_relevant, cut=cut, tokens_per_doc=self._per_doc)


@lru_cache(maxsize=4096)
def predicted_recall(n_docs: int, dim: int, *, k: int = 2, cut: int = 2, tokens_per_doc: float = 45.0) -> float:
    r"""Expected recall@cut of random token sums.

    A relevant document scores z ~ N(1, (L+1)/d), another one N(0, L/d). Given z, the other documents above it are
    Binomial(n - k, 1 - F(z)) irrelevant and Binomial(k - 1, 1 - G(z)) relevant ones, independent; the document is
    retrieved when they are fewer than ``cut``. For k = cut = 2 this is
    R@2 = E_z[F^M + M (1-F) F^(M-1) G], M = n - 2.

    Parameters
    ----------
    n_docs, dim, k, cut
        Documents, dimension, relevant documents a query, cut.
    tokens_per_doc
        L, tokens a document (all different).

    Returns
    -------
    Recall in [0, 1]. An approximation: scores are taken as Gaussian and independent.

    Examples
    --------
    >>> round(predicted_recall(46, 1024), 3)
    0.989
    """
    who = "predicted_recall()"
    whole(who, "n_docs", n_docs, low=1)
    whole(who, "k", k, low=1, high=n_docs, high_name="n_docs")
    whole(who, "dim", dim, low=1)
    whole(who, "cut", cut, low=1)
    real(who, "tokens_per_doc", tokens_per_doc, low=1.0)
    sigma_plus, sigma = np.sqrt((tokens_per_doc + 1) / dim), np.sqrt(tokens_per_doc / dim)
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    z = 1.0 + sigma_plus * nodes
    above = stats.norm.sf(z / sigma)  # chance that an irrelevant document scores more
    above_relevant = stats.norm.sf(nodes)
    found = np.zeros_like(z)
    for others in range(min(k, cut)):
        found += stats.binom.pmf(others, k - 1, above_relevant) * stats.binom.cdf(cut - 1 - others, n_docs - k, above)
    return float((weights * found).sum() / weights.sum())


def _words(text: str) -> list[str]:
    return [w.lower() for w in _WORD.findall(text)]


def _asked(text: str) -> list[str]:
    return [text.removeprefix("Who likes ").removesuffix("?")]


def _counts(texts: Texts, split: Any, numbers: dict[str, int]) -> sparse.csr_matrix:
    indptr = [0]
    indices: list[int] = []
    for text in texts:
        indices += [numbers.setdefault(t, len(numbers)) for t in split(text)]
        indptr.append(len(indices))
    return sparse.csr_matrix((np.ones(len(indices), np.float32), indices, indptr), shape=(len(indptr) - 1, len(numbers)))


def _padded(counts: sparse.csr_matrix, columns: int) -> sparse.csr_matrix:
    return sparse.csr_matrix((counts.data, counts.indices, counts.indptr), shape=(counts.shape[0], columns))
