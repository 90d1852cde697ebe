"""An estimate: named parts with formula, amount, measured rate and assumption; bytes; what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SCHEMA = "limitlab.estimate/1"


@dataclass(frozen=True)
class Part:
    """Seconds of one kind of work.

    Attributes
    ----------
    name
        What is done.
    formula
        The amount in words.
    amount, unit
        Units of work, all of them.
    rate
        Units a second that were measured; on all cores of the machine.
    rate_name
        The constant of the machine profile.
    low, high
        What the true time may be, as multiples of the expected one.
    assumption
        What the numbers rest on.
    divides
        Whether workers share it: a part that one process does alone stays as long as it is.
    """

    name: str
    formula: str
    amount: float
    unit: str
    rate: float
    rate_name: str
    assumption: str
    low: float = 0.8
    high: float = 1.3
    divides: bool = False

    def seconds(self, machines: float = 1.0) -> tuple[float, float, float]:
        """(low, expected, high) on so many machines like the measured one; below 1: a part of its cores."""
        expected = self.amount / self.rate / (machines if self.divides else min(machines, 1.0))
        return self.low * expected, expected, self.high * expected


@dataclass(frozen=True)
class Bytes:
    """Bytes of one kind: "memory" (held at one time by the process that leads), "disk" (written), or "network" (read by workers elsewhere)."""

    kind: str
    name: str
    formula: str
    amount: float


@dataclass(frozen=True)
class Money:
    """One bill: ``amount`` in the unit of the price."""

    name: str
    formula: str
    amount: float


@dataclass(frozen=True)
class Estimate:
    """What a command will take, before it runs.

    Attributes
    ----------
    verb
        eval | diagnose | critical-n.
    sizes
        What was estimated.
    parts, bytes, money
        The model.
    workers, machines
        Cores busy at one time, and machines like the measured one.
    machine
        Its kind.
    notes
        What is not in the numbers.
    limits
        Why it will not run as it is.
    """

    verb: str
    sizes: dict[str, Any]
    parts: tuple[Part, ...]
    bytes: tuple[Bytes, ...]
    money: tuple[Money, ...]
    workers: int
    machines: int
    machine: str
    notes: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()

    @property
    def seconds(self) -> tuple[float, float, float]:
        """(low, expected, high): parts are added as if all were off in the same direction."""
        every = [part.seconds(self.machines) for part in self.parts]
        return sum(s[0] for s in every), sum(s[1] for s in every), sum(s[2] for s in every)

    def total(self, kind: str) -> float:
        """Bytes of a kind."""
        return sum(b.amount for b in self.bytes if b.kind == kind)

    @property
    def cost(self) -> float:
        """All bills together."""
        return sum(m.amount for m in self.money)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        low, expected, high = self.seconds
        parts = []
        for part in self.parts:
            spans = dict(zip(("seconds_low", "seconds", "seconds_high"), part.seconds(self.machines)))
            parts.append({**part.__dict__, **spans})
        return {
            "schema": SCHEMA,
            "verb": self.verb,
            "sizes": dict(self.sizes),
            "machine": self.machine,
            "workers": self.workers,
            "machines": self.machines,
            "seconds": {"low": low, "expected": expected, "high": high},
            "memory_bytes": self.total("memory"),
            "disk_bytes": self.total("disk"),
            "network_bytes": self.total("network"),
            "cost": self.cost if self.money else None,
            "parts": parts,
            "bytes": [dict(b.__dict__) for b in self.bytes],
            "money": [dict(m.__dict__) for m in self.money],
            "notes": list(self.notes),
            "limits": list(self.limits),
        }


def merged(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Parts of the same name and rate as one, in the order of their first; nothing with an amount of 0 stays."""
    out: dict[tuple[Any, ...], Part] = {}
    for part in parts:
        key = (part.name, part.rate, part.divides, part.low, part.high)
        if key in out:
            old = out[key]
            formula = old.formula if part.formula in old.formula.split(" + ") else f"{old.formula} + {part.formula}"
            out[key] = Part(**{**old.__dict__, "amount": old.amount + part.amount, "formula": formula})
        elif part.amount > 0:
            out[key] = part
    return tuple(out.values())
