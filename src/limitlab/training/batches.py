"""Which pairs are in a batch together: the loss takes the other documents of a batch for irrelevant ones."""

from __future__ import annotations

from limitlab._core.seeds import derived
from limitlab.training.config import TrainConfig
from limitlab.training.pairs import TrainingPairs


def batches_of(config: TrainConfig, pairs: TrainingPairs) -> list[list[int]]:
    """Positions of the pairs of every optimiser step, all epochs one after another.

    Every pair occurs once an epoch. An epoch is shuffled; then pairs join the batch in that order unless they clash with one
    in it, and those left over begin the next. Few documents make small batches: 46 allow at most 46 pairs.

    Parameters
    ----------
    config
        ``batches``: in no-duplicates, equal queries and equal documents clash; in no-false-negatives also a document that
        is relevant to the other pair's query.

    Returns
    -------
    A list a batch; a last batch of one pair has no negative and is left out.
    """
    out: list[list[int]] = []
    for epoch in range(config.epochs):
        left = derived(config.seed, "batches", epoch).permutation(len(pairs)).tolist()
        while left:
            batch, left = _one(left, pairs, config)
            if len(batch) > 1:
                out.append(batch)
    return out


def _one(left: list[int], pairs: TrainingPairs, config: TrainConfig) -> tuple[list[int], list[int]]:
    """(the next batch, what is left), both in order."""
    strict = config.batches == "no-false-negatives"
    batch: list[int] = []
    skipped: list[int] = []
    queries: set[str] = set()
    docs: set[str] = set()
    wanted: set[str] = set()  # relevant to some query of the batch
    for place, i in enumerate(left):
        if len(batch) == config.batch_size:
            return batch, skipped + left[place:]
        query, doc = pairs.queries[i], pairs.docs[i]
        clash = query in queries or doc in docs or (strict and (doc in wanted or not pairs.relevant[i].isdisjoint(docs)))
        if clash:
            skipped.append(i)
            continue
        batch.append(i)
        queries.add(query)
        docs.add(doc)
        wanted |= pairs.relevant[i]
    return batch, skipped


def false_negative_share(batches: list[list[int]], pairs: TrainingPairs) -> float:
    """Share of pairs in whose batch another document is relevant to their query, and is pushed away as if it were not; in [0, 1]."""
    bad = total = 0
    for batch in batches:
        docs = {pairs.docs[i] for i in batch}
        bad += sum(len(pairs.relevant[i] & docs) > 1 for i in batch)
        total += len(batch)
    return bad / total if total else 0.0
