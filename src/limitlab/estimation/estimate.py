"""Time, memory, disk and money of a command before it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from limitlab._core.checks import choice, whole
from limitlab.estimation.critical_n_cost import Sweep, critical_n_bytes, critical_n_parts
from limitlab.estimation.diagnose_cost import diagnose_bytes, diagnose_parts
from limitlab.estimation.encode_cost import Encoding
from limitlab.estimation.eval_cost import Asked, eval_bytes, eval_parts, plain, token_bills
from limitlab.estimation.machine import MachineProfile
from limitlab.estimation.means import ONE_MACHINE, Means
from limitlab.estimation.part import Bytes, Estimate, Money, Part, merged
from limitlab.estimation.sizes import WHO, Sizes


def estimate_diagnose(
    sizes: Sizes,
    machine: MachineProfile,
    *,
    means: Means = ONE_MACHINE,
    skip: Sequence[str] = (),
    served_dim: int | None = None,
    dtype: str | None = None,
    similarity: str = "cosine",
    model: str | None = None,
    encoding: Encoding | None = None,
) -> Estimate:
    """``limitlab diagnose`` on vectors of these sizes, or on vectors that a model makes first.

    Parameters
    ----------
    skip, served_dim, dtype, similarity
        As in ``diagnose``.
    model, encoding
        The model and how fast it encodes; None: vectors are given.

    Raises
    ------
    InvalidArgument
        A size is outside its range.
    """
    choice(WHO, "--similarity", similarity, ("cosine", "dot"))
    if served_dim is not None:
        whole(WHO, "--dim served", served_dim, low=1, high=sizes.dim)
    dot = similarity == "dot"
    found = sizes if encoding is None else sizes.with_(dtype="float32", in_files=4.0 * sizes.n_docs * sizes.dim > 4 << 30)
    parts = diagnose_parts(found, machine, skip=skip, served_dim=served_dim, dtype=dtype, dot=dot)
    held = diagnose_bytes(found, machine, served_dim=served_dim, dtype=dtype, dot=dot)
    if encoding is not None:
        from limitlab.estimation.encode_cost import encoding_parts

        parts = encoding_parts(sizes, machine, encoding) + parts
        held.append(Bytes("disk", "embedding cache", "(4 x dim + 20) x n_docs", sizes.n_docs * (4.0 * sizes.dim + 20)))
    notes = [
        "index, run file and remedies are not in it",
        "queries that cannot be separated are searched for: up to 19 more exact searches of these",
    ]
    if sizes.missing is None:
        notes.append("how many queries miss something is not known: the range covers 10 % to all, --missing 0.3 narrows it")
    about = {"skip": list(skip), "served_dim": served_dim, "served_dtype": dtype, "similarity": similarity, "model": model}
    return _estimate("diagnose", {**sizes.to_dict(), **about}, parts, held, [], machine, means, notes)


def estimate_eval(
    sizes: Sizes,
    machine: MachineProfile,
    retrievers: Sequence[Asked],
    *,
    means: Means = ONE_MACHINE,
    dims: Sequence[int] | None = None,
    encodings: dict[str, Encoding] | None = None,
    texts: bool = True,
) -> Estimate:
    """``limitlab eval`` with these retrievers on a dataset of these sizes.

    Parameters
    ----------
    retrievers
        From ``asked``.
    dims
        Dimensions searched; None: the full one.
    encodings
        Speed of every dense or served retriever, by its text.
    texts
        Whether a dataset of texts is read.

    Raises
    ------
    InvalidArgument
        A size is outside its range, or a dimension is above the full one.
    """
    widest = max((one.sizes(sizes).dim for one in retrievers), default=sizes.dim)
    for dim in dims or ():
        whole(WHO, "--dim", dim, low=1, high=widest, high_name="dim")
    parts = eval_parts(sizes, machine, retrievers, dims=dims, encodings=encodings or {}, texts=texts)
    held = eval_bytes(sizes, machine, retrievers, texts=texts)
    bills = token_bills(sizes, retrievers, means.price_per_million)
    notes = ["rows that the ledger has, and texts that the embedding cache has, cost nothing again"]
    about = {
        "retrievers": plain(retrievers),
        "dims": list(dims) if dims else None,
        "own": {one.spec.text: dict(one.own) for one in retrievers if one.own},
    }
    return _estimate("eval", {**sizes.to_dict(), **about}, parts, held, bills, machine, means, notes)


def estimate_critical_n(sweep: Sweep, machine: MachineProfile, *, means: Means = ONE_MACHINE) -> Estimate:
    """``limitlab critical-n`` over these dimensions."""
    parts, trials = critical_n_parts(sweep, machine, workers=means.of("critical-n", machine).workers)
    refused = [t.dim for t in trials if t.refused]
    notes = ["on the CPU; a GPU takes problems of more than 50 million multiplications a step, and is not in it"]
    limits = []
    if refused:
        limits.append(
            f"{len(refused):,} of {len(sweep.dims):,} dimensions, the first d = {refused[0]:,}, end FAILED at once: more than "
            "200,000,000 relevant pairs, or more than three quarters of memory"
        )
    sizes: dict[str, Any] = {"dims": [sweep.dims[0], sweep.dims[-1]], "n_dims": len(sweep.dims), "k": sweep.k, "seeds": sweep.seeds}
    solved = [t.dim for t in trials if not t.refused]
    sizes["largest_critical_n"] = sweep.critical(solved[-1]) if solved else None
    sizes["refused"] = len(refused)
    return _estimate("critical-n", sizes, parts, critical_n_bytes(sweep, machine, trials), [], machine, means, notes, limits)


def _estimate(
    verb: str,
    sizes: dict[str, Any],
    parts: list[Part],
    held: list[Bytes],
    bills: list[Money],
    machine: MachineProfile,
    means: Means,
    notes: list[str],
    limits: Sequence[str] = (),
) -> Estimate:
    spread = means.of(verb, machine)
    if spread.machines > 1 and verb != "critical-n":
        reads = sum(p.amount for p in parts if p.divides and p.unit == "bytes")
        held.append(Bytes("network", "vectors read by workers", "shared passes x file", reads))
    notes += spread.notes(verb)
    if machine.busy:
        notes.append(machine.busy)
    limits = [*limits]
    need = sum(b.amount for b in held if b.kind == "memory")
    if need > machine.memory_bytes:
        limits.append(f"memory is more than the machine's {machine.memory_bytes / 2**30:,.0f} GiB: it will not run there as it is")
    found = Estimate(
        verb, sizes, merged(parts), tuple(held), tuple(bills), spread.workers, spread.machines, machine.kind, tuple(notes), tuple(limits)
    )
    if means.price_per_hour is None:
        return found
    hours, count = found.seconds[1] / 3600, spread.machines
    bill = Money("machines", f"{count:,} machines x {hours:.4g} hours x {means.price_per_hour:g}", count * hours * means.price_per_hour)
    return replace(found, money=(*found.money, bill))
