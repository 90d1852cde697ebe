"""limitlab: how far can single-vector retrieval take my task, and where is my recall going?

Names are loaded on first use, so that ``import limitlab`` stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME_OF = {
    "Dataset": "data",
    "EvaluationResult": "evaluation",
    "Ledger": "ledger",
    "LimitConfig": "data",
    "LimitlabError": "_core.errors",
    "RelevanceMatrix": "relevance",
    "Retriever": "retrieval",
    "Vocabulary": "data",
    "audit": "data",
    "evaluate": "evaluation",
    "exact_search": "search",
    "load": "data",
    "load_result": "evaluation",
    "make_limit": "data",
    "published": "published",
    "query_graph": "relevance",
    "write_dataset": "data",
    "write_limit": "data",
    "write_report": "report",
}

__all__ = ["__version__", *sorted(_HOME_OF)]

if TYPE_CHECKING:  # what editors and type checkers see of the lazy names
    from limitlab import published
    from limitlab._core.errors import LimitlabError
    from limitlab.data import Dataset, LimitConfig, Vocabulary, audit, load, make_limit, write_dataset, write_limit
    from limitlab.evaluation import EvaluationResult, evaluate, load_result
    from limitlab.ledger import Ledger
    from limitlab.relevance import RelevanceMatrix, query_graph
    from limitlab.report import write_report
    from limitlab.retrieval import Retriever
    from limitlab.search import exact_search


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'limitlab' has no attribute {name!r}")
    module = importlib.import_module(f"limitlab.{_HOME_OF[name]}")
    value = module if name == "published" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
