"""Retrievers made of others: results over vectors that may change are measured again, whatever stands around them."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab.retrieval.adapters.linear import LinearAdapter
from limitlab.retrieval.adapters.retriever import Adapted
from limitlab.retrieval.hybrid import Hybrid
from limitlab.retrieval.multi_vector import MultiVector
from limitlab.retrieval.muvera import Muvera
from limitlab.retrieval.quantised import Quantised

EYE = np.eye(4, dtype=np.float32)


class Part(MultiVector):
    """Whatever a wrapper wants; nothing is encoded."""

    max_dim = 4

    def __init__(self, kept, name="part"):
        self.name = self.label = name
        self._kept = kept

    def config(self, n_docs):
        return {"retriever": "part", **({} if self._kept is None else {"cache": self._kept})}

    def encoded(self, docs, queries, *, progress=None):
        return EYE, EYE


WRAPPERS = {
    "quantised": lambda part: Quantised([part]),
    "muvera": lambda part: Muvera([part]),
    "adapted": lambda part: Adapted([part], file=LinearAdapter(query_matrix=EYE)),
    "hybrid": lambda part: Hybrid([part, Part(True, "other")]),
    "quantised adapted": lambda part: Quantised([Adapted([part], file=LinearAdapter(query_matrix=EYE))]),
}


@pytest.mark.parametrize("name", WRAPPERS)
@pytest.mark.parametrize(("kept", "expected"), [(False, False), (True, True), (None, True)])
def test_what_is_not_kept_of_a_part_is_not_kept_of_the_whole(name, kept, expected):
    assert WRAPPERS[name](Part(kept)).config(10).get("cache", True) is expected
