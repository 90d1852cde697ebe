"""Losses of sentence-transformers for (query, relevant document) pairs with the batch as negatives."""

from __future__ import annotations

from typing import Any

from limitlab._core.errors import InvalidArgument
from limitlab.training.config import TrainConfig

_CACHED_AT_ONCE = 16  # pairs whose activations are held at the same time


def loss_of(model: Any, config: TrainConfig) -> Any:
    """The loss of a configuration around ``model``: multiple negatives ranking, cached or not, at one or several dimensions.

    Single vectors: cross-entropy over the cosines with all documents of the batch, times 20. Token vectors: over MaxSim, times 1,
    both as sentence-transformers has them.

    References
    ----------
    [Henderson2017], [Kusupati2022]
    """
    if config.architecture == "multi-vector":
        from sentence_transformers.multi_vector_encoder import losses as multi

        if config.loss == "cached-mnr":
            return multi.CachedMultiVectorMultipleNegativesRankingLoss(model, mini_batch_size=_CACHED_AT_ONCE)
        return multi.MultiVectorMultipleNegativesRankingLoss(model)
    from sentence_transformers.sentence_transformer import losses

    if config.loss == "cached-mnr":
        try:
            loss: Any = losses.CachedMultipleNegativesRankingLoss(model, mini_batch_size=_CACHED_AT_ONCE)
        except ValueError as error:
            raise InvalidArgument(
                f"train(): loss must be mnr for {config.base} ({str(error).splitlines()[0][:200]}); got cached-mnr."
            ) from error
    else:
        loss = losses.MultipleNegativesRankingLoss(model)
    if config.matryoshka:
        loss = losses.MatryoshkaLoss(model, loss, matryoshka_dims=sorted(config.matryoshka, reverse=True))
    return loss
