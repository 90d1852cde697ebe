"""What encoding costs: the speed of the named model on this machine, on the user's own texts or on texts of the stated length."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from limitlab._core.checks import real
from limitlab._core.errors import InvalidArgument
from limitlab._core.seeds import derived
from limitlab.estimation.machine import MachineProfile
from limitlab.estimation.measure import sample_texts
from limitlab.estimation.model_dims import base_of, known_dim
from limitlab.estimation.part import Part
from limitlab.estimation.sizes import CHARACTERS_A_TOKEN, WHO, Sizes

SAMPLE = 48
_GROUPS = 4


@dataclass(frozen=True)
class Encoding:
    """Texts a second of one model on one machine, with what is not known about it.

    Attributes
    ----------
    docs_per_second
        Documents, on all cores (or the accelerator) of one machine.
    error
        Relative standard error, from groups of the sample.
    why
        What it was measured on, or who says so.
    dim
        Of the model; None where it was not loaded.
    """

    docs_per_second: float
    error: float
    why: str
    dim: int | None = None


def stated(texts_per_second: float) -> Encoding:
    """A speed that the user has measured elsewhere, on a GPU or at a service."""
    rate = real(WHO, "--texts-per-second", texts_per_second, low=1e-6, high=1e9)
    return Encoding(rate, 0.1, "stated by --texts-per-second, not measured here")


def measured(model: str, texts: Sequence[str], *, precision: str = "auto", seed: int = 0, made_up: bool = False) -> Encoding:
    """Encode a random sample of texts as ``eval`` does, longest first, in groups of one length mix each.

    Parameters
    ----------
    model
        As written; of an adapter its base is measured.
    made_up
        Whether the texts are nobody's, which is then said.

    Raises
    ------
    InvalidArgument
        The retriever encodes nothing.
    """
    from limitlab.retrieval import build

    base = base_of(model)
    retriever = build(base or model, precision=precision)
    if not hasattr(retriever, "encode"):
        raise InvalidArgument(f"{WHO}: -m must be a dense model to measure how fast it encodes; got {model!r}. Give --texts-per-second.")
    rows = np.arange(len(texts)) if len(texts) <= SAMPLE else derived(seed, "estimate").choice(len(texts), SAMPLE, replace=False)
    chosen = [texts[int(i)] for i in rows]
    retriever.encode(chosen[:2], "document")  # loaded, and its first call made
    seconds = []
    groups = [chosen[at::_GROUPS] for at in range(min(_GROUPS, len(chosen)))]
    for group in groups:
        ordered = sorted(group, key=len, reverse=True)
        start = time.perf_counter()
        retriever.encode(ordered, "document")
        seconds.append((time.perf_counter() - start) / len(group))
    mean = float(np.mean(seconds))
    error = float(np.std(seconds) / mean / max(1, len(seconds) - 1) ** 0.5) if len(seconds) > 1 else 0.3
    characters = round(float(np.mean([len(text) for text in chosen])))
    why = f"measured here on {len(chosen)} " + (f"made-up texts of {characters:,} characters" if made_up else "of the texts")
    dim = int(retriever.max_dim or 0) or None
    return Encoding(1 / mean, error, why if base is None else f"{why}, with its base {base}", dim if base is None else known_dim(model))


def texts_of_length(tokens: float) -> list[str]:
    """Texts without meaning of about so many tokens of 4 characters, where there are none of the user's."""
    letters = max(1, round(tokens * CHARACTERS_A_TOKEN / 6.5))  # a word of sample_texts has 6 letters on average, and a space
    return sample_texts(SAMPLE, letters)


def encoding_parts(s: Sizes, machine: MachineProfile, speed: Encoding) -> list[Part]:
    """Documents at the measured speed; queries by their length in tokens."""
    shorter = max(0.05, s.tokens_per_query / max(s.tokens_per_doc, 1e-9))
    amount = s.n_docs + s.n_queries * min(1.0, shorter)
    off = min(0.8, max(0.15, 3 * speed.error))
    return [
        Part(
            "encode", "n_docs + n_queries x (their tokens / a document's)", amount, "texts", speed.docs_per_second, "texts a second",
            f"{speed.why}; nothing is in the embedding cache", low=1 - off, high=1 + 1.5 * off, divides=True,
        )
    ]  # fmt: skip
