"""Loss, gradients and hits of free embeddings in PyTorch, a block of queries at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from limitlab.free.config import FreeConfig
from limitlab.free.problem import FreeProblem

_SAFE_STEEPNESS = 40.0  # up to here exp((s - 1) / T) of unit vectors stays in float32's range, and no maximum need be sought


class Slopes:
    """The objective of one problem: called with (docs, queries, learnt), returns the loss and the gradient by each.

    Parameters
    ----------
    torch
        The module: it is imported where it is needed and handed on.
    block_entries
        Scores held at once.
    """

    def __init__(self, torch: Any, problem: FreeProblem, config: FreeConfig, *, device: str, block_entries: int) -> None:
        self._torch, self._problem, self._objective = torch, problem, config.objective
        self._steep = 1.0 / config.temperature
        self._share = 1.0 / (problem.n_relevant if config.objective == "infonce" else problem.n_queries)
        sizes = np.diff(problem.indptr)
        self._sizes = torch.from_numpy(sizes).to(device)
        self._members = torch.from_numpy(problem.members.astype(np.int64)).to(device)
        rows = max(1, min(problem.n_queries, block_entries // problem.n_docs))
        self._blocks = []  # (begin, end, rows within the block, columns): the relevant pairs of each block
        for begin in range(0, problem.n_queries, rows):
            end = min(begin + rows, problem.n_queries)
            row_of = torch.from_numpy(np.repeat(np.arange(end - begin), sizes[begin:end])).to(device)
            self._blocks.append((begin, end, row_of, self._members[int(problem.indptr[begin]) : int(problem.indptr[end])]))

    def __call__(self, docs: Any, queries: Any, learnt: Any) -> tuple[Any, list[Any]]:
        """Loss (float64) and gradients by documents, queries and (scale, bias); the last is zero but for sigmoid."""
        torch = self._torch
        by_docs, by_queries = torch.zeros_like(docs), torch.empty_like(queries)
        sums = torch.zeros(3, dtype=torch.float64, device=docs.device)
        for begin, end, rows, columns in self._blocks:
            u = queries[begin:end]
            if self._objective == "sigmoid":
                sheet, factor = self._sigmoid(u, docs, learnt[0], learnt[1], (rows, columns), sums)
            else:
                sheet, factor = self._softmax(u, docs, self._sizes[begin:end], (rows, columns), sums)
            by_docs.addmm_(sheet.T, u * factor)
            by_queries[begin:end] = (sheet @ docs) * factor
        sums *= self._share
        return sums[0], [by_docs, by_queries, sums[1:].to(docs.dtype)]

    def _softmax(self, u: Any, docs: Any, sizes: Any, pairs: tuple[Any, Any], sums: Any) -> tuple[Any, Any]:
        """Slopes by score up to a factor a query, and the factor: fewer passes over the sheet."""
        torch = self._torch
        sheet = (u * self._steep) @ docs.T
        held = sheet[pairs]
        if self._steep > _SAFE_STEEPNESS:
            top = sheet.max(dim=1, keepdim=True).values
        else:
            top = torch.full_like(sheet[:, :1], self._steep)
        total = sheet.sub_(top).exp_().sum(dim=1, keepdim=True)
        rows, log_total = pairs[0], total.log()[:, 0]
        held = held - top[:, 0][rows]  # small where it matters: the loss is a difference, and must not be rounded at the size of 1 / T
        if self._objective == "infonce":
            counts = sizes[:, None].to(sheet.dtype)
            sums[0] += (log_total[rows] - held).sum(dtype=torch.float64)
            sheet[pairs] = sheet[pairs] - (total / counts)[:, 0][rows]
            return sheet, counts / total * (self._steep * self._share)
        # The relevant documents have a softmax of their own, which must not underflow where they are far from the top.
        best = torch.full_like(log_total, -torch.inf).scatter_reduce_(0, rows, held, "amax")
        among = (held - best[rows]).exp()
        shares = torch.zeros_like(best).index_add_(0, rows, among)
        sums[0] += (log_total - shares.log() - best).sum(dtype=torch.float64)
        sheet[pairs] = sheet[pairs] - among * (total[:, 0] / shares)[rows]
        return sheet, (self._steep * self._share) / total

    def _sigmoid(self, u: Any, docs: Any, scale: Any, bias: Any, pairs: tuple[Any, Any], sums: Any) -> tuple[Any, Any]:
        torch = self._torch
        centred = (u @ docs.T).sub_(bias)
        centred[pairs] = -centred[pairs]  # reflected: softplus(scale * centred) is the loss of either kind of pair
        x = centred * scale
        sums[0] += torch.nn.functional.softplus(x, threshold=50.0).sum(dtype=torch.float64)
        slope = torch.sigmoid(x)
        sums[1] += (slope * centred).sum(dtype=torch.float64)
        slope[pairs] = -slope[pairs]
        sums[2] -= slope.sum(dtype=torch.float64) * scale
        return slope, scale * self._share

    def hits(self, docs: Any, queries: Any) -> int:
        """Relevant documents among the first |S| of their query; irrelevant ones come first among equal scores."""
        torch = self._torch
        hits = torch.zeros((), dtype=torch.int64, device=docs.device)
        for begin, end, rows, columns in self._blocks:
            sizes = self._sizes[begin:end]
            most = int(np.diff(self._problem.indptr[begin : end + 1]).max())
            place = torch.arange(len(rows), device=docs.device) - (sizes.cumsum(0) - sizes)[rows]
            scores = queries[begin:end] @ docs.T
            relevant = torch.full((end - begin, most), -torch.inf, device=docs.device)
            relevant[rows, place] = scores[rows, columns]
            scores[rows, columns] = -torch.inf
            relevant = relevant.sort(dim=1, descending=True).values
            others = scores.topk(most, dim=1).values
            against = sizes[:, None] - 1 - torch.arange(most, device=docs.device)
            above = relevant > others.gather(1, against.clamp_min(0))
            hits += (above & (against >= 0)).sum()
        return int(hits)
