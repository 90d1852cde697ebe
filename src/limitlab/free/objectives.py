r"""The objectives of free embeddings, each defined once in NumPy: value and gradient.

These are the definitions. The compiled kernels and the GPU path compute the same numbers faster, and are tested against
this file. Notation: scores ``s_qj = <u_q, v_j>`` of query ``q`` and document ``j``, relevant set ``R_q``, temperature ``T``.

infonce
    ``-(1/P) sum_q sum_{i in R_q} log softmax_j(s_qj / T)_i`` over all P relevant pairs: the released code of [Weller2025].
footnote
    ``-(1/M) sum_q log(sum_{i in R_q} exp(s_qi / T) / sum_j exp(s_qj / T))`` over M queries: the formula that
    [Weller2025] prints. It asks only that the relevant documents together outweigh all others; one of them may do it alone.
sigmoid
    ``(1/M) sum_q sum_j softplus(-y_qj t (s_qj - b))`` with ``y = 1`` for relevant pairs and -1 for all others, ``t`` (first
    1) and ``b`` (first 0) learnt: [Bangachev2026], whose code takes the sum. Dividing by M changes no step of Adam but for
    its epsilon, and puts the loss on the scale for which the patience rule was made.

Gradients are taken with respect to the vectors as they are, without projection to the sphere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limitlab._core.checks import choice
from limitlab.free.problem import FreeProblem

LEARNT = ("infonce", "footnote", "sigmoid")  # objectives minimised by the protocol's loop
FIRST_SCALE, FIRST_BIAS = 1.0, 0.0


@dataclass(frozen=True)
class Gradient:
    """Value of an objective and its gradient.

    Attributes
    ----------
    loss
        The value.
    docs, queries
        Shapes of the vectors.
    scale, bias
        With respect to ``t`` and ``b`` of the sigmoid objective; 0 for the others.
    """

    loss: float
    docs: np.ndarray
    queries: np.ndarray
    scale: float = 0.0
    bias: float = 0.0


def gradient(
    objective: str,
    problem: FreeProblem,
    docs: np.ndarray,
    queries: np.ndarray,
    *,
    temperature: float = 0.1,
    scale: float = FIRST_SCALE,
    bias: float = FIRST_BIAS,
) -> Gradient:
    """Value and gradient of an objective, in the precision of the vectors.

    Holds several (n_queries, n_docs) arrays: meant for reading and for tests.

    Parameters
    ----------
    docs, queries
        (n_docs, dim), (n_queries, dim).
    temperature
        ``T`` of infonce and footnote, > 0.
    scale, bias
        ``t`` and ``b`` of sigmoid.

    References
    ----------
    [Weller2025], [Bangachev2026]
    """
    choice("gradient()", "objective", objective, LEARNT)
    scores = queries @ docs.T  # (n_queries, n_docs)
    relevant = relevant_mask(problem)
    if objective == "sigmoid":
        return _sigmoid(scores, relevant, docs, queries, scale, bias)
    logits = scores / temperature
    largest = logits.max(axis=1, keepdims=True)
    weights = np.exp(logits - largest)
    total = weights.sum(axis=1, keepdims=True)
    softmax, log_total = weights / total, np.log(total) + largest
    if objective == "infonce":
        counts = relevant.sum(axis=1, keepdims=True)
        loss = (log_total - logits)[relevant].mean()
        by_logit = (counts * softmax - relevant) / counts.sum()
    else:
        best = np.where(relevant, logits, -np.inf).max(axis=1, keepdims=True)
        held = np.where(relevant, np.exp(np.minimum(logits - best, 0.0)), 0.0)  # the relevant documents' own softmax
        share = held.sum(axis=1, keepdims=True)
        loss = (log_total - np.log(share) - best).mean()
        by_logit = (softmax - held / share) / len(queries)
    by_score = (by_logit / temperature).astype(scores.dtype)
    return Gradient(float(loss), by_score.T @ queries, by_score @ docs)


def _sigmoid(scores: np.ndarray, relevant: np.ndarray, docs: np.ndarray, queries: np.ndarray, scale: float, bias: float) -> Gradient:
    sign = np.where(relevant, 1.0, -1.0).astype(scores.dtype)
    x = -sign * scale * (scores - bias)  # the loss of a pair is softplus(x)
    small = np.exp(-np.abs(x))
    loss = (np.maximum(x, 0.0) + np.log1p(small)).sum(dtype=np.float64) / len(queries)
    slope = np.where(x >= 0, 1.0, small) / (1.0 + small) / len(queries)
    by_score = (-sign * scale * slope).astype(scores.dtype)
    by_scale = (-sign * (scores - bias) * slope).sum(dtype=np.float64)
    by_bias = -by_score.sum(dtype=np.float64)
    return Gradient(float(loss), by_score.T @ queries, by_score @ docs, float(by_scale), float(by_bias))


def relevant_mask(problem: FreeProblem) -> np.ndarray:
    """(n_queries, n_docs) bool."""
    mask = np.zeros((problem.n_queries, problem.n_docs), bool)
    mask[np.repeat(np.arange(problem.n_queries), np.diff(problem.indptr)), problem.members] = True
    return mask
