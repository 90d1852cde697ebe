"""An estimate in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limitlab.cli.tables import plain_table

if TYPE_CHECKING:
    from limitlab.estimation import Estimate, MachineProfile

_YEAR = 365.25 * 86_400
_UNITS = ((120, 1, "s"), (7200, 60, "minutes"), (172_800, 3600, "hours"), (730.5 * 86_400, 86_400, "days"), (1e6 * _YEAR, _YEAR, "years"))


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3.5 minutes``, ``2.1 hours``, ``3.2 days``, ``14 years``, ``more than a million years``."""
    for most, unit, words in _UNITS:
        if seconds < most:
            return f"{seconds / unit:,.2g} {words}" if seconds / unit < 10 else f"{seconds / unit:,.0f} {words}"
    return "more than a million years"


def size(amount: float) -> str:
    """``12 MiB``, ``1.5 GiB``, ``2.1 TiB``."""
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if amount >= 1024**power:
            value = amount / 1024**power
            return f"{value:,.2g} {unit}" if value < 10 else f"{value:,.0f} {unit}"
    return f"{amount:,.0f} bytes"


def headline(found: Estimate) -> str:
    """The time; for a sweep also the dimensions of which it is not the time, since they are refused."""
    low, expected, high = found.seconds
    span = "" if duration(low) == duration(high) else f" ({duration(low)} to {duration(high)})"
    time = f"about {duration(expected)}{span}" if duration(expected) != "more than a million years" else duration(expected)
    refused, asked = found.sizes.get("refused", 0), found.sizes.get("n_dims", 0)
    if refused == asked != 0:
        return f"{found.verb}: will not run: " + ("the dimension is refused" if asked == 1 else f"all {asked:,} dimensions are refused")
    return f"{found.verb}: {time}" + (f" for {asked - refused:,} of {asked:,} dimensions; {refused:,} are refused" if refused else "")


def _of_machines(found: Estimate) -> str:
    """Which machines, how many, and how many of their cores."""
    many = f"{found.machines:,} machines like this one" if found.machines > 1 else "1 machine"
    return f"machine: {found.machine}; {many}, {found.workers:,} core{'s' if found.workers != 1 else ''} busy"


def estimate_text(found: Estimate) -> str:
    """Totals, parts, bytes, bills, notes."""
    lines = [headline(found), *(f"LIMIT: {limit}" for limit in found.limits)]
    totals = [f"memory {size(found.total('memory'))}"]
    totals += [f"{kind} {size(found.total(kind))}" for kind in ("disk", "network") if found.total(kind)]
    if found.money:
        totals.append(f"cost {found.cost:,.2f}")
    lines += ["; ".join(totals), _of_machines(found), ""]
    starred = found.machines > 1 and found.verb != "critical-n"  # whose trials are dealt out before they are added up
    rows = []
    for part in sorted(found.parts, key=lambda p: -p.seconds(found.machines)[1]):
        a, b, c = part.seconds(found.machines)
        name = part.name + (" *" if starred and not part.divides else "")
        rows.append([name, duration(b), f"{duration(a)} to {duration(c)}", part.formula, f"{part.rate:.3g} {part.unit}/s", part.assumption])
    lines.append(plain_table(["part", "time", "range", "formula", "rate", "assumption"], rows, right=(1,)))
    if starred and any(not p.divides for p in found.parts):
        lines.append("* one process does it alone")
    held = [[b.kind, b.name, size(b.amount), b.formula] for b in found.bytes]
    lines += ["", plain_table(["bytes", "", "", "formula"], held, right=(2,))]
    lines += [f"{bill.name}: {bill.amount:,.2f} ({bill.formula})" for bill in found.money]
    return "\n".join([*lines, *(f"note: {note}" for note in found.notes)])


def machine_text(profile: MachineProfile) -> str:
    """Constants with their units."""
    from limitlab.estimation.machine import RATES

    rows = [[name, f"{profile.rates[name]:.3g}", *RATES[name]] for name in RATES]
    rows += [["products", f"{rate:.3g}", "flop/s", f"{q:,} queries, dim {d:,}"] for q, d, rate in profile.products]
    rows += [["step", f"{1e3 * s:.3g}", "ms", f"free embeddings, {m:.3g} multiplications, one core"] for m, s in profile.steps]
    rows += [["shared step", f"{profile.shared_step:.2f}", "times faster", "the largest of these on all cores"]]
    rows += [["start", f"{profile.start_seconds:.2g}", "s", f"a process with its libraries, {size(profile.start_bytes)}"]]
    table = plain_table(["constant", "", "unit", "what"], rows, title=f"{profile.kind}, measured {profile.created}", right=(1,))
    return table + (f"\nnote: {profile.busy}" if profile.busy else "")
