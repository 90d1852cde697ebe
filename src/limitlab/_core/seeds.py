"""Random generators: always from an explicit seed or generator, never global."""

from __future__ import annotations

import hashlib

import numpy as np

from limitlab._core.errors import RangeError

Seed = int | np.random.Generator


def generator(who: str, seed: Seed) -> np.random.Generator:
    """A PCG64 generator from a seed >= 0, or the generator that was given."""
    if isinstance(seed, np.random.Generator):
        return seed
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise RangeError.of(who, "seed", "a whole number >= 0, or a numpy Generator", seed=seed)
    return np.random.Generator(np.random.PCG64(int(seed)))


def derived(seed: int, *labels: object) -> np.random.Generator:
    """A generator that depends on the seed and on a label, so that streams used for different purposes are independent."""
    return np.random.Generator(np.random.PCG64(derived_key(seed, *labels)))


def derived_key(seed: int, *labels: object) -> int:
    """A 128-bit key from a seed and labels (SHA-256, so the same on every platform and version)."""
    text = "\x1f".join([str(int(seed)), *map(str, labels)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")
