"""The CPU kernel, the PyTorch path and the NumPy definition of free embeddings: one loss, one gradient, one trajectory."""

from __future__ import annotations

import importlib.util
from typing import Any

import numba as nb
import numpy as np
import pytest

from limitlab.free import elementary, lanes
from limitlab.free.config import FreeConfig
from limitlab.free.counting import count_hits
from limitlab.free.cpu import CpuOptimisation
from limitlab.free.gpu import GpuOptimisation
from limitlab.free.loop import advance_alone, advance_together
from limitlab.free.objectives import LEARNT, gradient
from limitlab.free.problem import FreeProblem
from limitlab.free.products import TILE_VECTORS, narrow_product, product, transpose, wide_product
from limitlab.free.state import BLOCK, LOSS, WIDTH, new_run, new_scratch, plan_of, vectors, with_points
from limitlab.relevance import RelevanceMatrix

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")


@pytest.fixture(autouse=True, scope="module")
def _one_torch_thread():
    """Small tensors gain nothing by more, and lose much where other programs hold a core."""
    if importlib.util.find_spec("torch") is None:
        yield
        return
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def uneven(n_docs: int, n_queries: int, most: int, seed: int) -> FreeProblem:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, most + 1, n_queries)
    members = np.concatenate([np.sort(rng.choice(n_docs, s, replace=False)) for s in sizes])
    return FreeProblem.from_relevance(RelevanceMatrix(np.concatenate([[0], np.cumsum(sizes)]), members, n_docs=n_docs), seed=seed)


# Fewer documents than lanes; one block exactly; several strips; every height and width of a tile; rows of different size.
CASES = {
    "n = 3, d = 1": (FreeProblem.all_subsets(3, 1, seed=1), 1),
    "n = 6, d = 2": (FreeProblem.all_subsets(6, 2, seed=2), 2),
    "n = 17, d = 7": (FreeProblem.all_subsets(17, 2, seed=3), 7),
    "n = 64 = queries, d = 13": (FreeProblem.all_subsets(64, 1, seed=4), 13),
    "n = 70, d = 5": (FreeProblem.all_subsets(70, 2, seed=5), 5),
    "n = 9, k = 4, d = 20": (FreeProblem.all_subsets(9, 4, seed=6), 20),
    "n = 100, 300 uneven rows, d = 33": (uneven(100, 300, 9, seed=7), 33),
    "n = 5, 1 row, d = 3": (uneven(5, 1, 4, seed=8), 3),
}
CONFIGS = {
    "infonce": {},
    "infonce, T = 0.02": {"temperature": 0.02},  # from 1 / T = 40 on, the maximum is sought before exponentials are taken
    "infonce, T = 3": {"temperature": 3.0},
    "footnote": {"objective": "footnote"},
    "footnote, T = 0.02": {"objective": "footnote", "temperature": 0.02},
    "sigmoid": {"objective": "sigmoid"},
}


class Reference:
    """The protocol in NumPy and float64, as it is written down."""

    def __init__(self, problem: FreeProblem, config: FreeConfig) -> None:
        docs, queries = problem.start(config.dim)
        self.problem, self.config, self.step, self.loss = problem, config, 0, np.nan
        self.values = [docs.astype(np.float64), queries.astype(np.float64), np.ones(()), np.zeros(())]
        self.moments = [(np.zeros_like(x), np.zeros_like(x)) for x in self.values]

    def slopes(self) -> Any:
        docs, queries, scale, bias = self.values
        return gradient(
            self.config.objective,
            self.problem,
            docs,
            queries,
            temperature=self.config.temperature,
            scale=float(scale),
            bias=float(bias),
        )

    def advance(self, steps: int) -> Reference:
        for _ in range(steps):
            self.step += 1
            found = self.slopes()
            self.loss = found.loss
            for i, slope in enumerate((found.docs, found.queries, found.scale, found.bias)):
                m, v = self.moments[i]
                m, v = 0.9 * m + 0.1 * slope, 0.999 * v + 0.001 * np.square(slope)
                self.moments[i] = m, v
                change = m / (1 - 0.9**self.step) / (np.sqrt(v / (1 - 0.999**self.step)) + 1e-8)
                self.values[i] = self.values[i] - self.config.learning_rate * change
            for i in (0, 1):
                self.values[i] = self.values[i] / np.linalg.norm(self.values[i], axis=1, keepdims=True)
        return self


