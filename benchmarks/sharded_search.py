"""Exact search over a memory map: bare products of the same blocks, the local engine and Ray, alternating in one run.

Quality: the lists of all ways must be the same bytes. Ray's start is timed apart; peak memory is that of this process.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from limitlab._core.thread_rest import rest_soon

rest_soon()  # as the command line does, before NumPy is loaded

import numpy as np  # noqa: E402
from record import record  # noqa: E402

from limitlab._core.optional import available  # noqa: E402
from limitlab._core.provenance import peak_memory  # noqa: E402
from limitlab.engine import using  # noqa: E402
from limitlab.search import exact_search, normalised, open_shards  # noqa: E402

_BLOCK, _QUERIES = 16_384, 1024  # as exact search has them


def made(folder: Path, n_docs: int, dim: int, files: int) -> Path:
    """Random vectors in .npy files, written block by block."""
    rng = np.random.default_rng(0)
    borders = [n_docs * i // files for i in range(files + 1)]
    for number, (start, stop) in enumerate(pairwise(borders)):
        out = np.lib.format.open_memmap(folder / f"part-{number:04d}.npy", "w+", np.float32, (stop - start, dim))
        for at in range(0, stop - start, 65_536):
            out[at : at + 65_536] = rng.standard_normal((min(65_536, stop - start - at), dim), np.float32)
        out.flush()
        del out
    return folder


def products(docs, queries: np.ndarray) -> None:
    """The bare float32 products, block by block, of what is read from the same memory map; nothing is kept."""
    out = np.empty((min(_QUERIES, len(queries)), _BLOCK), np.float32)
    for start in range(0, len(docs), _BLOCK):
        block = np.asarray(docs[start : start + _BLOCK])
        for at in range(0, len(queries), _QUERIES):
            asked = queries[at : at + _QUERIES]
            np.matmul(asked, block.T, out=out[: len(asked), : len(block)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-docs", type=int, default=1_000_000)
    parser.add_argument("--n-queries", type=int, default=1_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--files", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engine", default="ray", help="the other engine: ray, ray://HOST:PORT; none: local alone")
    parser.add_argument("--folder", type=Path, help="where the vectors go, and stay; default: a temporary folder")
    args = parser.parse_args()
    figures: dict[str, object] = {
        "shape": f"{args.n_queries} queries, {args.n_docs} x {args.dim} float32 in {args.files} files, top {args.k}"
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        docs = open_shards(folder if any(folder.glob("*.npy")) else made(folder, args.n_docs, args.dim, args.files))
        queries = normalised(np.random.default_rng(1).standard_normal((args.n_queries, args.dim), np.float32))
        places = np.arange(args.n_docs, dtype=np.int32)

        def search():
            return exact_search(docs, queries, k=args.k, places=places)

        exact_search(np.asarray(docs[: 2 * args.k]), queries, k=args.k, places=places[: 2 * args.k])  # compiles
        times: dict[str, list[float]] = {"products": [], "local": []}
        found = {}
        if args.engine == "none" or not available("ray"):
            figures["ray"] = "not measured: " + ("not asked for" if args.engine == "none" else "not installed")
            rounds(args.rounds, times, found, {"products": lambda: products(docs, queries), "local": search})
        else:
            start = time.perf_counter()
            with using(args.engine) as far:
                search()  # workers load and compile
                figures["ray: seconds to start, the first search included"] = time.perf_counter() - start
                figures["ray: facts"] = str(far.facts())

                def with_local():
                    with using("local"):
                        return search()

                times["ray"] = []
                rounds(args.rounds, times, found, {"products": lambda: products(docs, queries), "local": with_local, "ray": search})
                same = all(found["local"][i].tobytes() == found["ray"][i].tobytes() for i in (0, 1))
                figures["ray: the same bytes as local"] = same
    figures |= {f"{name}: seconds, median": statistics.median(values) for name, values in times.items()}
    figures["local: times the products"] = statistics.median(a / b for a, b in zip(times["local"], times["products"]))
    if "ray" in times:
        figures["ray: times local"] = statistics.median(a / b for a, b in zip(times["ray"], times["local"]))
    figures["peak memory of this process, bytes"] = peak_memory()
    record("sharded_search", figures)


def rounds(n: int, times: dict[str, list[float]], found: dict, work: dict) -> None:
    """Each way once a round, in turn."""
    for _ in range(n):
        for name, run in work.items():
            start = time.perf_counter()
            result = run()
            times[name].append(time.perf_counter() - start)
            if result is not None:
                found[name] = result.indices, result.scores


if __name__ == "__main__":
    main()
