"""Which of two documents with equal scores comes first.

``trec``      id descending, as trec_eval does (ids compared as UTF-8 bytes).
``st``        id ascending.
``worst``     irrelevant documents first: what a capacity claim must survive.
``best``      relevant documents first.
``expected``  the mean over all orders of the tied documents.

A ranked list needs an order of ids, so with ``worst``, ``best`` and ``expected`` lists follow ``trec`` and only the
measures follow the rule.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from limitlab._core.checks import choice

TIE_RULES = ("trec", "st", "worst", "best", "expected")


def tie_order(doc_ids: Sequence[str], rule: str = "trec") -> np.ndarray:
    """(n_docs,) int32: the place of each document among documents of equal score; smaller comes first."""
    choice("tie_order()", "ties", rule, TIE_RULES)
    n = len(doc_ids)
    order = np.array(sorted(range(n), key=doc_ids.__getitem__, reverse=rule != "st"), np.int64)
    places = np.empty(n, np.int32)
    places[order] = np.arange(n, dtype=np.int32)
    return places
