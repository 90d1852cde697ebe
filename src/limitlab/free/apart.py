"""Free embeddings of all k-subsets as tasks of an engine: every (n, seed) on its own, on whatever machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from limitlab._core.errors import TooLarge
from limitlab._core.progress import SILENT, Progress
from limitlab.engine import Engine
from limitlab.free.config import FreeConfig
from limitlab.free.cpu import work_of
from limitlab.free.optimise import free_embed, shareable
from limitlab.free.problem import FreeProblem
from limitlab.free.result import FreeResult

_Item = tuple[int, int, int]  # n_docs, k, seed


def optimised_apart(
    engine: Engine, problems: Sequence[FreeProblem], config: FreeConfig, *, progress: Progress = SILENT
) -> Iterator[tuple[int, FreeResult | TooLarge]]:
    """(index, result without vectors) of each problem in the order in which they end, or why it was refused.

    Bit for bit the numbers of ``free_embed``: they depend neither on the machine's threads nor on the other problems.

    Parameters
    ----------
    problems
        Of ``FreeProblem.all_subsets``; they are made again where they are optimised, by (n, k, seed).
    """
    items = [(p.n_docs, p.k or 0, p.seed) for p in problems]
    work = [work_of(p, config.dim) for p in problems]
    # A problem a core while there are enough; few large ones get a machine each, whose threads share every step.
    few = 2 * len(problems) <= engine.workers and all(shareable(p, config.dim) for p in problems)
    order = sorted(range(len(items)), key=lambda i: -work[i])
    label = f"free embeddings, d = {config.dim}"
    cpu = replace(config, device="cpu").to_dict()
    for done in engine.map(_optimise, [items[i] for i in order], shared=cpu, whole_machine=few, label=label, progress=progress):
        index = order[done.index]
        if done.value is not None:
            yield index, done.value
        elif isinstance(done.error, TooLarge):
            yield index, done.error
        elif done.error is not None:
            raise done.error


def _optimise(config: dict[str, Any], item: _Item) -> FreeResult:
    n_docs, k, seed = item
    found = free_embed(FreeProblem.all_subsets(n_docs, k, seed=seed), FreeConfig(**config))
    return replace(found, docs=None, queries=None)
