"""What this installation can do: extras, services, keys, processor, memory, disk, the packaged model."""

from __future__ import annotations

import ctypes
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limitlab._core.errors import LimitlabError, UnknownName
from limitlab._core.extras import Extra, extras, installed_version
from limitlab._core.home import home
from limitlab._core.provenance import machine, total_memory, versions
from limitlab.retrieval.encoder import has_bf16_matrix_units
from limitlab.retrieval.packaged import PACKAGED, packaged_folder
from limitlab.retrieval.remote.probes import SERVICES, Probe, keys_set, probe_services


@dataclass(frozen=True)
class Checkup:
    """Everything ``limitlab doctor`` looks at.

    Attributes
    ----------
    versions
        Of Python, limitlab and the packages that decide numbers.
    extras, services, keys
        What is installed, what answers, which keys are set.
    device
        ``{"torch": version, "device": cpu | cuda | mps, "said": one sentence}``.
    machine
        Processor, cores, memory, and whether it multiplies bfloat16 matrices faster than float32 ones.
    disk
        Bytes free where LIMITLAB_HOME lies, and whether it can be written to.
    packaged
        ``{model: "ok", or why not}``.
    """

    versions: dict[str, str]
    extras: tuple[Extra, ...]
    services: tuple[Probe, ...]
    keys: dict[str, bool]
    device: dict[str, Any]
    machine: dict[str, Any]
    disk: dict[str, Any]
    packaged: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Plain values with a schema version."""
        return {
            "schema": "limitlab.doctor/1",
            "versions": self.versions,
            "extras": [e.to_dict() for e in self.extras],
            "services": [s.to_dict() for s in self.services],
            "keys": self.keys,
            "device": self.device,
            "machine": self.machine,
            "disk": self.disk,
            "packaged": self.packaged,
        }

    def unmet(self, needs: Sequence[str]) -> list[str]:
        """A sentence for every need that is not met.

        Parameters
        ----------
        needs
            An extra ("models": all its packages), a service ("postgresql": it answers), both where both have the name ("qdrant": the
            client is installed, and the service answers where an address is given), a key's variable, "cuda", "bf16", or a packaged model.

        Raises
        ------
        UnknownName
            None of these.
        """
        return [problem for need in needs if (problem := self._problem(need)) is not None]

    def _problem(self, need: str) -> str | None:
        extra = next((e for e in self.extras if e.name == need), None)
        service = next((s for s in self.services if s.name == need), None)
        if extra is not None and not extra.installed:
            return f"{need}: not installed. Run: {extra.pip}"
        if service is not None and not service.reachable and (extra is None or service.address is not None):
            return f"{need}: {service.said}."
        if extra is not None or service is not None:
            return None
        if need in self.keys:
            return None if self.keys[need] else f"{need}: not set. Run: export {need}=..."
        if need in self.packaged:
            return None if self.packaged[need] == "ok" else f"{need}: {self.packaged[need]}"
        if need == "cuda":
            return None if self.device["device"] == "cuda" else f"cuda: {self.device['said']}."
        if need == "bf16":
            return None if self.machine["bf16_matrix_units"] else "bf16: this processor has no bfloat16 matrix instructions."
        known = [*(e.name for e in self.extras), *SERVICES, *self.keys, *self.packaged, "cuda", "bf16"]
        raise UnknownName.of("doctor", "need", need, dict.fromkeys(known))


def checkup(urls: Mapping[str, str] | None = None, *, timeout: float = 1.0) -> Checkup:
    """Look at everything. Imports neither torch nor any optional package.

    Parameters
    ----------
    urls, timeout
        See ``probe_services``.
    """
    return Checkup(
        versions=versions(),
        extras=tuple(extras()),
        services=tuple(probe_services(urls, timeout=timeout)),
        keys=keys_set(),
        device=_device(),
        machine={**machine(), "memory_available_gib": _available_gib(), "bf16_matrix_units": has_bf16_matrix_units()},
        disk=_disk(),
        packaged={name: _packaged(name) for name in PACKAGED},
    )


def _device() -> dict[str, Any]:
    """Where torch would compute, without importing it."""
    torch = installed_version("torch")
    if torch is None:
        return {"torch": None, "device": "cpu", "said": "torch is not installed"}
    cards = _cuda_cards()
    if cards and "+cpu" in torch:
        return {"torch": torch, "device": "cpu", "said": f"{cards} CUDA cards, but this torch was built for the processor only"}
    if cards:
        return {"torch": torch, "device": "cuda", "said": f"{cards} CUDA cards"}
    if sys.platform == "darwin" and machine()["arch"] == "arm64":
        return {"torch": torch, "device": "mps", "said": "Apple graphics"}
    return {"torch": torch, "device": "cpu", "said": "no CUDA card found"}


def _cuda_cards() -> int:
    """Cards that the NVIDIA driver shows; 0 without a driver."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int()
    return count.value if driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 else 0


def _available_gib() -> float:
    """Memory that could be used now; all of it where the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return round(int(line.split()[1]) / 2**20, 1)
    except (OSError, ValueError):
        pass
    return round(total_memory() / 2**30, 1)


def _disk() -> dict[str, Any]:
    try:
        folder = home()
        probe = folder / ".doctor"
        probe.write_text("", encoding="ascii")
        probe.unlink()
        return {"writable": True, "free_gib": round(shutil.disk_usage(folder).free / 2**30, 1)}
    except OSError as error:
        return {"writable": False, "free_gib": 0.0, "why": error.strerror or type(error).__name__}


def _packaged(name: str) -> str:
    try:
        packaged_folder(name)
    except (LimitlabError, OSError) as error:
        return str(error)
    return "ok"
