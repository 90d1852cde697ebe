"""Free embeddings from outside: how a run ends, what it returns, and that nothing but problem and config decides it."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from limitlab._core.errors import InvalidArgument, MissingExtra, ShapeError, TooLarge
from limitlab._core.status import Status
from limitlab.free import FreeConfig, FreeProblem, FreeResult, free_embed, free_embed_many, optimise
from limitlab.free.counting import count_hits
from limitlab.relevance import RelevanceMatrix, cycle

CPU = FreeConfig(4, device="cpu")


def digest(result: FreeResult) -> tuple:
    """Everything but the seconds."""
    assert result.docs is not None and result.queries is not None
    return (result.status, result.steps, result.loss, result.gap, result.curve, result.docs.tobytes(), result.queries.tobytes())


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(optimise, "cores", lambda: 2)


@pytest.mark.parametrize("objective", ["infonce", "sigmoid"])
def test_a_small_problem_is_solved_and_the_vectors_show_it(objective: str) -> None:
    problem = FreeProblem.all_subsets(7, 2, seed=0)
    result = free_embed(problem, replace(CPU, objective=objective))
    assert result.solved and result.status is Status.SOLVED
    assert (result.n_docs, result.n_queries, result.k, result.dim) == (7, 21, 2, 4)
    assert result.hits == result.n_relevant == 42 and result.gap > 0
    assert count_hits(problem, result.docs, result.queries) == (42, result.gap)
    for rows, shape in ((result.docs, (7, 4)), (result.queries, (21, 4))):
        assert rows.shape == shape and rows.dtype == np.float32
        np.testing.assert_allclose((rows.astype(float) ** 2).sum(axis=1), 1, atol=1e-6)
    scores = result.queries.astype(float) @ result.docs.T.astype(float)
    assert all(set(np.argsort(-row)[:2]) == set(problem.members[2 * q : 2 * q + 2]) for q, row in enumerate(scores))
    assert result.curve[-1] == (result.steps, result.loss, 42) and result.steps % 50 == 0
    assert [step for step, _, _ in result.curve] == list(range(50, result.steps + 1, 50))
    assert result.config["objective"] == objective and result.config["seed"] == 0 and result.config["device"] == "cpu"
    assert result.to_dict()["status"] == "solved"


def test_published_sizes_are_reached() -> None:
    """Far below the published critical n every seed is solved, far above it none: d = 6, published 19."""
    below = free_embed_many([FreeProblem.all_subsets(15, seed=s) for s in range(4)], replace(CPU, dim=6))
    above = free_embed_many([FreeProblem.all_subsets(25, seed=s) for s in range(4)], replace(CPU, dim=6))
    assert all(r.solved for r in below) and not any(r.solved for r in above)
    for r in above:
        assert r.status is Status.NOT_SOLVED and r.hits < r.n_relevant and r.gap <= 0
        assert "No proof of impossibility" in r.message and f"{r.n_relevant - r.hits} of {r.n_relevant}" in r.message


def test_patience_ends_a_run_by_its_rule() -> None:
    config = replace(CPU, dim=2, patience=40, min_delta=1e-3, evaluate_every=1)
    result = free_embed(FreeProblem.all_subsets(9, seed=1), config)
    losses = [loss for _, loss, _ in result.curve]
    best, since = math.inf, 0
    for step, loss in enumerate(losses, start=1):
        best, since = (loss, 0) if loss < best - 1e-3 else (best, since + 1)
        assert since < 40 or step == len(losses)
    assert since == 40 and result.steps == len(losses) and result.loss == losses[-1]
    assert "had not improved by 0.001 for 40 steps" in result.message


def test_the_last_step_is_evaluated_too() -> None:
    result = free_embed(FreeProblem.all_subsets(12, seed=1), replace(CPU, dim=2, max_steps=120))
    assert result.steps == 120 and [step for step, _, _ in result.curve] == [50, 100, 120]
    assert result.status is Status.NOT_SOLVED and "these were all steps allowed" in result.message
    late = free_embed(FreeProblem.all_subsets(6, seed=0), replace(CPU, max_steps=10_000, evaluate_every=9_999))
    assert late.solved and late.steps < 9_999  # patience ended it, and the evaluation at the end found it solved


def test_relevance_of_any_shape() -> None:
    uneven = RelevanceMatrix(np.array([0, 1, 4, 6, 7]), np.array([2, 0, 1, 4, 1, 3, 0]), n_docs=5)
    result = free_embed(uneven, CPU)
    assert result.solved and result.k is None and result.n_relevant == 7
    ring = free_embed(cycle(12, 12, k=2), CPU)
    assert ring.solved and ring.k == 2


def test_a_relevance_matrix_starts_from_the_seed_of_the_config() -> None:
    relevance = cycle(20, 20, k=2)
    a = free_embed(relevance, replace(CPU, seed=7))
    b = free_embed(FreeProblem.from_relevance(relevance, seed=7), replace(CPU, seed=1))
    assert digest(a) == digest(b) and a.config == b.config and a.config["seed"] == 7
    assert digest(free_embed(relevance, replace(CPU, seed=8))) != digest(a)


def test_company_and_threads_change_no_byte(two_cores, monkeypatch) -> None:
    config = replace(CPU, dim=5, max_steps=300, patience=60)
    problems = [FreeProblem.all_subsets(n, seed=n) for n in (6, 70, 11, 40, 17)]
    alone = [digest(free_embed(p, config)) for p in problems]
    assert [digest(r) for r in free_embed_many(problems, config)] == alone
    monkeypatch.setattr(optimise, "_SHARED_FROM", 0)  # every last one on all cores
    assert [digest(r) for r in free_embed_many(problems, config)] == alone
    monkeypatch.setattr(optimise, "cores", lambda: 1)
    assert [digest(r) for r in free_embed_many(problems, config)] == alone
    monkeypatch.setattr(optimise, "memory_limit", lambda: 0)  # never two at a time
    assert [digest(r) for r in free_embed_many(problems, config)] == alone


def test_results_come_as_they_are_finished_and_are_returned_in_order(two_cores) -> None:
    problems = [FreeProblem.all_subsets(n, seed=1) for n in (5, 6, 7, 8)]
    seen: dict[int, FreeResult] = {}
    results = free_embed_many(problems, replace(CPU, max_steps=200), on_result=seen.__setitem__)
    assert [r.n_docs for r in results] == [5, 6, 7, 8]
    assert sorted(seen) == [0, 1, 2, 3] and all(seen[i] is results[i] for i in seen)
    assert free_embed_many([], CPU) == []


def test_progress_advances_by_problems(two_cores) -> None:
    class Bar:
        opened, units = [], 0.0

        def task(self, label, total=None):
            self.opened.append((label, total))
            return self

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def advance(self, units=1):
            self.units += units

        def say(self, line):
            raise AssertionError(line)

    bar = Bar()
    free_embed_many([FreeProblem.all_subsets(n) for n in (5, 6, 7)], replace(CPU, max_steps=100), progress=bar)
    assert bar.opened == [("free embeddings, d = 4", 3)] and bar.units == 3


def test_a_loss_that_is_not_a_number_fails_the_run_and_names_the_step() -> None:
    """In one dimension a step of exactly 1 leads from +1 or -1 to the zero vector, which has no direction."""
    result = free_embed(FreeProblem.all_subsets(3, 1, seed=0), FreeConfig(1, objective="sigmoid", learning_rate=1.0, device="cpu"))
    assert result.status is Status.FAILED and not result.solved
    assert "not finite at step 2" in result.message and result.steps == 2
    assert result.docs is None and result.queries is None and math.isnan(result.gap) and not math.isfinite(result.loss)
    last = FreeConfig(1, objective="sigmoid", learning_rate=1.0, max_steps=1, device="cpu")
    ended = free_embed(FreeProblem.all_subsets(3, 1, seed=0), last)  # the loss of the only step was finite, its vectors are not
    assert ended.status is Status.FAILED and "vectors are not finite after step 1" in ended.message and ended.docs is None


@pytest.mark.parametrize("objective", ["infonce", "footnote", "sigmoid"])
@pytest.mark.parametrize("which", [0, 1])
def test_one_nan_anywhere_is_seen(monkeypatch, objective: str, which: int) -> None:
    """Also where exponentials are clamped and maxima taken: a document relevant to nothing, a query among many."""
    relevance = RelevanceMatrix(np.array([0, 1, 2, 3]), np.array([0, 1, 2]), n_docs=20)
    start = FreeProblem.start

    def poisoned(self, dim):
        both = start(self, dim)
        both[which][-1, 0] = np.nan
        return both

    monkeypatch.setattr(FreeProblem, "start", poisoned)
    for temperature in (0.1, 0.01):
        result = free_embed(relevance, replace(CPU, objective=objective, temperature=temperature))
        assert result.status is Status.FAILED and "at step 1" in result.message


def test_hits_that_float64_does_not_confirm_are_not_solved(monkeypatch) -> None:
    problem = FreeProblem.all_subsets(5, seed=0)
    monkeypatch.setattr(optimise, "count_hits", lambda problem, docs, queries: (problem.n_relevant - 1, 0.0))
    result = free_embed(problem, replace(CPU, max_steps=400))
    assert result.status is Status.NOT_SOLVED and result.hits == problem.n_relevant - 1 and result.steps == 400
    assert result.curve[-1][2] == problem.n_relevant - 1


def test_bad_arguments_are_refused_in_one_sentence() -> None:
    problem = FreeProblem.all_subsets(5)
    with pytest.raises(InvalidArgument, match=r"^free_embed_many\(\): objective must be one of infonce, footnote, sigmoid; got 'gap'"):
        free_embed(problem, replace(CPU, objective="gap"))
    with pytest.raises(ShapeError, match="problems must be FreeProblem; got RelevanceMatrix"):
        free_embed_many([cycle(5, 5)], CPU)  # type: ignore[list-item]
    with pytest.raises(TooLarge, match=r"^free_embed_many\(\): n_docs=5, n_queries=10, dim=100,000,000,000 needs"):
        free_embed(problem, FreeConfig(10**11, device="cpu"))


def test_cuda_without_pytorch_or_without_a_device_is_refused(monkeypatch) -> None:
    problem = FreeProblem.all_subsets(5)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "torch", None)
        with pytest.raises(MissingExtra, match=r"free embeddings on a GPU need torch.*pip install 'limitlab\[models\]'"):
            free_embed(problem, replace(CPU, device="cuda"))
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InvalidArgument, match="PyTorch sees no CUDA device"):
        free_embed(problem, replace(CPU, device="cuda"))


def test_auto_asks_for_a_gpu_only_where_it_pays(monkeypatch) -> None:
    from limitlab.free import gpu

    monkeypatch.setattr(gpu, "gpu_available", lambda: True)
    assert optimise.device_for(FreeProblem.all_subsets(30), FreeConfig(10)) == "cpu"
    assert optimise.device_for(FreeProblem.all_subsets(300), FreeConfig(30)) == "cuda"
    assert optimise.device_for(FreeProblem.all_subsets(300), FreeConfig(30, device="cpu")) == "cpu"
    monkeypatch.setattr(gpu, "gpu_available", lambda: False)
    assert optimise.device_for(FreeProblem.all_subsets(300), FreeConfig(30)) == "cpu"


def test_an_error_in_a_callback_stops_everything(two_cores) -> None:
    def stop(index: int, result: FreeResult) -> None:
        raise KeyboardInterrupt

    begun = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        free_embed_many([FreeProblem.all_subsets(5), FreeProblem.all_subsets(60)], replace(CPU, dim=8), on_result=stop)
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize("sizes", ["[90]", "[90, 91, 92]"])
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_ends_it_within_moments(sizes: str) -> None:
    program = f"""
from limitlab.free import FreeConfig, FreeProblem, free_embed, free_embed_many
config = FreeConfig(20, patience=10**6, max_steps=10**6, device="cpu", evaluate_every=10**6)
free_embed_many([FreeProblem.all_subsets(9), FreeProblem.all_subsets(90)], FreeConfig(20, max_steps=20, device="cpu"))
print("ready", flush=True)
try:
    free_embed_many([FreeProblem.all_subsets(n) for n in {sizes}], config)
except KeyboardInterrupt:
    print("stopped", flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        sent = time.perf_counter()
        assert process.stdout.readline() == "stopped\n"
        assert process.wait(timeout=20) == 0 and time.perf_counter() - sent < 5


def test_importing_the_room_loads_nothing_heavy() -> None:
    code = (
        "import sys, limitlab.free; from limitlab.free import FreeConfig, FreeProblem, free_embed, free_embed_many\n"
        "assert not {'numba', 'torch'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_rooms_names_are_there() -> None:
    import limitlab.free as room

    assert set(room.__all__) == set(room._HOME_OF)
    assert all(getattr(room, name) is not None for name in room.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = room.nothing
