"""A ranking that was made elsewhere, from a run file: beside other retrievers in one evaluation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.checks import choice
from limitlab._core.errors import DataError, InvalidArgument, first_examples
from limitlab._core.files import sha256_file
from limitlab._core.progress import SILENT, Progress
from limitlab._core.texts import Texts
from limitlab.retrieval.platforms.contract import Answer, Capabilities, Hit
from limitlab.retrieval.platforms.mapping import DocumentMap
from limitlab.retrieval.platforms.ranking import RANK_BY, ranked
from limitlab.search import RelevantSet, SearchResult
from limitlab.search.run_files import read_scored


class RunFile:
    """Ranked lists by query id: TREC, JSON, or predictions of sentence-transformers or mteb; see ``read_scored``.

    What a list does not hold was not retrieved. Queries that the file lacks retrieved nothing, and are counted.

    Parameters
    ----------
    file
        The run file.
    chunk_separator, chunk_pattern
        Hits are named by chunk ids: how the document id is read from them.
    rank_by
        score | position (of the lists after they are ordered by score).
    split, subset
        Which part of an mteb file, where it holds several.

    Raises
    ------
    DataError
        The file cannot be read, or names no known query or no known document.
    """

    family = "other"
    max_dim = None

    def __init__(
        self,
        *,
        file: str = "",
        chunk_separator: str = "",
        chunk_pattern: str = "",
        rank_by: str = "score",
        split: str = "",
        subset: str = "",
    ) -> None:
        if not file:
            raise InvalidArgument("run: file must be given, such as run:file=production.trec; got none.")
        self._path = Path(str(file))
        self._lists = read_scored(self._path, split=split or None, subset=subset or None)
        self._separator, self._pattern = str(chunk_separator), str(chunk_pattern)
        self._rank_by = choice("run", "rank_by", rank_by, RANK_BY)
        self.name = f"run:{self._path.name}"
        self.label = f"Run {self._path.stem}"
        self._options = {"separator": self._separator, "pattern": self._pattern, "rank_by": rank_by, "split": split, "subset": subset}

    def config(self, n_docs: int) -> dict[str, Any]:
        """The content of the file, wherever it lies, and how it is read."""
        return {"retriever": "run", "sha256": sha256_file(self._path), **self._options}

    def index(self, docs: Texts, queries: Texts, *, progress: Progress = SILENT) -> dict[str, Any]:
        """Find the lists of the evaluated queries."""
        known = [q for q in queries.ids if q in self._lists]
        if not known:
            raise DataError(
                f"run: {self._path} must name known queries; {len(self._lists):,} of {len(self._lists):,} are unknown: "
                f"{first_examples(self._lists)}."
            )
        self._documents = DocumentMap(docs, "run", separator=self._separator, pattern=self._pattern)
        self._answers = [Answer(tuple(Hit((("run", d),), s) for d, s in self._lists.get(q, ()))) for q in queries.ids]
        notes = {"queries_not_in_run": len(queries) - len(known), "run_queries_left_out": len(self._lists) - len(known)}
        self._notes: dict[str, Any] = {name: number for name, number in notes.items() if number}
        self._n_docs = len(docs)
        return {"cost": {}, "notes": self._notes}

    def search(
        self, *, k: int, places: np.ndarray, relevant: RelevantSet, dim: int | None = None, progress: Progress = SILENT
    ) -> SearchResult:
        """The lists, chunks collapsed to documents."""
        self._documents.fields.clear()
        found, seen = ranked(
            self._answers, self._documents, who="run", asked=sys.maxsize, wanted=min(k, self._n_docs), k=k, rank_by=self._rank_by,
            capabilities=Capabilities(budget="none stated"), places=places, relevant=relevant,
        )  # fmt: skip
        self._notes.update({name: value for name, value in seen.items() if name != "documents_named_by"})
        return found

    def predict(self, measure: str, cut: int, **_: Any) -> float | None:
        """No closed form."""
        return None
