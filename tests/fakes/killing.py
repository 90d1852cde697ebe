"""An engine whose workers are killed at random, before or after an item's work is done, while it runs what a room gave it."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from pathlib import Path


def die_then(shared, item):
    """Kills its worker as often as planned for this item, then does the work; half of the deaths come when the work is done."""
    task, given, folder, plan = shared
    number, real = item
    tries = len(list(Path(folder).glob(f"try-{number}-*")))
    (Path(folder) / f"try-{number}-{tries}").touch()
    late = plan.get(number, ())[tries : tries + 1]
    if late == (False,):
        os.kill(os.getpid(), signal.SIGKILL)
    made = task(given, real)
    if late == (True,):
        os.kill(os.getpid(), signal.SIGKILL)
    return made


class Killing:
    """``engine``, with so many deaths dealt at random over the items of its maps; at most four an item, as the fifth ends a map."""

    def __init__(self, engine, folder: Path, deaths: int, seed: int = 0) -> None:
        self._engine, self._folder, self._rng = engine, folder, random.Random(seed)
        self.left, self.maps = deaths, 0
        self.name, self.workers = engine.name, engine.workers

    def map(self, task, items, *, shared, whole_machine=False, smaller=None, **rest):
        """As the engine's; in workers, whole machine or not: otherwise the tests themselves would be killed."""
        folder = self._folder / f"map-{self.maps}"
        folder.mkdir(parents=True)
        self.maps += 1
        counts: Counter = Counter()
        here = len(items) < 2 and self.name.startswith("local")  # one item runs in the driver, which must live
        for _ in range(0 if here else min(self.left, 4 * len(items))):
            counts[self._rng.choice([i for i in range(len(items)) if counts[i] < 4])] += 1
        self.left -= counts.total()
        plan = {i: tuple(self._rng.random() < 0.5 for _ in range(n)) for i, n in counts.items()}
        half = (lambda pair: None if (less := smaller(pair[1])) is None else (pair[0], less)) if smaller is not None else None
        return self._engine.map(die_then, list(enumerate(items)), shared=(task, shared, str(folder), plan), smaller=half, **rest)

    def facts(self):
        return self._engine.facts()

    def close(self):
        return None