def cpu(problem: FreeProblem, config: FreeConfig, steps: int, *, threads: int = 1) -> tuple[Any, int]:
    run = with_points(new_run(problem, config.dim), steps // config.evaluate_every + 2)
    scratch = new_scratch(problem, config.dim, workers=threads)
    advance = advance_alone if threads == 1 else advance_together
    return run, advance(run, plan_of(problem, config), scratch, steps)


def unpadded(problem: FreeProblem, dim: int, flat_docs: np.ndarray, flat_queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    docs = flat_docs.reshape(dim, -1).T[: problem.n_docs]
    queries = flat_queries.reshape(-1, dim, BLOCK).transpose(0, 2, 1).reshape(-1, dim)[: problem.n_queries]
    return docs, queries


def close(found: np.ndarray, expected: np.ndarray, tolerance: float, problem: FreeProblem, config: FreeConfig) -> None:
    """Within ``tolerance`` of the largest entry, or within the rounding of one softmax weight where all entries cancel."""
    plan = plan_of(problem, config)
    rounding = 2e-7 * plan.share * (plan.inverse_temperature if config.objective != "sigmoid" else 1.0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * abs(expected).max() + rounding)


@pytest.mark.parametrize("settings", CONFIGS.values(), ids=CONFIGS.keys())
@pytest.mark.parametrize(("problem", "dim"), CASES.values(), ids=CASES.keys())
def test_loss_and_gradient_are_those_of_the_definition(problem: FreeProblem, dim: int, settings: dict[str, Any]) -> None:
    """After one step Adam's first moment is a tenth of the gradient."""
    config = FreeConfig(dim, **settings)
    run, _ = cpu(problem, config, 1)
    expected = Reference(problem, config).slopes()
    assert run.losses[LOSS] == pytest.approx(expected.loss, rel=1e-6, abs=1e-6)
    by_docs, by_queries = unpadded(problem, dim, run.docs_first, run.queries_first)
    close(by_docs / 0.1, expected.docs, 1e-5, problem, config)
    close(by_queries / 0.1, expected.queries, 1e-5, problem, config)
    if config.objective == "sigmoid":
        np.testing.assert_allclose(run.learnt[:, 1] / 0.1, [expected.scale, expected.bias], rtol=1e-5, atol=1e-6)
    padding = np.ones(run.docs_first.size // dim, bool)
    padding[: problem.n_docs] = False
    assert not run.docs_first.reshape(dim, -1)[:, padding].any()


# Adam turns any gradient into a full step. Where the footnote's formula is content it is rounding noise: no trajectory to compare.
STEADY = {name: settings for name, settings in CONFIGS.items() if name != "footnote, T = 0.02"}


@pytest.mark.parametrize("settings", STEADY.values(), ids=STEADY.keys())
@pytest.mark.parametrize(("problem", "dim"), list(CASES.values())[1:], ids=list(CASES)[1:])
def test_twenty_steps_stay_together(problem: FreeProblem, dim: int, settings: dict[str, Any]) -> None:
    config = FreeConfig(dim, **settings)
    run, _ = cpu(problem, config, 20)
    expected = Reference(problem, config).advance(20)
    assert run.losses[LOSS] == pytest.approx(expected.loss, rel=1e-5, abs=1e-5)
    found = vectors(run)
    for rows, wanted in zip(found, expected.values):
        # A coordinate whose gradient is rounding noise moves either way: nearly all must agree, and none be far off.
        off = abs(rows - wanted)
        assert np.quantile(off, 0.99) < 1e-5 and off.max() < 0.02
        np.testing.assert_allclose((rows.astype(np.float64) ** 2).sum(axis=1), 1.0, atol=1e-6)
    if config.objective == "sigmoid":
        np.testing.assert_allclose(run.learnt[:, 0], [float(x) for x in expected.values[2:]], atol=1e-5)
    else:
        assert run.learnt[:, 0].tolist() == [1.0, 0.0]


@needs_torch
@pytest.mark.parametrize("settings", CONFIGS.values(), ids=CONFIGS.keys())
@pytest.mark.parametrize(("problem", "dim"), CASES.values(), ids=CASES.keys())
def test_pytorch_computes_the_same(problem: FreeProblem, dim: int, settings: dict[str, Any]) -> None:
    config = FreeConfig(dim, **settings, evaluate_every=20, max_steps=20, device="cpu")
    ours, other = CpuOptimisation(problem, config), GpuOptimisation(problem, config, device="cpu", block_entries=problem.n_docs * 50)
    expected = Reference(problem, config).slopes()
    other_loss, (by_docs, by_queries, by_learnt) = other._slopes(*other._values)
    assert float(other_loss) == pytest.approx(expected.loss, rel=1e-6, abs=2e-7 / config.temperature)
    close(by_docs.numpy(), expected.docs, 1e-5, problem, config)
    close(by_queries.numpy(), expected.queries, 1e-5, problem, config)
    if config.objective == "sigmoid":
        np.testing.assert_allclose(by_learnt.numpy(), [expected.scale, expected.bias], rtol=1e-5, atol=1e-6)
    if dim > 1 and settings in STEADY.values():  # with one dimension a vector is +1 or -1, and a step moves it or does not
        ours._slice(1, 20)
        other.advance()
        assert ours.step == other.step == 20
        assert other.loss == pytest.approx(ours.loss, rel=1e-5, abs=1e-5)
        for a, b in zip(ours.vectors(), other.vectors()):
            assert np.quantile(abs(a - b), 0.99) < 1e-5
        assert [(step, hits) for step, _, hits in ours.curve()] == [(step, hits) for step, _, hits in other.curve()]


@pytest.mark.parametrize("objective", ["infonce", "footnote"])
def test_a_temperature_near_zero_overflows_and_underflows_nothing(objective: str) -> None:
    """1 / T = 10,000: scores are rounded to 6e-4 of an exponent, so the slopes are right to about a thousandth."""
    problem, dim = CASES["n = 17, d = 7"]
    config = FreeConfig(dim, objective=objective, temperature=1e-4)
    run, _ = cpu(problem, config, 1)
    expected = Reference(problem, config).slopes()
    assert run.losses[LOSS] == pytest.approx(expected.loss, rel=1e-5)
    by_docs, by_queries = unpadded(problem, dim, run.docs_first, run.queries_first)
    close(by_docs / 0.1, expected.docs, 2e-3, problem, config)
    close(by_queries / 0.1, expected.queries, 2e-3, problem, config)


@needs_torch
@pytest.mark.parametrize("objective", ["infonce", "sigmoid"])
def test_pytorch_ends_by_the_same_rules(objective: str) -> None:
    for n, more in ((7, {}), (12, {"patience": 30, "min_delta": 1e-2}), (12, {"max_steps": 73})):
        problem, config = FreeProblem.all_subsets(n, seed=1), FreeConfig(4, objective=objective, device="cpu", **more)
        ends = []
        for work in (CpuOptimisation(problem, config), GpuOptimisation(problem, config, device="cpu")):
            while not (code := work.advance()):
                pass
            ends.append((code, work.step, [(step, hits) for step, _, hits in work.curve()]))
        assert ends[0] == ends[1], n


@pytest.mark.parametrize("objective", LEARNT)
@pytest.mark.parametrize("workers", [2, 3])
def test_threads_change_no_bit(objective: str, workers: int) -> None:
    for problem, dim in (CASES["n = 70, d = 5"], CASES["n = 100, 300 uneven rows, d = 33"], CASES["n = 6, d = 2"]):
        config = FreeConfig(dim, objective=objective, evaluate_every=5)
        (alone, code), (together, other) = cpu(problem, config, 12), cpu(problem, config, 12, threads=workers)
        assert code == other
        for name in ("docs", "queries", "docs_second", "queries_first", "learnt", "losses", "counts"):
            assert getattr(alone, name).tobytes() == getattr(together, name).tobytes(), name
        assert alone.curve[:2].tobytes() == together.curve[:2].tobytes()
        assert alone.curve[1, 0] == 10 and alone.curve[1, 2] > 0


def test_hits_are_those_of_exact_counting() -> None:
    """On vectors whose scores are whole numbers, so that float32 is exact and ties are many."""
    rng = np.random.default_rng(0)
    for problem, dim in CASES.values():
        config = FreeConfig(dim, evaluate_every=1)
        run = with_points(new_run(problem, dim), 4)
        for array, at in ((run.docs, 0), (run.queries, 1)):
            array[:] = (
                np.eye(dim, dtype=np.float32)[rng.integers(dim, size=array.size // dim)]
                .reshape((-1, dim) if at == 0 else (-1, BLOCK, dim))
                .swapaxes(-1, -2)
                .reshape(-1)
            )
        docs, queries = vectors(run)
        advance_alone(run, plan_of(problem, config)._replace(learning_rate=0.0), new_scratch(problem, dim, workers=1), 1)
        moved_docs, moved_queries = vectors(run)
        assert (docs == moved_docs).all() and (queries == moved_queries).all()
        assert run.curve[0, 2] == count_hits(problem, docs, queries)[0]


# -- the parts ---------------------------------------------------------------------------------------------------------


def over_lanes(function: Any) -> Any:
    @nb.njit
    def run(x, y):
        for i in range(0, x.size, 16):
            lanes.store(y, i, function(lanes.load(x, i)))

    def call(x: np.ndarray) -> np.ndarray:
        x = np.ascontiguousarray(x, np.float32)
        y = np.empty_like(x)
        run(x, y)
        return y

    return call


@pytest.mark.parametrize(
    ("name", "definition", "low", "high"),
    [
        ("exp", np.exp, -86.9, 88.0),
        ("exp2", np.exp2, -125.9, 126.0),
        ("log", np.log, 1e-30, 1e30),
        ("log", np.log, 0.5, 2.0),
        ("log1p", np.log1p, 0.0, 1.0),
        ("log1p", np.log1p, 0.0, 1e-6),
    ],
)
def test_elementary_functions_are_precise_to_float32(name: str, definition: Any, low: float, high: float) -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(low, high, 1 << 15) if low <= 0 or high < 3 else np.exp(rng.uniform(np.log(low), np.log(high), 1 << 15))
    x = x.astype(np.float32)
    x[:2] = low, high
    exact = definition(x.astype(np.float64))
    call = over_lanes(getattr(elementary, name))
    np.testing.assert_allclose(call(x), exact, rtol=2e-7, atol=1e-37)
    special = call(np.array([np.nan, -np.inf, -1e30, -200.0] * 4))
    assert np.isnan(special[0])
    if name.startswith("exp"):
        assert (special[1:4] < 2e-38).all() and (special[1:4] >= 0).all()


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 6, 7, 13, 20])
def test_products_are_matrix_products(rows: int) -> None:
    rng = np.random.default_rng(rows)
    for columns in (1, 2, 3, 4, 5, 8):
        for terms in (1, 2, 19):
            left = rng.standard_normal((rows, terms)).astype(np.float32)
            right = rng.standard_normal((terms, columns * WIDTH)).astype(np.float32)
            expected = left.astype(np.float64) @ right
            for stored, row_step, sum_step in ((left, terms, 1), (np.ascontiguousarray(left.T), 1, rows)):
                found = []
                for tiled in (wide_product, narrow_product):
                    out = np.ones((rows, columns * WIDTH), np.float32)
                    for keep in (0, 1):
                        width = columns * WIDTH
                        tiled(
                            stored.reshape(-1), 0, row_step, sum_step, right.reshape(-1), 0, width, out.reshape(-1), 0, width,
                            rows, columns, terms, keep,
                        )  # fmt: skip
                    found.append(out)
                np.testing.assert_allclose(found[0], 2 * expected, rtol=1e-5, atol=1e-5)
                assert found[0].tobytes() == found[1].tobytes(), "the width of a tile, which the machine decides, changes no bit"


def test_the_machine_decides_the_width_of_a_tile() -> None:
    import llvmlite.binding

    assert (TILE_VECTORS == 4) == bool(llvmlite.binding.get_host_cpu_features().get("avx512f"))
    assert product is (wide_product if TILE_VECTORS == 4 else narrow_product)


def test_transposing_moves_every_value() -> None:
    source = np.arange(48 * 32, dtype=np.float32)
    target = np.zeros_like(source)
    transpose(source, 32, target, 48, 48, 32)
    assert (target.reshape(32, 48) == source.reshape(48, 32).T).all()
