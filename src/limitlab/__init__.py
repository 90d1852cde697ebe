"""limitlab: how far can single-vector retrieval take my task, and where is my recall going?

Names are loaded on first use, so that ``import limitlab`` stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.5.2"

_HOME_OF = {
    "Bound": "theory",
    "Certificate": "capacity",
    "Dataset": "data",
    "Diagnosis": "diagnosis",
    "DualBCHCode": "capacity",
    "EvaluationResult": "evaluation",
    "FactWords": "data",
    "FreeConfig": "free",
    "FreeProblem": "free",
    "GateReport": "evaluation",
    "HarmonicFrame": "capacity",
    "Hybrid": "retrieval",
    "KerdockSet": "capacity",
    "Ledger": "ledger",
    "LimitConfig": "data",
    "LimitlabError": "_core.errors",
    "LinearAdapter": "retrieval.adapters",
    "MultiVector": "retrieval",
    "Muvera": "retrieval",
    "Quantised": "retrieval",
    "RelevanceMatrix": "relevance",
    "Remedy": "diagnosis",
    "RemedyPlan": "diagnosis",
    "Rerank": "retrieval",
    "Retriever": "retrieval",
    "Sparse": "retrieval",
    "Static": "retrieval",
    "Shards": "search",
    "Sizes": "estimation",
    "StoreRetriever": "retrieval.stores",
    "StressConfig": "data",
    "TrainConfig": "training",
    "TrainResult": "training",
    "TrigCurve": "capacity",
    "Vocabulary": "data",
    "as_mteb": "retrieval",
    "audit": "data",
    "bounds": "theory",
    "capacity": "capacity",
    "certified_n": "capacity",
    "critical_n": "free.critical_n",
    "diagnose": "diagnosis",
    "encode_corpus": "evaluation.encode_corpus",
    "estimate_critical_n": "estimation",
    "estimate_diagnose": "estimation",
    "estimate_eval": "estimation",
    "evaluate": "evaluation",
    "exact_search": "search",
    "export_vectors": "retrieval.stores",
    "fit_adapter": "retrieval.adapters",
    "fit_critical_n": "free.scaling",
    "free_embed": "free",
    "gate": "evaluation",
    "gate_losses": "diagnosis",
    "largest_n": "capacity",
    "least_dimension": "free.least_dimension",
    "load": "data",
    "load_result": "evaluation",
    "load_training": "training",
    "make_limit": "data",
    "make_stress": "data",
    "maximise_gap": "free",
    "mteb_task": "data",
    "phase_map": "capacity",
    "open_shards": "search",
    "place": "capacity",
    "published": "published",
    "query_graph": "relevance",
    "separate": "search",
    "survives": "capacity",
    "train": "training",
    "using": "engine",
    "verify": "capacity",
    "write_dataset": "data",
    "write_limit": "data",
    "write_report": "report",
    "write_stress": "data",
}

__all__ = ["__version__", *sorted(_HOME_OF)]

if TYPE_CHECKING:  # what editors and type checkers see of the lazy names
    from limitlab import published
    from limitlab._core.errors import LimitlabError
    from limitlab.capacity import (
        Certificate,
        DualBCHCode,
        HarmonicFrame,
        KerdockSet,
        TrigCurve,
        certified_n,
        largest_n,
        phase_map,
        place,
        survives,
        verify,
    )
    from limitlab.capacity.planner import capacity
    from limitlab.data import (
        Dataset,
        FactWords,
        LimitConfig,
        StressConfig,
        Vocabulary,
        audit,
        load,
        make_limit,
        make_stress,
        mteb_task,
        write_dataset,
        write_limit,
        write_stress,
    )
    from limitlab.diagnosis import Diagnosis, Remedy, RemedyPlan, diagnose, gate_losses
    from limitlab.engine import using
    from limitlab.estimation import Sizes, estimate_critical_n, estimate_diagnose, estimate_eval
    from limitlab.evaluation import EvaluationResult, GateReport, evaluate, gate, load_result
    from limitlab.evaluation.encode_corpus import encode_corpus
    from limitlab.free import FreeConfig, FreeProblem, free_embed, maximise_gap
    from limitlab.free.critical_n import critical_n
    from limitlab.free.least_dimension import least_dimension
    from limitlab.free.scaling import fit_critical_n
    from limitlab.ledger import Ledger
    from limitlab.relevance import RelevanceMatrix, query_graph
    from limitlab.report import write_report
    from limitlab.retrieval import Hybrid, MultiVector, Muvera, Quantised, Rerank, Retriever, Sparse, Static, as_mteb
    from limitlab.retrieval.adapters import LinearAdapter, fit_adapter
    from limitlab.retrieval.stores import StoreRetriever, export_vectors
    from limitlab.search import Shards, exact_search, open_shards, separate
    from limitlab.theory import Bound, bounds
    from limitlab.training import TrainConfig, TrainResult, load_training, train


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'limitlab' has no attribute {name!r}")
    module = importlib.import_module(f"limitlab.{_HOME_OF[name]}")
    value = module if name in ("capacity", "published") else getattr(module, name)  # the room capacity can be called
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
