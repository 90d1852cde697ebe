"""Batches: every pair once an epoch, no clash within one; what is a false negative."""

from __future__ import annotations

from collections import Counter

import pytest

from limitlab.training.batches import batches_of, false_negative_share
from limitlab.training.config import TrainConfig
from limitlab.training.pairs import test_data as evaluated
from limitlab.training.pairs import training_pairs

PAIRS = training_pairs(TrainConfig(pairs=300), evaluated(TrainConfig(), 60))


@pytest.mark.parametrize("kind", ["no-duplicates", "no-false-negatives"])
def test_every_pair_is_served_once_an_epoch_and_no_batch_has_a_clash(kind):
    batches = batches_of(TrainConfig(epochs=2, batch_size=16, batches=kind), PAIRS)
    served = Counter(i for b in batches for i in b)
    assert all(count <= 2 for count in served.values()) and sum(served.values()) >= 2 * 300 - 4  # a last pair alone has no negative
    for batch in batches:
        assert 2 <= len(batch) <= 16
        assert len({PAIRS.queries[i] for i in batch}) == len({PAIRS.docs[i] for i in batch}) == len(batch)
        if kind == "no-false-negatives":
            docs = {PAIRS.docs[i] for i in batch}
            assert all(PAIRS.relevant[i] & docs == {PAIRS.docs[i]} for i in batch)


def test_few_documents_make_small_batches_full_of_false_negatives():
    batches = batches_of(TrainConfig(epochs=1, batch_size=64), PAIRS)
    assert max(map(len, batches)) <= PAIRS.notes["documents"] == 46
    by_hand = [len(PAIRS.relevant[i] & {PAIRS.docs[j] for j in b}) > 1 for b in batches for i in b]
    assert false_negative_share(batches, PAIRS) == sum(by_hand) / len(by_hand) > 0.4
    strict = batches_of(TrainConfig(epochs=1, batch_size=64, batches="no-false-negatives"), PAIRS)
    assert false_negative_share(strict, PAIRS) == 0.0 and len(strict) > len(batches)


def test_epochs_differ_and_seeds_repeat():
    first, again, other = (batches_of(TrainConfig(epochs=2, seed=s), PAIRS) for s in (1, 1, 2))
    assert first == again != other
    assert first[: len(first) // 2] != first[len(first) // 2 :]
