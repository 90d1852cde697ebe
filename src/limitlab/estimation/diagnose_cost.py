"""What ``limitlab diagnose`` costs on given vectors: levels, drowning, gaps, geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import log2
from typing import Any

from limitlab.diagnosis.depth import skipped
from limitlab.diagnosis.geometry.neighbours import NEIGHBOURS
from limitlab.estimation.machine import MachineProfile
from limitlab.estimation.part import Bytes, Part
from limitlab.estimation.search_cost import (
    PASSES,
    exact_search_parts,
    first_reading,
    gap_passes,
    products,
    reading,
    separate_parts,
    value_pass,
)
from limitlab.estimation.sizes import Sizes

# As the rooms of the diagnosis have them; a test compares each with its source.
SOLVED, PATH_QUERIES, HUB_SAMPLE, MOMENT_WORK, NEIGHBOUR_WORK, RESAMPLES, FACTORS = 64, 1_000, 5_000, 2e11, 1e9, 600, 7
LIST_BYTES, TAIL, IN_MEMORY = 128 << 20, 512, 256 << 20
BYTES_AN_ID = 181  # of one id in the tables of a command; measured at 200,000 and 800,000 ids of 6 digits
BYTES_A_ROW = 84  # places, hashes and their order, lengths, one random order: as the code allocates them
BLOCK_BYTES = 256 << 20


def list_depth(s: Sizes) -> int:
    """Documents that the exact search of a diagnosis lists for each query; see ``diagnosis.standing``."""
    wanted = max(s.k, TAIL + int(min(max(1, round(s.relevant_per_query)), 1024)))
    return int(min(s.n_docs, max(s.k, min(wanted, LIST_BYTES // (12 * s.n_queries)))))


def diagnose_parts(
    s: Sizes,
    machine: MachineProfile,
    *,
    skip: Sequence[str] = (),
    served_dim: int | None = None,
    dtype: str | None = None,
    dot: bool = False,
) -> list[Part]:
    """All parts, those that the command skips left out.

    Parameters
    ----------
    skip
        drowning, gaps, geometry.
    served_dim, dtype
        Of the served vectors: each is a level with a search of its own.
    dot
        Whether scores are dot products, so that nothing is scaled.
    """
    skip = skipped(skip)
    copied = s.dtype != "float32" or not (s.unit or dot)
    values = float(s.n_docs * s.dim)
    parts = [*first_reading(s, machine), value_pass("lengths of rows", "lengths", machine, values, "n_docs x dim")]
    parts += [value_pass("compare rows with constants", "check", machine, 2 * values, "n_docs x dim, twice")]
    if s.dtype != "float32":
        parts += [value_pass("values to float32", "check", machine, values, "n_docs x dim")]
    if copied:
        parts += _copy(s, machine, values, "float32 vectors of unit length")
    # What follows reads the float32 copy, or the file itself.
    held = s.with_(dtype="float32", in_files=s.in_files or 4 * values > IN_MEMORY)
    search: dict[str, Any] = {"n_docs": s.n_docs, "n_queries": s.n_queries, "dim": s.dim, "pairs": s.pairs, "normalise": False}
    parts += exact_search_parts(machine, **search, k=s.k if len(skip) == 3 else list_depth(s), what="own queries")
    parts += reading(held, machine, 1, "own search", divides=True)
    low, share, high = s.misses
    misses = (low * s.n_queries, share * s.n_queries, high * s.n_queries)
    parts += separate_parts(machine, s, misses, PASSES, "separate_first", "best queries")
    parts += reading(held, machine, (1 + PASSES) if misses[1] else 0, "best queries", divides=True)
    if served_dim is not None and served_dim < s.dim:
        parts += _copy(s, machine, float(s.n_docs * served_dim), "truncated vectors")
        parts += exact_search_parts(machine, **{**search, "dim": served_dim}, k=s.k, what="truncation")
    if dtype is not None:
        parts += _copy(s, machine, float(s.n_docs * (served_dim or s.dim)), f"{dtype} vectors")
        parts += exact_search_parts(machine, **{**search, "dim": served_dim or s.dim}, k=s.k, what="quantisation")
    if "drowning" not in skip:
        parts += drowning_parts(held, machine)
    if "gaps" not in skip:
        parts += gaps_parts(held, machine)
    if "geometry" not in skip:
        parts += geometry_parts(held, machine)
    if not held.in_files:  # what lies in memory is searched by the machine that holds it
        parts = [replace(p, divides=False) for p in parts]
    return [*parts, *_whole(s, machine)]


def _copy(s: Sizes, machine: MachineProfile, values: float, what: str) -> list[Part]:
    rate = machine.rates
    disk = [
        Part(
            f"write {what}", "4 x n_docs x dim", 4 * values, "bytes", rate["file_write"], "file_write",
            "above 256 MiB a temporary file; less where memory takes it until it is deleted", low=0.1, high=2.0,
        )
    ]  # fmt: skip
    made = value_pass(
        f"make {what}", "convert" if what.startswith(("int8", "binary", "float16")) else "normalise", machine, values, "values"
    )
    return [made, *(disk if 4 * values > IN_MEMORY else [])]


def drowning_parts(s: Sizes, machine: MachineProfile) -> list[Part]:
    """One nested random sample of the documents, halved again and again: half of all rows, for up to 1,000 queries; and resampling."""
    rows, asked = s.n_docs / 2, min(s.n_queries, PATH_QUERIES)
    pairs = s.relevant_per_query * asked
    draws = RESAMPLES * FACTORS * (2 * s.pairs + s.n_queries)
    return [
        value_pass("lengths of rows", "lengths", machine, rows * s.dim, "n_docs / 2 x dim"),
        products(machine, asked, rows, s.dim, "drowning"),
        Part("ranks: drowning", "relevant pairs x n_docs / 2", pairs * rows, "scores", machine.rates["count"], "count", "up to 1,000 queries"),
        *reading(s, machine, 0.5, "drowning, in random order", divides=False),
        Part(
            "intervals of the extrapolation", f"{RESAMPLES} x {FACTORS} x (2 pairs + queries)", draws, "values", machine.rates["resample"],
            "resample", "in proportion to the draws", low=0.5, high=2.0,
        ),
    ]  # fmt: skip


def gaps_parts(s: Sizes, machine: MachineProfile) -> list[Part]:
    """Greatest gaps of up to 64 queries."""
    sets, passes = float(min(SOLVED, s.n_queries)), gap_passes(s.n_docs)
    parts = separate_parts(machine, s, (sets, sets, sets), passes, "gaps_first", "gaps")
    return parts + reading(s, machine, 2 + passes, "gaps", divides=True)


def geometry_parts(s: Sizes, machine: MachineProfile) -> list[Part]:
    """Lengths, moments, equal rows, neighbours of a sample, hubs of a sample."""
    rates, values = machine.rates, float(s.n_docs * s.dim)
    sampled = min(s.n_docs, MOMENT_WORK / s.dim**2)
    near = min(s.n_docs, max(200, min(2_000, NEIGHBOUR_WORK / s.n_docs)))
    hubs = min(s.n_docs, HUB_SAMPLE)
    parts = [
        value_pass("lengths of rows", "lengths", machine, values, "n_docs x dim"),
        value_pass("equal rows", "hash", machine, values, "n_docs x dim"),
        Part(
            "moments", "2 x min(n_docs, 2e11 / dim^2) x dim^2", 2.0 * sampled * s.dim**2, "flop", rates["moments"], "moments",
            "float64 products, above 2e11 multiplications a sample of rows",
        ),
        Part(
            "eigenvalues", "dim^3, twice", 2.0 * s.dim**3, "values^3", rates["eigen"], "eigen", "cubic in dim", low=0.5, high=2.0
        ),
    ]  # fmt: skip
    for rows, n, k, what in ((near, s.n_docs, NEIGHBOURS + 1, "neighbours"), (hubs, hubs, 11, "hubs")):
        parts += exact_search_parts(machine, n_docs=n, n_queries=rows, dim=s.dim, k=k, pairs=0, normalise=False, what=what)
    passes = 3 + sampled / s.n_docs
    return parts + reading(s, machine, passes, "lengths, equal rows, moments, neighbours", divides=False)


def _whole(s: Sizes, machine: MachineProfile) -> list[Part]:
    rate, sorting = machine.rates["ids"], max(1.0, log2(s.n_docs) / log2(30_000))
    return [
        Part("ids", "n_docs x log(n_docs) / log(30,000)", s.n_docs * sorting, "ids", rate, "ids", "ids are texts in memory"),
        start_part(machine),
    ]


def start_part(machine: MachineProfile) -> Part:
    """Every command begins a process."""
    return Part(
        "start", "1 process", 1, "processes", 1 / max(machine.start_seconds, 1e-3), "start_seconds",
        "loops are in numba's cache; the first run of an installation compiles for about a minute", low=0.7, high=1.5,
    )  # fmt: skip


def diagnose_bytes(
    s: Sizes, machine: MachineProfile, *, served_dim: int | None = None, dtype: str | None = None, dot: bool = False
) -> list[Bytes]:
    """Memory of the leading process beside mapped files, and temporary files."""
    depth = list_depth(s)
    out = [
        Bytes("memory", "libraries", "measured", machine.start_bytes),
        Bytes("memory", "ids of documents", f"{BYTES_AN_ID} x n_docs", BYTES_AN_ID * s.n_docs),
        Bytes("memory", "arrays a document", f"{BYTES_A_ROW} x n_docs", BYTES_A_ROW * s.n_docs),
        Bytes("memory", "lists", "48 x n_queries x depth", 48.0 * s.n_queries * depth),
        Bytes("memory", "queries", "12 x n_queries x dim", 12.0 * s.n_queries * s.dim),
        Bytes("memory", "blocks", "256 MiB at most", min(BLOCK_BYTES, 16.0 * s.n_docs * s.dim + 4 * s.n_docs * min(s.n_queries, 1024))),
    ]
    made = {"float32 vectors of unit length": s.dim} if s.dtype != "float32" or not (s.unit or dot) else {}
    made |= {"truncated vectors": served_dim} if served_dim is not None and served_dim < s.dim else {}
    made |= {f"{dtype} vectors": served_dim or s.dim} if dtype is not None else {}
    for name, dim in made.items():
        size = 4.0 * s.n_docs * dim
        out.append(Bytes("disk" if size > IN_MEMORY else "memory", f"{name}, as float32", "4 x n_docs x dim", size))
    if not s.in_files:
        out.append(Bytes("memory", "document vectors", "n_docs x bytes a vector", s.vector_bytes))
    return out
