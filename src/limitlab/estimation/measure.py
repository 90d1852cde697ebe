"""The micro-benchmark: what this machine does in a second, by the very functions that the verbs use, at their own block shapes."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from limitlab._core.files import atomic_file
from limitlab._core.home import home
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import cores, machine, now, total_memory, versions
from limitlab.estimation.load import processor_share
from limitlab.estimation.machine import MachineProfile

BLOCK = 16_384  # documents of a block in exact search
QUERIES, DIMS = (1, 32, 1024), (64, 384, 1024)
DIM = 384  # at which rates in values a second are measured
STEPS = ((6, 19), (12, 50), (20, 119), (30, 261))  # (dim, n_docs) of free embeddings, near the critical n
_FILE_BYTES = 64 << 20
_TEXTS, _WORDS = 1_500, 100
clock: Callable[[], float] = time.perf_counter  # benchmarks take the processor's, where other programs run at the same time
_DECIDING = ("python", "limitlab", "numpy", "numba", "bm25s")
_START = """
import json, resource, time, numpy as np
from limitlab import RelevanceMatrix
from limitlab.diagnosis import diagnose
from limitlab.search import exact_search, separate
from limitlab._core.provenance import peak_memory
docs = np.random.default_rng(0).standard_normal((4096, 64)).astype(np.float32)
exact_search(docs, docs[:4], k=2, places=np.arange(4096, dtype=np.int32), normalise=True)
separate(docs, np.array([[0, 1]]), enough=1e-6)
print(peak_memory())
"""


def usable_cores() -> int:
    """Cores that the measurements use."""
    return cores()


def deciding_versions() -> dict[str, str]:
    """Versions of what decides the constants."""
    known = versions()
    return {name: known[name] for name in _DECIDING if name in known}


def quickest(call: Callable[[], object], *, rounds: int = 5) -> float:
    """Seconds of the quickest of some rounds after one that is not counted: what other programs take is not the machine's."""
    call()
    best = np.inf
    for _ in range(rounds):
        start = clock()
        call()
        best = min(best, clock() - start)
    return float(best)


def measure_machine(*, progress: Progress = SILENT) -> MachineProfile:
    """Measure everything but models: about 10 seconds, once the compiled loops are in numba's cache (their first compilation takes longer)."""
    rates: dict[str, float] = {}
    parts: tuple[Callable[[], dict[str, float]], ...] = (rows_rates, list_rates, separate_rates, whole_rates, file_rates, text_rates)
    shares = []
    with progress.task("measuring this machine", len(parts) + 3) as bar:
        start, start_bytes = start_of_a_process()
        bar.advance()
        for part in parts:
            rates |= part()
            shares.append(processor_share(usable_cores()))
            bar.advance()
        products = product_rates()
        bar.advance()
        steps, shared = step_times()
        shares.append(processor_share(usable_cores()))
        bar.advance()
    told = machine()
    kind = f"{told['cpu']}, {told['cores']} core{'s' if told['cores'] != 1 else ''}, {told['memory_gib']} GiB"
    kind += "" if clock is time.perf_counter else ", in processor seconds"
    return MachineProfile(
        kind, usable_cores(), total_memory(), start, start_bytes, rates, products, steps, shared, now(), deciding_versions(),
        sum(shares) / len(shares) if clock is time.perf_counter else None,
    )  # fmt: skip


def _unit_block(dim: int = DIM) -> np.ndarray:
    from limitlab.search import normalised

    return normalised(np.random.default_rng(0).standard_normal((BLOCK, dim)).astype(np.float32))


def start_of_a_process() -> tuple[float, int]:
    """(seconds, peak bytes) of a process that imports the rooms and runs a small search: a part of every command."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    seconds = np.inf
    for _ in range(2):  # the first may compile
        before = clock(), _children()
        done = subprocess.run([sys.executable, "-c", _START], capture_output=True, check=True, env=environment)
        seconds = min(seconds, clock() - before[0] if clock is time.perf_counter else _children() - before[1])
    return float(seconds), int(done.stdout.split()[-1])


def _children() -> float:
    """Processor seconds of the processes that this one has started."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def product_rates() -> tuple[tuple[int, int, float], ...]:
    """flop/s of a block of queries times a block of documents, at every shape of QUERIES x DIMS."""
    out = []
    for dim in DIMS:
        docs = _unit_block(dim)
        for n_queries in QUERIES:
            queries, product = docs[:n_queries].copy(), np.empty((n_queries, BLOCK), np.float32)
            seconds = quickest(lambda q=queries, d=docs, p=product: np.matmul(q, d.T, out=p), rounds=5)  # type: ignore[misc]
            out.append((n_queries, dim, 2.0 * n_queries * BLOCK * dim / seconds))
    return tuple(out)


