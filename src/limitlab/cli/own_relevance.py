"""The user's own relevance judgements: of a dataset folder, or of a qrels file alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from limitlab._core.errors import DataError, InvalidArgument

if TYPE_CHECKING:
    from limitlab.relevance import RelevanceMatrix


def own_relevance(who: str, dataset: str | None, qrels: Path | None, split: str, min_relevance: int) -> tuple[str, RelevanceMatrix]:
    """(name, relevance); a qrels file alone gets one more document, which stands for the rest of the corpus.

    Raises
    ------
    InvalidArgument
        Neither is given.
    DataError
        The file does not exist or cannot be read.
    """
    if dataset is not None:
        from limitlab.data import load

        data = load(dataset, split=split, qrels=qrels)
        return data.name, data.relevance
    if qrels is None:
        raise InvalidArgument(f"{who}: a DATASET or --qrels FILE must be given; got neither.")
    from limitlab.data.formats.reading import read_qrels
    from limitlab.relevance import RelevanceMatrix, with_other_document

    if not qrels.is_file():
        raise DataError.at(qrels, None, "this is a folder, not a qrels file" if qrels.is_dir() else "this qrels file does not exist")
    relevance = RelevanceMatrix.from_triples(read_qrels(qrels))
    if relevance.n_relevant == 0:
        raise DataError.at(qrels, None, "the file must hold at least one relevant document; it has none")
    return qrels.name, with_other_document(relevance, min_relevance=min_relevance)
