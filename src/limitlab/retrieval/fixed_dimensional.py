r"""Fixed-dimensional encodings: one vector for a set of token vectors, whose inner product stands for MaxSim.

For each of R repetitions, k_sim Gaussian directions cut the space into B = 2**k_sim cells by the signs of their inner products (SimHash).
A query's block for cell c is the sum of its tokens in c, a document's is their mean; a document's empty cell takes the token whose cell
differs from c in the fewest signs, the first of equals. Blocks are projected to dim_proj values by a random matrix of signs over
sqrt(dim_proj) and put side by side: R B dim_proj values. A final matrix of signs over sqrt(final_dim) may shorten the whole. Vectors are
divided by sqrt(R), so that the inner product estimates MaxSim itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from limitlab._core.checks import whole
from limitlab._core.errors import TooLarge
from limitlab._core.seeds import derived

_LARGEST_K_SIM = 12
_LARGEST_DIM = 1 << 20
_LARGEST_MATRIX = 2 << 30  # bytes of the final projection


@dataclass(frozen=True)
class FixedDimensionalConfig:
    """How token vectors become one vector.

    Attributes
    ----------
    repetitions
        R >= 1 independent partitions.
    k_sim
        0 <= k_sim <= 12 directions a partition: 2**k_sim cells.
    dim_proj
        Values a cell, >= 1; None or the dimension of tokens and more: no inner projection.
    final_dim
        Values in the end, >= 1; None: no final projection.
    seed
        Of directions and matrices, >= 0.

    References
    ----------
    [Dhulipala2024]
    """

    repetitions: int = 20
    k_sim: int = 5
    dim_proj: int | None = 16
    final_dim: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        who = "muvera()"
        whole(who, "repetitions", self.repetitions, low=1)
        whole(who, "k_sim", self.k_sim, low=0, high=_LARGEST_K_SIM)
        whole(who, "seed", self.seed, low=0)
        for name in ("dim_proj", "final_dim"):
            if getattr(self, name) is not None:
                whole(who, name, getattr(self, name), low=1, high=_LARGEST_DIM)

    def dim(self, token_dim: int) -> int:
        """Values of an encoding."""
        return self.final_dim if self.final_dim is not None else self.raw_dim(token_dim)

    def raw_dim(self, token_dim: int) -> int:
        """Values before the final projection."""
        return self.repetitions * 2**self.k_sim * self.projected(token_dim)

    def projected(self, token_dim: int) -> int:
        """Values a cell."""
        return token_dim if self.dim_proj is None else min(self.dim_proj, token_dim)


class FixedDimensionalEncoder:
    """Encodes token vectors of one dimension.

    Parameters
    ----------
    config
        How.
    token_dim
        Dimension of the token vectors, >= 1.

    Raises
    ------
    TooLarge
        An encoding has more than 1,048,576 values, or the final projection would take more than 2 GiB.
    """

    def __init__(self, config: FixedDimensionalConfig, token_dim: int) -> None:
        self.config = config
        self.token_dim = whole("muvera()", "token_dim", token_dim, low=1)
        raw = config.raw_dim(token_dim)
        if raw > _LARGEST_DIM:
            raise TooLarge(
                f"muvera(): an encoding would have {raw:,} values; the limit is {_LARGEST_DIM:,}. Lower repetitions, k_sim or dim_proj."
            )
        if config.final_dim is not None and 4 * raw * config.final_dim > _LARGEST_MATRIX:
            raise TooLarge(
                f"muvera(): the final projection from {raw:,} to {config.final_dim:,} values would take "
                f"{4 * raw * config.final_dim / 2**30:.1f} GiB; the limit is 2 GiB. Lower final_dim, repetitions or k_sim."
            )

    @cached_property
    def directions(self) -> np.ndarray:
        """(repetitions, k_sim, token_dim) float32, standard normal."""
        c = self.config
        shape = (c.repetitions, c.k_sim, self.token_dim)
        return derived(c.seed, "fixed-dimensional directions").standard_normal(shape, np.float32)

    @cached_property
    def projections(self) -> np.ndarray | None:
        """(repetitions, dim_proj, token_dim) float32 of +-1 / sqrt(dim_proj), or None."""
        c = self.config
        width = c.projected(self.token_dim)
        return None if width == self.token_dim else _signs(c.seed, "inner", (c.repetitions, width, self.token_dim), width)

    @cached_property
    def final(self) -> np.ndarray | None:
        """(final_dim, raw_dim) float32 of +-1 / sqrt(final_dim), or None."""
        c = self.config
        return None if c.final_dim is None else _signs(c.seed, "final", (c.final_dim, c.raw_dim(self.token_dim)), c.final_dim)

    def encode(self, values: np.ndarray, offsets: np.ndarray, *, kind: str) -> np.ndarray:
        """(texts, dim) float32: ``values`` (T, token_dim) float32 end to end, text i in rows offsets[i] .. offsets[i+1].

        kind is "query" or "document". Texts without tokens become zero vectors. Projections are float32 matrix products, so a token within
        rounding of a cell's border may fall on either side of it in blocks of another size.
        """
        from limitlab.retrieval.fixed_dimensional_kernels import fill_cells

        c, cells, width = self.config, 2**self.config.k_sim, self.config.projected(self.token_dim)
        out = np.zeros((offsets.size - 1, c.repetitions, cells, width), np.float32)
        powers = (1 << np.arange(c.k_sim)).astype(np.int64)
        for r in range(c.repetitions):
            cell = ((values @ self.directions[r].T) > 0) @ powers if c.k_sim else np.zeros(len(values), np.int64)
            projected = values if self.projections is None else values @ self.projections[r].T
            fill_cells(np.ascontiguousarray(projected), cell.astype(np.int64), offsets, kind == "document", out[:, r])
        flat = out.reshape(out.shape[0], -1)
        flat /= np.sqrt(np.float32(c.repetitions))
        return flat if self.final is None else flat @ self.final.T


def _signs(seed: int, label: str, shape: tuple[int, ...], width: int) -> np.ndarray:
    ones = derived(seed, f"fixed-dimensional {label} projection").integers(0, 2, shape, np.int8)
    return (ones * np.float32(2) - np.float32(1)) / np.sqrt(np.float32(width))
