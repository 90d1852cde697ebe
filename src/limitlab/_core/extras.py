"""Which optional packages are installed, read from the packages' metadata: nothing is imported."""

from __future__ import annotations

import importlib.metadata
import re
from dataclasses import dataclass
from typing import Any

_REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)(?:\[([^\]]*)\])?\s*([^;]*?)\s*;\s*extra\s*==\s*['\"]([^'\"]+)['\"]")
_TOGETHER = ("all", "dev")  # extras made of the others, and what only developers need


@dataclass(frozen=True)
class Extra:
    """An optional part of limitlab.

    Attributes
    ----------
    name
        As in ``pip install 'limitlab[NAME]'``.
    packages
        ``{package: installed version, or None}``.
    wanted
        ``{package: versions asked for}``.
    """

    name: str
    packages: dict[str, str | None]
    wanted: dict[str, str]

    @property
    def installed(self) -> bool:
        """Whether every package of it is there."""
        return all(self.packages.values())

    @property
    def pip(self) -> str | None:
        """The line that installs it; None when it is installed."""
        return None if self.installed else f"pip install 'limitlab[{self.name}]'"

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name, "installed": self.installed, "packages": self.packages, "wanted": self.wanted, "pip": self.pip}


def extras(requirements: list[str] | None = None) -> list[Extra]:
    """The extras that limitlab declares, each with the versions found.

    Parameters
    ----------
    requirements
        Lines as in a wheel's metadata; default: those of the installed limitlab (empty where it is not installed).
    """
    if requirements is None:
        try:
            requirements = importlib.metadata.requires("limitlab") or []
        except importlib.metadata.PackageNotFoundError:
            requirements = []
    lines = [match.groups() for line in requirements if (match := _REQUIREMENT.match(line))]
    direct: dict[str, list[tuple[str, str, str]]] = {}
    for package, inner, versions, extra in lines:
        direct.setdefault(extra, []).append((package, inner or "", versions))
    return [_extra(name, direct) for name in direct if name not in _TOGETHER]


def _extra(name: str, direct: dict[str, list[tuple[str, str, str]]]) -> Extra:
    """With the packages of the extras it names (``limitlab[models]``)."""
    wanted: dict[str, str] = {}
    todo, seen = [name], set()
    while todo:
        now = todo.pop(0)
        if now in seen:
            continue
        seen.add(now)
        for package, inner, versions in direct.get(now, []):
            if package == "limitlab":
                todo += [part.strip() for part in inner.split(",")]
            else:
                wanted[package] = versions
    return Extra(name, {package: installed_version(package) for package in wanted}, wanted)


def installed_version(package: str) -> str | None:
    """A package's version, or None when it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
