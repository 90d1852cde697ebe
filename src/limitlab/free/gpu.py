"""The protocol's loop in PyTorch, for a GPU (and for the CPU in tests): the same rules, the same numbers to rounding.

Nothing waits for the device inside a step. Patience, the number of steps taken and whether the run is over are tensors on
the device; the host looks at them when it counts the hits. A run that is over stands still until then, so that its result is
that of the step at which it ended. For the same reason a step can be recorded as a CUDA graph and played back.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from limitlab._core.errors import InvalidArgument
from limitlab._core.optional import available, require
from limitlab.free.config import FreeConfig
from limitlab.free.objectives import FIRST_BIAS, FIRST_SCALE
from limitlab.free.problem import FreeProblem
from limitlab.free.slopes import Slopes
from limitlab.free.state import ALL_HIT, EPSILON, GOING, KEEP_FIRST, KEEP_SECOND, LAST_STEP, NO_GAIN, NOT_FINITE

_BLOCK_ENTRIES = 64 << 20  # scores held at once, 256 MiB in float32
_WHAT = "free embeddings on a GPU"


def gpu_available() -> bool:
    """Whether PyTorch is installed and sees a CUDA device."""
    if not available("torch"):
        return False
    return bool(require("torch", extra="models", what=_WHAT).cuda.is_available())


class GpuOptimisation:
    """As ``CpuOptimisation``, on a PyTorch device.

    Parameters
    ----------
    device
        A PyTorch device: cuda, cuda:1, cpu.
    block_entries
        Scores held at once: queries go in blocks of ``block_entries / n_docs``.

    Raises
    ------
    MissingExtra
        PyTorch is not installed.
    InvalidArgument
        The device is not there, or PyTorch was told to multiply in less than float32.
    TooLarge
        It does not fit into the device's free memory.
    """

    def __init__(self, problem: FreeProblem, config: FreeConfig, *, device: str, block_entries: int = _BLOCK_ENTRIES) -> None:
        self._torch: Any = require("torch", extra="models", what=_WHAT)
        torch = self._torch
        self._check_device(device)
        self._problem, self._config = problem, config
        if device.startswith("cuda"):  # values, moments, gradients and the temporaries of an update; five sheets
            need = 4 * (12 * (problem.n_queries + problem.n_docs) * config.dim + 5 * min(block_entries, problem.n_queries * problem.n_docs))
            problem.refuse_above(f"free_embed() on {device}", config.dim, need=need, limit=int(torch.cuda.mem_get_info(device)[0]))
        docs, queries = problem.start(config.dim)
        learnt = np.array([FIRST_SCALE, FIRST_BIAS], np.float32)
        self._values = [torch.from_numpy(x).to(device) for x in (docs, queries, learnt)]
        self._moments = [(torch.zeros_like(x), torch.zeros_like(x)) for x in self._values]
        self._slopes = Slopes(torch, problem, config, device=device, block_entries=block_entries)

        def number(value: float, kind: Any) -> Any:
            return torch.full((), value, dtype=kind, device=device)

        self._best, self._loss = number(float("inf"), torch.float64), number(float("nan"), torch.float64)
        self._since, self._taken, self._code = (number(0, torch.int64) for _ in range(3))  # GOING is 0
        # Numbers that steps choose from lie on the device: a step that copies from the host cannot be recorded.
        self._none = number(0, torch.int64)
        self._ends = {code: number(code, torch.int64) for code in (GOING, NO_GAIN, LAST_STEP, NOT_FINITE)}
        self._recorded = self._record() if device.startswith("cuda") else None
        self._step, self._last_loss = 0, float("nan")
        self._points: list[tuple[int, float, int]] = []
        self.seconds = 0.0

    @property
    def step(self) -> int:
        """Steps taken."""
        return self._step

    @property
    def loss(self) -> float:
        """The loss that the last step started from."""
        return self._last_loss

    def curve(self) -> tuple[tuple[int, float, int], ...]:
        """(step, loss, hits) at every evaluation so far."""
        return tuple(self._points)

    def vectors(self) -> tuple[np.ndarray, np.ndarray]:
        """Documents (n_docs, dim) and queries (n_queries, dim), float32."""
        docs, queries = (x.cpu().numpy().copy() for x in self._values[:2])
        return docs, queries

    def stop(self) -> None:
        """Nothing to do: an ``advance`` is short."""

    def advance(self, *, threads: int = 1) -> int:
        """Steps up to the next evaluation, and the evaluation; returns how they ended (a code of ``state``)."""
        start = time.perf_counter()
        every, most = self._config.evaluate_every, self._config.max_steps
        with self._torch.no_grad():
            for _ in range(min(every - self._step % every, most - self._step)):
                if self._recorded is None:
                    self._one_step()
                else:
                    self._recorded.replay()
            code = int(self._code)  # the one place where the host waits
            self._step, self._last_loss = int(self._taken), float(self._loss)
            if code != NOT_FINITE:
                hits = self._slopes.hits(*self._values[:2])
                self._points.append((self._step, self._last_loss, hits))
                code = ALL_HIT if hits == self._problem.n_relevant else code
        self.seconds += time.perf_counter() - start
        return code

    def _one_step(self) -> None:
        torch = self._torch
        active = self._code == GOING
        self._taken += active
        loss, slopes = self._slopes(*self._values)
        taken = self._taken.to(torch.float64)
        grown = (1.0 - (taken * math.log(KEEP_SECOND)).exp()).sqrt()
        rate = grown / (1.0 - (taken * math.log(KEEP_FIRST)).exp()) * self._config.learning_rate
        for i, (value, (first, second), slope) in enumerate(zip(self._values, self._moments, slopes)):
            m = torch.lerp(first, slope, 1.0 - KEEP_FIRST)
            s = second * KEEP_SECOND + slope * slope * (1.0 - KEEP_SECOND)
            moved = value - rate.to(value.dtype) * m / (s.sqrt() + (EPSILON * grown).to(value.dtype))
            if i < 2:  # rows of documents and queries; scale and bias have no length
                moved = moved / moved.square().sum(dim=1, keepdim=True).sqrt()
            for old, new in ((first, m), (second, s), (value, moved)):
                old.copy_(torch.where(active, new, old))
        self._keep_patience(active, loss)

    def _keep_patience(self, active: Any, loss: Any) -> None:
        torch, config, ends = self._torch, self._config, self._ends
        better = loss < self._best - config.min_delta
        since = torch.where(better, self._none, self._since + 1)
        code = torch.where(self._taken >= config.max_steps, ends[LAST_STEP], ends[GOING])
        code = torch.where(since >= config.patience, ends[NO_GAIN], code)
        code = torch.where(torch.isfinite(loss), code, ends[NOT_FINITE])
        best = torch.where(better, loss, self._best)
        for old, new in ((self._best, best), (self._since, since), (self._loss, loss), (self._code, code)):
            old.copy_(torch.where(active, new, old))

    def _record(self) -> Any:
        """One step as a CUDA graph. The steps that warm the device up are taken while the run counts as over: nothing moves."""
        torch = self._torch
        with torch.no_grad():
            self._code.fill_(LAST_STEP)
            side = torch.cuda.Stream(self._code.device)
            side.wait_stream(torch.cuda.current_stream(self._code.device))
            with torch.cuda.stream(side):
                for _ in range(3):
                    self._one_step()
            torch.cuda.current_stream(self._code.device).wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self._one_step()
            self._code.fill_(GOING)
        return graph

    def _check_device(self, device: str) -> None:
        torch = self._torch
        if not device.startswith("cuda"):
            return
        if not torch.cuda.is_available():
            raise InvalidArgument(
                f"free_embed(): device must be there; got device={device!r}, and PyTorch sees no CUDA device. Use device='cpu'."
            )
        if torch.get_float32_matmul_precision() != "highest":
            raise InvalidArgument(
                "free_embed(): PyTorch must multiply in float32; got set_float32_matmul_precision"
                f"({torch.get_float32_matmul_precision()!r}). Set it to 'highest' first."
            )
