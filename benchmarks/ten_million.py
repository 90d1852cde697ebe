"""LIMIT at a size past memory: generate, encode as token sums in int8, search exactly; BM25 where it fits.

Each step runs in a process of its own through the command line, so that its peak memory is its own. Prints time, peak memory and bytes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import record

from limitlab._core.provenance import total_memory

_CLI = "import sys; sys.argv[0] = 'limitlab'; from limitlab.cli.main import run; run()"
_BM25_SAMPLE = 50_000  # documents that BM25's memory is measured on


def step(name: str, figures: dict, folder: Path, *arguments: str) -> str:
    """One command: its seconds and its peak memory, which is its own process's and its workers' greatest."""
    measured = (
        "import sys, resource, subprocess\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE)\n"
        "sys.stdout.buffer.write(done.stdout)\n"
        "print('PEAK', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)\n"
        "sys.exit(done.returncode)"
    )
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", measured, sys.executable, "-c", _CLI, *arguments],
        cwd=folder, env={**os.environ, "LIMITLAB_HOME": str(folder / "home")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{name}: {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")
    out, _, peak = done.stdout.rpartition("PEAK ")
    figures[f"{name}: seconds"] = time.perf_counter() - start
    figures[f"{name}: peak memory, bytes"] = int(peak)
    return out.strip()


def size(path: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())


def bm25(figures: dict, folder: Path, n_docs: int, n_queries: int) -> None:
    """Measured on a part, extrapolated in proportion; run only where that fits."""
    sample = min(n_docs, _BM25_SAMPLE)
    base: dict = {}
    for name, n in (("small", max(1000, sample // 5)), ("sample", sample)):
        step("make", {}, folder, "make", "limit", "--n-docs", str(n), "--n-queries", str(min(n_queries, 100)), "-o", f"bm25-{name}")
        step(name, base, folder, "eval", f"bm25-{name}", "-m", "bm25", "--json")
    per_doc = (base["sample: peak memory, bytes"] - base["small: peak memory, bytes"]) / (sample - max(1000, sample // 5))
    needed = base["sample: peak memory, bytes"] + per_doc * (n_docs - sample)
    figures["bm25: bytes of memory a document, measured"] = per_doc
    if needed > 0.8 * total_memory():
        figures["bm25"] = (
            f"skipped: {n_docs:,} documents would need about {needed / 2**30:.1f} GiB, the machine has {total_memory() / 2**30:.1f}; "
            "use -m tantivy, which indexes on disk"
        )
    else:
        figures["bm25"] = f"run: {needed / 2**30:.1f} GiB were expected"
        figures["bm25: answer"] = step("bm25", figures, folder, "eval", "data", "-m", "bm25").splitlines()[-2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-docs", type=int, default=10_000_000)
    parser.add_argument("--n-queries", type=int, default=1_000)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--folder", type=Path, help="where everything goes, and stays; default: a temporary folder")
    parser.add_argument("--engine", default="local")
    args = parser.parse_args()
    folder = args.folder or Path(tempfile.mkdtemp(prefix="limitlab-"))
    folder.mkdir(parents=True, exist_ok=True)
    figures: dict[str, object] = {"shape": f"{args.n_docs} documents, {args.n_queries} queries, {args.dim} dimensions in int8"}
    model = f"token-sums:tokens=phrases,dim={args.dim}"
    more = ("--engine", args.engine)
    try:
        n = ("--n-docs", str(args.n_docs), "--n-queries", str(args.n_queries))
        step("generate", figures, folder, "make", "limit", *n, "-o", "data")
        figures["generate: bytes"] = size(folder / "data")
        step("encode", figures, folder, "encode", "data", "-m", model, "--dtype", "int8", "-o", "docs", *more)
        figures["encode: bytes"] = size(folder / "docs")
        step("encode queries", figures, folder, "encode", "data", "-m", model, "--queries", "-o", "queries")
        given = "vectors:docs=docs,queries=queries,similarity=dot,name=int8"
        figures["search: answer"] = step("search", figures, folder, "eval", "data", "-m", given, *more)
        bm25(figures, folder, args.n_docs, args.n_queries)
    finally:
        if args.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    record("ten_million", figures)


if __name__ == "__main__":
    main()
