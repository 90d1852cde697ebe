"""Linear adapters: matrices that change query and document vectors of an encoder, their fit, and a retriever that applies them."""

from limitlab.retrieval.adapters.fitting import fit_adapter, fit_adapters
from limitlab.retrieval.adapters.linear import LinearAdapter
from limitlab.retrieval.adapters.splits import Split, splits

__all__ = ["LinearAdapter", "Split", "fit_adapter", "fit_adapters", "splits"]
