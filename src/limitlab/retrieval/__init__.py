"""Floor 3: retrievers behind one Protocol."""

from limitlab.retrieval.bm25 import BM25
from limitlab.retrieval.callables import CallableRetriever
from limitlab.retrieval.dense import Dense
from limitlab.retrieval.multi_vector import MultiVector
from limitlab.retrieval.muvera import Muvera
from limitlab.retrieval.protocol import Retriever
from limitlab.retrieval.quantised import Quantised
from limitlab.retrieval.registry import build, known_retrievers
from limitlab.retrieval.sparse import Sparse
from limitlab.retrieval.static import Static
from limitlab.retrieval.token_sums import TokenSums, predicted_recall

__all__ = [
    "BM25",
    "CallableRetriever",
    "Dense",
    "MultiVector",
    "Muvera",
    "Quantised",
    "Retriever",
    "Sparse",
    "Static",
    "TokenSums",
    "build",
    "known_retrievers",
    "predicted_recall",
]
