"""The cheap alternative to training a model: a linear adapter on its frozen vectors, fitted to the same pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.errors import RangeError
from limitlab._core.progress import SILENT, Progress
from limitlab._core.texts import TextList
from limitlab.retrieval.adapters import fit_adapter
from limitlab.retrieval.adapters.folder import save_adapter_folder
from limitlab.retrieval.dense import Dense
from limitlab.retrieval.encoder import SentenceEncoder
from limitlab.retrieval.packaged import PACKAGED
from limitlab.search import RelevantSet
from limitlab.training.base import Base
from limitlab.training.config import CUT, TrainConfig
from limitlab.training.pairs import TrainingPairs

_SHOWN = ("start", "scale", "ridge", "doc_ridge", "n_queries", "n_docs", "held_out_by")


def fit(config: TrainConfig, base: Base, pairs: TrainingPairs, folder: Path, *, progress: Progress = SILENT) -> dict[str, Any]:
    """Fit matrices for queries and documents to the pairs, and save them as a folder that ``-m`` takes.

    The vectors are those of the evaluation: the same prompts, the same cache. What the fit may choose (temperature, ridge, whether to change
    anything at all) it chooses on held-out pairs: by documents for the train split, whose evaluation asks for other documents; by
    queries where the evaluated documents themselves are trained on.

    Parameters
    ----------
    folder
        Where the adapter goes; an earlier one is replaced.

    Returns
    -------
    What was chosen, with the number of queries and documents.

    Raises
    ------
    RangeError
        ``dim`` is larger than the base's vectors.
    """
    width = SentenceEncoder(base.source).dim
    dim = config.dim or width
    if dim > width:
        raise RangeError(f"train(): dim must be in [1, {width}] for an adapter, which acts on the vectors of {base.name}; got {dim}.")
    queries, docs, relevant = _data(pairs)
    vectors = Dense(base.source, precision="float32")
    doc_vectors, query_vectors = (np.asarray(v)[:, :dim] for v in vectors.encoded(docs, queries, progress=progress))
    by = "documents" if config.split == "train" else "queries"
    found = fit_adapter(query_vectors, doc_vectors, relevant, sides="both", k=CUT, by=by, seed=config.seed, progress=progress)
    save_adapter_folder(folder, found, base=base.name if base.name in PACKAGED else base.source, fingerprint=base.fingerprint)
    return {name: found.facts[name] for name in _SHOWN}


def _data(pairs: TrainingPairs) -> tuple[TextList, TextList, RelevantSet]:
    """Different queries and documents of the pairs, and which of these documents are relevant: nothing relevant counts as irrelevant."""
    answers = dict(zip(pairs.queries, pairs.relevant))
    texts = list(dict.fromkeys(pairs.docs))
    place = {text: j for j, text in enumerate(texts)}
    rows = [sorted(place[text] for text in answer if text in place) for answer in answers.values()]
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    made = [TextList([f"{letter}{i}" for i in range(len(some))], list(some)) for letter, some in (("q", answers), ("d", texts))]
    return made[0], made[1], RelevantSet(indptr, np.concatenate(rows))