def rows_rates() -> dict[str, float]:
    """What is done once to every value of the documents."""
    from limitlab._core.checks import finite_rows
    from limitlab.capacity.number_types import round_to
    from limitlab.search import normalised

    docs = _unit_block()
    calls: dict[str, Callable[[], object]] = {
        "check": lambda: finite_rows("estimate", "docs", docs),
        "lengths": lambda: np.einsum("ij,ij->i", docs, docs, dtype=np.float64),
        "normalise": lambda: normalised(docs),
        "convert": lambda: round_to(docs, "int8"),
    }
    return {name: docs.size / quickest(call) for name, call in calls.items()}


def list_rates() -> dict[str, float]:
    """The loops of exact search: looking through scores, counting, and taking candidates in."""
    from limitlab.search import kernels

    docs = _unit_block()
    n = 1024
    queries, places, bounds = docs[:n].copy(), np.arange(BLOCK, dtype=np.int32), np.full(n, 1e-6)
    product = queries @ docs.T
    full = (np.full((n, 10), 2.0, np.float32), np.zeros((n, 10), np.int64), np.full(n, 10, np.int64))
    scan = quickest(lambda: kernels.fill_heaps(product, docs, queries, 0, bounds, places, *full))
    spans, members, counts = np.arange(n + 1), np.zeros(n, np.int64), [np.zeros(n, np.int64) for _ in range(3)]
    high = np.full(n, 0.99, np.float32)
    count = quickest(lambda: kernels.count_above(product, docs, queries, 0, bounds, places, spans, high, members, *counts))
    seconds = {dim: _offer_seconds(dim) for dim in (16, 1024)}
    slope = max(1e-12, (seconds[1024] - seconds[16]) / (1024 - 16))
    return {
        "scan": product.size / scan,
        "count": product.size / count,
        "offer": 1 / slope,
        "enter": 1 / max(1e-9, seconds[16] - 16 * slope),
    }


def _offer_seconds(dim: int) -> float:
    """Seconds for one candidate: a short block, in which every document is one until the list is full."""
    from limitlab.search import kernels

    k, n, block = 256, 256, 512
    docs = _unit_block(dim)[:block].copy()
    queries = docs[:n].copy()
    product = queries @ docs.T
    bounds, places = np.full(n, 1e-6), np.arange(block, dtype=np.int32)

    def fill() -> None:
        lists = (np.full((n, k), -np.inf, np.float32), np.full((n, k), -1, np.int64), np.zeros(n, np.int64))
        kernels.fill_heaps(product, docs, queries, 0, bounds, places, *lists)

    return quickest(fill) / (n * entering(k, block, first=k))


def entering(k: int, n_docs: float, *, first: int = BLOCK) -> float:
    """Candidates of one query that enter a list of the k best while ``n_docs`` documents in random order pass.

    Document i is among the k best of the first i with chance k / i. Of the ``first`` documents, looked at together, only k are offered.
    """
    if n_docs <= k:
        return float(n_docs)
    return k * (1 + float(np.log(max(1.0, n_docs / max(first, k)))))


def separate_rates() -> dict[str, float]:
    """Best queries and greatest gaps against one block of random documents; what more documents cost is counted in passes."""
    from limitlab.search import separate

    docs = _unit_block()
    sets = np.arange(128).reshape(64, 2)
    work = 64 * BLOCK * DIM
    return {
        "separate_first": work / quickest(lambda: separate(docs, sets, tolerance=1e-9, enough=1e-6), rounds=2),
        "gaps_first": work / quickest(lambda: separate(docs, sets, tolerance=1e-3), rounds=1),
    }


def whole_rates() -> dict[str, float]:
    """Parts of a diagnosis that are not searches: moments, equal rows, ids, intervals."""
    from limitlab.diagnosis.geometry.duplicates import twins
    from limitlab.diagnosis.geometry.moments import moments
    from limitlab.evaluation.compare import bootstrap
    from limitlab.search import tie_order

    docs = _unit_block()
    covariance = (docs.T @ docs).astype(np.float64)
    names = [str(i) for i in range(30_000)]
    values = np.random.default_rng(0).random(1_000)

    def ids() -> None:
        tie_order(names)
        known = {name: at for at, name in enumerate(names)}
        np.array([known.get(name, -1) for name in names])
        set(map(str, range(len(names))))

    return {
        "moments": 2.0 * BLOCK * DIM**2 / quickest(lambda: moments(docs, unit=True), rounds=3),
        "eigen": DIM**3 / quickest(lambda: np.linalg.eigvalsh(covariance), rounds=1),
        "hash": docs.size / quickest(lambda: twins(docs), rounds=3),
        "ids": len(names) / quickest(ids, rounds=3),
        "resample": 400 * values.size / quickest(lambda: bootstrap(values, n_resamples=400), rounds=3),
    }


