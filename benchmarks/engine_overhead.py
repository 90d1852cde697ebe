"""What the seam costs: starting, and a thousand tasks that do nothing, on worker processes and on Ray.

python benchmarks/engine_overhead.py [--items 1000] [--engine local:2 --engine ray]
"""

from __future__ import annotations

import argparse
from operator import is_not as task  # a function of two arguments that every worker has, and that costs nothing
from typing import Any

from record import record

from limitlab._core.provenance import Stopwatch
from limitlab.engine import Done, using


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000)
    parser.add_argument("--engine", action="append", help="default: local:2 and ray")
    asked = parser.parse_args()
    for name in asked.engine or ["local:2", "ray"]:
        with Stopwatch() as opening:
            block = using(name)
            engine = block.__enter__()
        try:
            with Stopwatch() as first:
                _all_done(engine.map(task, range(8), shared=None), 8)
            with Stopwatch() as small:
                _all_done(engine.map(task, range(asked.items), shared=None), asked.items)
            with Stopwatch() as whole:
                _all_done(engine.map(task, range(asked.items), shared=None, whole_machine=True), asked.items)
            record(
                "engine_overhead",
                {
                    "engine": name,
                    "workers": engine.workers,
                    "items": asked.items,
                    "seconds_to_open": opening.seconds,
                    "seconds_of_first_map": first.seconds,
                    "seconds_of_empty_items": small.seconds,
                    "microseconds_an_item": 1e6 * small.seconds / asked.items,
                    "seconds_of_empty_items_whole_machine": whole.seconds,
                },
            )
        finally:
            block.__exit__(None, None, None)


def _all_done(results: Any, expected: int) -> None:
    found = {done.index for done in results if isinstance(done, Done)}
    if len(found) != expected:
        raise SystemExit(f"{len(found)} of {expected} items came back")


if __name__ == "__main__":
    main()
