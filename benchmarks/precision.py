"""Largest n with all pairs strictly on top after rounding documents and queries: the table of four dimensions, and more dimensions.

``python benchmarks/precision.py`` checks every n from 5 on over all pairs, in exact arithmetic where the accumulation is exact.
``--dim 6 8 10 12 16`` does the same for the curve with frequencies 1 .. dim / 2, equal weights, max-margin queries.
``--float64`` is a sample: on a grid of n, pairs at separations 1 to 5 at every rotation against the documents nearby.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from typing import Any

import numpy as np
from record import record

from limitlab.capacity import NUMBER_TYPES, TrigCurve, largest_n
from limitlab.capacity.exact_scores import exact_score
from limitlab.capacity.precision import rule_of_thumb

EQUAL = partial(TrigCurve, weights=(1, 1))
PI = np.longdouble("3.14159265358979323846264338327950288")
COLUMNS: dict[str, tuple[Any, dict[str, str]]] = {
    "polynomial, equal weights, exact": (EQUAL, {"rule": "polynomial"}),
    "polynomial, equal weights, native": (EQUAL, {"rule": "polynomial", "accumulation": "native"}),
    "max-margin, equal weights, exact": (EQUAL, {}),
    "max-margin, weights 4:1, exact": (TrigCurve, {}),
    "max-margin, weights 4:1, native": (TrigCurve, {"accumulation": "native"}),
    "documents alone rounded": (TrigCurve, {"query_dtype": "float64"}),
    "queries alone rounded": (TrigCurve, {"query_dtype": "own"}),
    "queries solved for the stored documents": (TrigCurve, {"solve_on": "stored"}),
}
SHORT = ("binary", "int8", "int8-per-dim", "fp8-e5m2", "fp8-e4m3", "bfloat16", "float16")


def table(names: list[str], columns: list[str]) -> dict[str, object]:
    """Every n, all pairs."""
    figures: dict[str, object] = {}
    for name in names:
        for column in columns:
            family, options = COLUMNS[column]
            scaled = NUMBER_TYPES[name].unit is None
            if scaled and options.get("accumulation") == "native":
                continue
            if name == "float32" and column == "queries solved for the stored documents":
                continue  # 50,000 solves for each of 400 n
            start, dtype = time.perf_counter(), name
            if options.get("query_dtype") == "own":
                options, dtype = {"query_dtype": name}, "float64"
            found = largest_n(family, dtype, **options)
            figures[f"{name}, {column}"] = {
                "every n up to": found.every_up_to,
                "largest": found.largest,
                "scanned to": found.scanned_to,
                "rule": None if scaled else round(rule_of_thumb(name), 1),
                "seconds": round(time.perf_counter() - start, 1),
            }
            print(f"{name}, {column}", figures[f"{name}, {column}"], flush=True)
    return figures


def more_dimensions(dims: list[int]) -> dict[str, object]:
    """Every n, all pairs, queries of max margin."""
    figures: dict[str, object] = {}
    for dim in dims:
        for name in ("bfloat16", "float16"):
            start = time.perf_counter()
            found = largest_n(lambda n, dim=dim: TrigCurve(n, dim), name, low=dim + 1)
            figures[f"d = {dim}, {name}"] = {
                "every n up to": found.every_up_to,
                "largest": found.largest,
                "scanned to": found.scanned_to,
                "seconds": round(time.perf_counter() - start, 1),
            }
            print(f"d = {dim}, {name}", figures[f"d = {dim}, {name}"], flush=True)
    return figures


def long_points(n: int, twice: np.ndarray, first: Any, second: Any) -> np.ndarray:
    """(first cos m, first sin m, second cos 2 m, second sin 2 m) at m = pi twice / n, in long double, rounded once."""
    m = PI * np.mod(twice, 2 * n).astype(np.longdouble) / n
    columns = [first * np.cos(m), first * np.sin(m), second * np.cos(2 * m), second * np.sin(2 * m)]
    return np.stack(columns, axis=1).astype(np.float64)


def long_queries(n: int, separation: int, weights: np.ndarray, rule: str) -> np.ndarray:
    """Queries of the pairs {i, i + separation}, i = 0 .. n - 1, in closed form."""
    w1, w2 = weights
    h = 2 * PI / n
    own = np.cos(separation * h / 2)
    if rule == "polynomial":
        first, second = 2 * own / w1, -1 / (2 * w2)
    elif separation == 1:
        first, second = w1, 2 * w2 * (own + np.cos(3 * h / 2))
    else:
        half = np.longdouble(separation) / 2
        first, second = 2 * w2 * (np.cos((half - 1) * h) + np.cos((half + 1) * h)), -w1
    norm = np.sqrt(first**2 + second**2)
    return long_points(n, 2 * np.arange(n) + separation, first / norm, second / norm)


def sampled_float64(n: int, column: str) -> bool:
    """Whether pairs at separations 1 to 5, at every rotation, score above the documents within 6 of either.

    Documents and queries are computed in long double (64 bits where the machine has them) and rounded once: computed in
    float64 their errors are several times the rounding that is asked about.
    """
    family, options = COLUMNS[column]
    squares = np.array(family(n).weights, np.longdouble)
    weights = np.sqrt(squares / squares.sum())
    docs = long_points(n, 2 * np.arange(n), *weights)
    for separation in range(1, 6):
        first = np.arange(n)
        pairs = np.stack([first, (first + separation) % n], axis=1)
        queries = long_queries(n, separation, weights, options.get("rule", "max-margin"))
        near = (first[:, None] + np.arange(-6, separation + 7)) % n  # (n, window), the pair among them
        kind = np.float64 if options.get("accumulation") == "native" else np.longdouble
        scores = np.zeros(near.shape, kind)
        for c in range(docs.shape[1]):
            scores += queries[:, c, None].astype(kind) * docs[near, c].astype(kind)
        inside = np.minimum(scores[:, 6], scores[:, 6 + separation])
        scores[:, [6, 6 + separation]] = -np.inf
        difference = (inside - scores.max(axis=1)).astype(np.float64)
        if kind is np.float64:
            if (difference <= 0).any():
                return False
            continue
        for q in np.flatnonzero(difference <= 2.0**-60):  # beyond the reach of 64 bits: fractions
            low = min(exact_score(docs[j], queries[q]) for j in pairs[q])
            if difference[q] < -(2.0**-60) or low <= max(exact_score(docs[j], queries[q]) for j in near[q] if j not in pairs[q]):
                return False
    return True


def float64(columns: list[str]) -> dict[str, object]:
    """The last n of a 2 % grid before the first failure, and the last that passes at all: sampled."""
    grid = np.unique(np.round(15_000 * 1.02 ** np.arange(65)).astype(int))
    figures: dict[str, object] = {}
    for column in columns:
        passed, failures, first = [], 0, None
        for n in grid.tolist():
            if sampled_float64(n, column):
                passed.append(n)
                failures = 0
            else:
                failures += 1
                first = first or n
                if failures == 4:
                    break
        figures[f"float64 (sampled), {column}"] = {
            "grid n up to": max((n for n in passed if first is None or n < first), default=None),
            "largest": max(passed, default=None),
            "grid": "15,000 to 53,000 in steps of 2 %; separations 1 to 5, every rotation",
        }
        print(f"float64 (sampled), {column}", figures[f"float64 (sampled), {column}"], flush=True)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dtype", nargs="*", default=[*SHORT, "float32"])
    parser.add_argument("--dim", type=int, nargs="*", help="more dimensions instead")
    parser.add_argument("--float64", action="store_true", help="the sampled row instead")
    args = parser.parse_args()
    if args.dim:
        record("precision", more_dimensions(args.dim))
    elif args.float64:
        record("precision", float64(list(COLUMNS)[:5]))
    else:
        record("precision", table(args.dtype, list(COLUMNS)))


if __name__ == "__main__":
    main()
