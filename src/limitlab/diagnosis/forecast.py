"""Recall in a corpus larger than the one that was searched: what more documents of the same source would do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from limitlab._core.seeds import derived
from limitlab.diagnosis.sampling_law import few_new
from limitlab.diagnosis.score_tail import score_tail
from limitlab.diagnosis.standing import Pairs

ASSUMPTION = "new documents come from the same source as those searched, none of them is relevant, and queries stay as they are"
_TOPS = (64, 45, 32, 23, 16, 11, 8)
_LEAST_SHARE = 4  # the tail is at most a quarter of the irrelevant documents
_RESAMPLES = 600
_BLOCK = 400_000  # outcomes drawn at once


class Forecaster:
    r"""The chance that a relevant document stays within the cut when the corpus grows from ``N`` to ``n`` documents.

    Of ``n - N`` new documents each scores above a relevant document with the same unknown chance. A document with many irrelevant ones
    above it, :math:`r`, tells the chance by :math:`r / D`; for one with few, the chance is read off the tail of its query's irrelevant
    scores (``score_tail``). The chance is uncertain in proportion to :math:`1/\sqrt{\max(r, 1)}`, which makes the number of new
    documents above negative binomial.

    Parameters
    ----------
    pairs
        All relevant pairs.
    highest
        (n_queries, any) the highest irrelevant scores of each query, descending.
    n_docs, k
        Documents searched, and the cut.
    """

    def __init__(self, pairs: Pairs, highest: np.ndarray, *, n_docs: int, k: int) -> None:
        self._pairs, self._n, self._k = pairs, n_docs, k
        most = min(int(np.isfinite(highest).sum(axis=1).min()), int(pairs.irrelevant.min()) // _LEAST_SHARE)
        tops = [top for top in _TOPS if top <= most]
        if not tops:
            self.models: list[np.ndarray] = []
            self.tail = ""
            return
        first = score_tail(highest, top=tops[0])
        self.tail = f"generalised Pareto law on the {first.top} highest irrelevant scores of each query, shape {first.shape:.2f}"
        self.models = [self._expected(highest, tops[0], 0.0)]
        # What is not known about the tail itself is common to all queries and does not average out: other thresholds, other shapes.
        for top in (tops[0], tops[min(2, len(tops) - 1)]):
            self.models += [self._expected(highest, top, by) for by in (-1.5, 0.0, 1.5)]

    def _expected(self, highest: np.ndarray, top: int, errors: float) -> np.ndarray:
        """(n_pairs,) documents of a corpus of the present size expected above each pair's document."""
        tail = score_tail(highest, top=top)
        near = self._pairs.above < top
        out = self._pairs.above.astype(np.float64)
        shape = float(np.clip(tail.shape + errors * tail.shape_error, -2.0, 0.9))
        out[near] = tail.expected_above(self._pairs.score[near], self._pairs.query[near], shape=shape)
        return out

    def chances(self, n_docs: int, model: int = 0) -> np.ndarray:
        """(n_pairs,) chance that each pair's document is within the cut among ``n_docs`` documents."""
        p = self._pairs
        room = self._k - 1 - p.better - p.above
        mean = self.models[model] * (n_docs - self._n) / p.irrelevant[p.query]
        return few_new(mean, np.maximum(p.above, 1.0), room)

    def expected(self, n_docs: int, weights: np.ndarray) -> float:
        """The sum of ``weights`` over the pairs that stay within the cut, in expectation."""
        return float(np.clip(self.chances(n_docs) @ weights, 0.0, 1.0))

    def intervals(self, n_docs: int, weights: Sequence[np.ndarray], *, widen: float = 0.0, seed: int = 0) -> list[tuple[float, float]]:
        """95 % intervals around ``expected``, one for each of ``weights``.

        Queries are drawn again, each with outcomes drawn under one of the models of the tail.

        Parameters
        ----------
        widen
            Added to both sides in units of log odds: how far the method has been off on smaller parts of the same corpus.
        """
        n, p = self._pairs.irrelevant.size, self._pairs
        chances = [self.chances(n_docs, model) for model in range(1, len(self.models))]
        starts = np.flatnonzero(np.diff(p.query, prepend=-1))
        rng, means = derived(seed, "forecast", n_docs), np.empty((len(weights), _RESAMPLES))
        step = max(1, _BLOCK // p.query.size)
        for start in range(0, _RESAMPLES, step):
            at = np.arange(start, min(start + step, _RESAMPLES))
            inside = rng.random((at.size, p.query.size)) < np.stack([chances[b % len(chances)] for b in at])
            queries = rng.integers(n, size=(at.size, n))
            for row, weight in zip(means, weights):
                values = np.add.reduceat(inside * (weight * n), starts, axis=1)
                row[at] = np.take_along_axis(values, queries, axis=1).mean(axis=1)
        return [self._around(row, self.expected(n_docs, weight), widen, 0.5 / n) for row, weight in zip(means, weights)]

    def _around(self, means: np.ndarray, expected: float, widen: float, least: float) -> tuple[float, float]:
        low, high = (float(v) for v in np.quantile(means, [0.025, 0.975]))
        low, high = min(low, expected), max(high, expected)
        wide = [1 / (1 + float(np.exp(-log_odds(v, least) - by))) for v, by in ((low, -widen), (high, widen))]
        return max(0.0, min(low, wide[0])), min(1.0, max(high, wide[1]))


def log_odds(share: float, least: float) -> float:
    """log(p / (1 - p)) of a share kept within [least, 1 - least]."""
    kept = float(np.clip(share, least, 1 - least))
    return float(np.log(kept / (1 - kept)))
