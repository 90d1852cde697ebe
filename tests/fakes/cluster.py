"""An engine that is not called local: it pickles everything as workers elsewhere would get it, finishes items backwards, and can fail at will."""

from __future__ import annotations

import pickle

from limitlab._core.errors import LimitlabError
from limitlab.engine import Done


class FakeCluster:
    """Every item is done in this process, from pickled copies, the last one first."""

    name = "ray://fake"
    workers = 2

    def __init__(self, *, memory_rows: int | None = None, stop_after: int | None = None) -> None:
        self.memory_rows, self.stop_after = memory_rows, stop_after
        self.items: list[object] = []  # those that were started
        self.labels: list[str] = []

    def map(self, task, items, *, shared, whole_machine=False, smaller=None, weights=None, label="", progress=None):
        sent = pickle.dumps((task, shared))
        self.labels.append(label)
        for index in reversed(range(len(items))):
            item, tries = pickle.loads(pickle.dumps(items[index])), 1
            if self.stop_after is not None and len(self.items) == self.stop_after:
                raise KeyboardInterrupt
            self.items.append(item)
            while self.memory_rows is not None and item.block_docs > self.memory_rows:
                item, tries = smaller(item), tries + 1
            run, given = pickle.loads(sent)
            try:
                yield Done(index, pickle.loads(pickle.dumps(run(given, item))), None, tries)
            except LimitlabError as error:
                yield Done(index, None, error, tries)

    def facts(self):
        return {"engine": "fake"}

    def close(self) -> None:
        return None
