"""Writing LIMIT datasets: seconds, peak memory, bytes; each in a process of its own."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from record import record

CODE = """
import json, os, resource, sys, time
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from limitlab.data import LimitConfig, write_limit
start = time.perf_counter()
write_limit(LimitConfig(n_docs=int(sys.argv[1])), sys.argv[2])
seconds = time.perf_counter() - start
size = os.path.getsize(sys.argv[2] + "/corpus.jsonl")
print(json.dumps({"seconds": seconds, "peak MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "corpus MiB": size / 2**20}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n_docs", type=int, nargs="*", default=[50_000, 10_000_000])
    args = parser.parse_args()
    for n in args.n_docs:
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, "-c", CODE, str(n), str(Path(folder) / "limit")], capture_output=True, text=True, check=True
            )
        record("generator", {"documents, one core": n, **json.loads(done.stdout)})


if __name__ == "__main__":
    main()
