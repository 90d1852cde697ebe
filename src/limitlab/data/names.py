"""Unique names for any number of documents without a set in memory: a keyed permutation of the numbers of all names."""

from __future__ import annotations

import string
from collections.abc import Sequence

import numpy as np

from limitlab._core.errors import RangeError
from limitlab._core.seeds import derived


class KeyedPermutation:
    """A pseudo-random permutation of range(size), evaluated where needed.

    A four-round Feistel network over the next even power of two, walked until it lands inside (cycle walking,
    [BlackRogaway2002]). Memory is four small tables whatever the size.

    Parameters
    ----------
    size
        1 <= size <= 2**62.
    seed, label
        Select the permutation.
    """

    def __init__(self, size: int, seed: int, label: str) -> None:
        if not 1 <= size <= 2**62:
            raise RangeError.of("KeyedPermutation()", "size", "in [1, 2**62]", size=size)
        self.size = size
        self._half = max(1, ((size - 1).bit_length() + 1) // 2)
        self._mask = np.uint64((1 << self._half) - 1)
        self._keys = derived(seed, "permutation", label).integers(0, 2**63, size=8, dtype=np.uint64) | np.uint64(1)

    def __call__(self, numbers: np.ndarray | Sequence[int]) -> np.ndarray:
        """The images of ``numbers`` (each in [0, size)): int64, same shape."""
        x = np.asarray(numbers, np.uint64).copy()
        walking = np.ones(x.shape, bool)
        while walking.any():
            x[walking] = self._round_trip(x[walking])
            walking = x >= self.size
        return x.astype(np.int64)

    def _round_trip(self, x: np.ndarray) -> np.ndarray:
        half, mask = np.uint64(self._half), self._mask
        left, right = x >> half, x & mask
        for r in range(4):
            mixed = (right + self._keys[2 * r]) * self._keys[2 * r + 1]  # wraps modulo 2**64 on purpose
            mixed ^= mixed >> np.uint64(29)
            mixed *= np.uint64(0xBF58476D1CE4E5B9)
            mixed ^= mixed >> np.uint64(32)
            left, right = right, (left ^ mixed) & mask
        return (left << half) | right


class Names:
    """Distinct full names by document number.

    "First Last" as long as there are enough pairs, else "First M. Last" with a middle initial, where the language has initials.

    Parameters
    ----------
    form
        How a name is made: holds ``{first}`` and ``{last}``.
    initials
        Whether a middle initial may be added.
    """

    def __init__(
        self, first: Sequence[str], last: Sequence[str], n_docs: int, seed: int, *, form: str = "{first} {last}", initials: bool = True
    ) -> None:
        pairs = len(first) * len(last)
        total = pairs * (1 + len(string.ascii_uppercase) * initials)
        if n_docs > total:
            raise RangeError(
                f"make_limit(): n_docs must be at most {total:,} with {len(first):,} first and {len(last):,} last names; "
                f"got n_docs={n_docs:,}. Pass longer name files."
            )
        self._first, self._last, self._form = first, last, form
        self._permutation = KeyedPermutation(pairs if n_docs <= pairs else total, seed, "names")

    def of(self, numbers: np.ndarray) -> list[str]:
        """The names of the documents with these numbers."""
        codes = self._permutation(numbers)
        pair, initial = codes % (len(self._first) * len(self._last)), codes // (len(self._first) * len(self._last))
        firsts, lasts = (pair // len(self._last)).tolist(), (pair % len(self._last)).tolist()
        middle = [""] + [f" {c}." for c in string.ascii_uppercase]
        form = self._form
        return [
            form.replace("{first}", self._first[f] + middle[m]).replace("{last}", self._last[x])
            for f, m, x in zip(firsts, initial.tolist(), lasts)
        ]