def file_rates() -> dict[str, float]:
    """Memory, and a file of 64 MiB beside the state of limitlab: written, read mapped, and read after the system was asked to forget it."""
    held = np.ones(_FILE_BYTES // 8, np.int64)
    rates = {"memory": held.nbytes / quickest(held.max)}
    out = np.empty_like(held)
    with tempfile.TemporaryDirectory(dir=home()) as folder:
        path = Path(folder) / "block.npy"
        start = time.perf_counter()
        with atomic_file(path) as file:
            np.save(file, held)
        rates["file_write"] = held.nbytes / (time.perf_counter() - start)
        mapped = np.load(path, mmap_mode="r")
        rates["file_cached"] = held.nbytes / quickest(lambda: np.copyto(out, np.load(path, mmap_mode="r")), rounds=3)
        del mapped
        rates["file_cold"] = held.nbytes / _cold_seconds(path, out)
    return rates


def _cold_seconds(path: Path, out: np.ndarray) -> float:
    """Seconds to read a file that the system was asked to forget; where it cannot be asked, the file is read as it is."""
    with open(path, "rb", buffering=0) as file:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        start = time.perf_counter()
        file.readinto(memoryview(out).cast("B"))  # type: ignore[arg-type]
        return time.perf_counter() - start


def sample_texts(n: int, words: int, *, seed: int = 0) -> list[str]:
    """Texts of so many words from a vocabulary of 5,000, word r as frequent as 1 / r; they mean nothing."""
    rng = np.random.default_rng(seed)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    vocabulary = ["".join(rng.choice(letters, rng.integers(3, 10))) for _ in range(5_000)]
    chance = 1 / np.arange(1, 5_001)
    drawn = rng.choice(5_000, size=(n, words), p=chance / chance.sum())
    return [" ".join(vocabulary[int(w)] for w in row) for row in drawn]


def text_rates() -> dict[str, float]:
    """A dataset of texts read from its folder, and BM25 on it."""
    from limitlab.data import load
    from limitlab.evaluation.facts import dataset_facts
    from limitlab.retrieval.bm25 import BM25
    from limitlab.search import RelevantSet, tie_order

    texts = sample_texts(_TEXTS, _WORDS)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "qrels").mkdir()
        for name, rows in (("corpus", texts), ("queries", [t[:60] for t in texts[:100]])):
            lines = [json.dumps({"_id": str(i), "title": "", "text": text}) for i, text in enumerate(rows)]
            (root / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        judged = "".join(f"{i}\t{i}\t1\n" for i in range(100))
        (root / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged, encoding="utf-8")
        reading = quickest(lambda: dataset_facts(load(root)), rounds=1)
        size, data = (root / "corpus.jsonl").stat().st_size, load(root)
        bm25 = BM25()
        indexing = quickest(lambda: bm25.index(data.docs, data.queries), rounds=1)
        relevant, places = RelevantSet(np.arange(101), np.arange(100)), tie_order(data.docs.ids)
        searching = quickest(lambda: bm25.search(k=100, places=places, relevant=relevant), rounds=2)
    return {
        "text": size / reading,
        "bm25_index": _TEXTS * _WORDS / indexing,
        "bm25_search": 100 * _TEXTS / searching,
    }


def step_times() -> tuple[tuple[tuple[float, float], ...], float]:
    """(((multiplications, seconds of one step on one core), ...), how many times faster all cores take the largest)."""
    from limitlab.free.config import FreeConfig
    from limitlab.free.cpu import work_of
    from limitlab.free.loop import advance_alone, advance_together
    from limitlab.free.problem import FreeProblem
    from limitlab.free.state import new_run, new_scratch, plan_of, with_points

    out, shared = [], 1.0
    for dim, n_docs in STEPS:
        problem = FreeProblem.all_subsets(n_docs, 2)
        plan, work = plan_of(problem, FreeConfig(dim, patience=10**6, max_steps=10**6)), work_of(problem, dim)
        steps = int(np.clip(4e8 / work, 2, 400))

        def seconds(threads: int, *, problem=problem, plan=plan, dim=dim, steps=steps) -> float:
            run, scratch = with_points(new_run(problem, dim), 6 * steps), new_scratch(problem, dim, workers=threads)
            advance = advance_alone if threads == 1 else advance_together
            return quickest(lambda: advance(run, plan, scratch, steps), rounds=3) / steps

        alone = seconds(1)
        out.append((float(work), alone))
        if usable_cores() > 1 and (dim, n_docs) == STEPS[-1]:
            shared = max(1.0, alone / seconds(usable_cores()))
    return tuple(out), shared
