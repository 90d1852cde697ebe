"""Encoders that give several vectors a text: late-interaction models, and the token vectors of any dense model."""

from __future__ import annotations

from typing import Any

import numpy as np

from limitlab._core.errors import DataError
from limitlab.retrieval.encoder import SentenceEncoder, load_model
from limitlab.retrieval.model_kinds import MULTI_VECTOR, refuse_other_kinds
from limitlab.search import normalised

_BATCH = 16  # as SentenceEncoder: texts arrive sorted by length, and small batches stay in cache


class LateInteractionEncoder(SentenceEncoder):
    """A multi-vector model (ColBERT and its kin): vectors, prompts, query expansion and skipped tokens are the model's own."""

    what = "multi-vector"
    special_tokens = "as the model says"

    def _loaded(self, precision: str) -> Any:
        refuse_other_kinds("MultiVector()", self.source, MULTI_VECTOR)
        return load_model(self.source, self._trust, loader="MultiVectorEncoder", what="multi-vector retrievers", precision=precision)

    def encode_tokens(self, texts: list[str], *, kind: str, prompt: str, precision: str) -> tuple[list[np.ndarray], np.ndarray]:
        """(one (tokens, dim) float32 matrix a text, (n,) tokens before truncation); kind is "query" or "document"."""
        model = self.model(precision)
        counts = self._token_counts(model, [prompt + t for t in texts])
        encode = model.encode_query if kind == "query" else model.encode_document
        made = encode(texts, prompt=prompt, batch_size=_BATCH, show_progress_bar=False, convert_to_numpy=False)
        return _checked(self.source, [m.float().cpu().numpy() for m in made]), counts


class OwnTokens(SentenceEncoder):
    """The vectors that a dense model has of each token before it pools them; special tokens dropped, each scaled to unit length.

    Nothing is trained for this. Tokens of a prompt are kept, as in late-interaction models.
    """

    what = "tokens of a dense model"
    special_tokens = "dropped"

    @classmethod
    def of(cls, encoder: SentenceEncoder) -> OwnTokens:
        """The same model, loaded once for both."""
        own = cls(encoder.source, trust_remote_code=encoder._trust, settings=encoder.settings, smallest=encoder._smallest)
        own._models = encoder._models
        return own

    def encode_tokens(self, texts: list[str], *, kind: str, prompt: str, precision: str) -> tuple[list[np.ndarray], np.ndarray]:
        """(one (tokens, dim) float32 matrix of unit vectors a text, (n,) tokens before truncation)."""
        model = self.model(precision)
        counts = self._token_counts(model, [prompt + t for t in texts])
        made = model.encode(texts, prompt=prompt, batch_size=_BATCH, show_progress_bar=False, output_value=None)
        dropped = _added_tokens(model)
        out = []
        for features in made:
            if "token_embeddings" not in features or "input_ids" not in features:
                raise DataError(f"{self.source}: the model must give a vector a token for MaxSim; it gives one a text only.")
            keep = features["attention_mask"].bool().cpu().numpy() & ~np.isin(features["input_ids"].cpu().numpy(), dropped)
            out.append(normalised(features["token_embeddings"].float().cpu().numpy()[keep]))
        return _checked(self.source, out), counts


def _added_tokens(model: Any) -> np.ndarray:
    """Numbers of the tokens that stand for no text ([CLS], [SEP], padding, ...); the unknown token stands for some."""
    tokenizer = getattr(model, "tokenizer", None)
    special = set(getattr(tokenizer, "all_special_ids", None) or ())
    return np.array(sorted(special - {getattr(tokenizer, "unk_token_id", None)}), np.int64)


def _checked(source: str, matrices: list[np.ndarray]) -> list[np.ndarray]:
    bad = sum(not np.isfinite(m).all() for m in matrices)
    if bad:
        raise DataError(f"{source}: the model returned NaN or infinity for {bad} texts; try --precision float32.")
    return matrices
