"""Connecting to a Ray cluster: which one, whether it answers, and whether its machines can run this code."""

from __future__ import annotations

import logging
import os
import re
import socket
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from limitlab._core.errors import EngineError, InvalidArgument
from limitlab._core.home import home
from limitlab._core.optional import require
from limitlab._core.provenance import Stopwatch, cores
from limitlab.engine.threads import thread_settings

_SECONDS = 6.0  # for each of two questions: does the port answer, does Ray
_PROBE_SECONDS = 120.0  # a worker process must start on every machine
_SENT = ("HF_HUB_OFFLINE", "HF_HOME", "OPENBLAS_THREAD_TIMEOUT", "GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
_CLIENT_TRIES, _CLIENT_DIED = 3, "Starting Ray client server failed"  # the cluster's process for a client sometimes dies as it is forked
_STORE_BYTES = 512 << 20  # of a cluster of our own: items name arrays by file, so little is sent


@dataclass(frozen=True)
class Machine:
    """A machine of the cluster as Ray counts it: whole cores, whole GPUs."""

    id: str
    cores: int
    gpus: int
    host: str = ""  # for messages to the caller alone


@dataclass(frozen=True)
class Cluster:
    """A cluster we are connected to.

    Attributes
    ----------
    ray
        The package.
    ours
        We connected, so we disconnect.
    where
        ``started``: of this machine alone, for this run; ``joined``: one that was there; ``client``: through Ray Client.
    sent
        Whether our code was sent to it, because its machines have none or another one.
    seconds
        From the first import of Ray to workers that can run our code.
    environment
        What worker processes have without being told: those of a cluster of our own start with the settings of one core.
    """

    ray: Any
    ours: bool
    where: str
    sent: bool
    seconds: float
    environment: dict[str, str] = field(default_factory=dict)

    def machines(self) -> list[Machine]:
        """Those alive that have a core, in the order of their ids."""
        found = [
            Machine(n["NodeID"], int(n["Resources"].get("CPU", 0)), int(n["Resources"].get("GPU", 0)), n.get("NodeManagerHostname", ""))
            for n in self.ray.nodes()
            if n["Alive"]
        ]
        return sorted((m for m in found if m.cores), key=lambda m: m.id)

    def close(self) -> None:
        """Disconnect; a cluster that was started for this run stops."""
        if self.ours:
            self.ray.shutdown()
            _say_of_workers(True)


def connect(address: str | None = None) -> Cluster:
    """Connect to ``ray://HOST:PORT``; without an address to the cluster of RAY_ADDRESS, to the one that ``ray start`` made this machine a
    part of, or to a new one of this machine alone.

    Raises
    ------
    MissingExtra
        Ray is not installed.
    InvalidArgument
        The address is none.
    EngineError
        Nothing answers within about ten seconds, or the machines there cannot run limitlab.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is reported to anybody
    with Stopwatch() as watch:
        ray = require("ray", extra="ray", what="tasks on several machines")
        if ray.is_initialized():
            if address is not None:
                check_answers(address)
                raise EngineError(
                    f"engine ray: this program must not be connected to a cluster when it asks for {address}; it is. Pass engine='ray' for the one "
                    "it has, or disconnect (ray.shutdown())."
                )
            where, ours, again = "client" if ray.util.client.ray.is_connected() else "joined", False, None
        else:
            address = address or os.environ.get("RAY_ADDRESS") or _running()
            where = "started" if address in (None, "local") else "client" if str(address).startswith("ray://") else "joined"
            if where != "started":
                check_answers(str(address))
            ours, again = True, lambda **options: _init(ray, address, where, **options)
            again()
        try:
            sent = where != "started" and _prepare(ray, again)
        except BaseException:
            if ours:
                ray.shutdown()
            raise
    return Cluster(ray, ours, where, sent, watch.seconds, worker_settings(1) if where == "started" else {})


def _say_of_workers(yes: bool) -> None:
    """Whether Ray prints that a worker died: to standard output, which is the answer's, and with no option of its own to be silent."""
    module = sys.modules.get("ray._private.worker")
    if hasattr(module, "_worker_logs_enabled"):
        module._worker_logs_enabled = yes  # type: ignore[union-attr]


def _init(ray: Any, address: str | None, where: str, **options: Any) -> None:
    """Connect, with nothing on the terminal."""
    quiet = {"logging_level": logging.CRITICAL, "log_to_driver": False}
    n = cores()
    for left in reversed(range(_CLIENT_TRIES if where == "client" else 1)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if where == "started":
                    with _environment(worker_settings(1)):
                        ray.init(address="local", num_cpus=n, object_store_memory=_STORE_BYTES, include_dashboard=False, **quiet, **options)
                else:
                    ray.init(address=address, **quiet, **options)
            break
        except (ConnectionError, RuntimeError, ValueError, OSError, ray.exceptions.RayError) as error:
            _leave(ray)
            if left and _CLIENT_DIED in str(error):
                continue
            hint = "" if where == "started" else " If it asks for a token, set RAY_AUTH_MODE=token here too."
            raise EngineError(
                f"engine ray: a cluster must take us; {address or 'this machine'} said: {_first_line(error)}.{hint}"
            ) from error
    _say_of_workers(False)


def _leave(ray: Any) -> None:
    """After a connection that failed: Ray still takes this process for a client, and would start nothing in it."""
    with suppress(Exception):
        ray.shutdown()
    hook = sys.modules.get("ray._private.client_mode_hook")
    if hook is not None:
        hook._explicitly_disable_client_mode()  # type: ignore[attr-defined]


def worker_settings(cores: int) -> dict[str, str]:
    """Environment of a worker process: its threads, and what of ours tasks depend on. Keys of services are not sent."""
    return {
        **{name: os.environ[name] for name in _SENT if name in os.environ},
        "LIMITLAB_HOME": str(home().resolve()),
        **thread_settings(cores),
    }


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """For the processes that Ray starts; what this process reads only once it has read before."""
    import numpy  # noqa: F401 - its threads are those of this process

    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def check_answers(address: str) -> None:
    """Ask the port before Ray does, which would try for minutes and then end the process.

    Raises
    ------
    InvalidArgument
        The address is not ``ray://HOST:PORT`` or ``HOST:PORT``.
    EngineError
        Nothing answers there, or it is not Ray.
    """
    match = re.fullmatch(r"(ray://)?(\[[0-9a-fA-F:.]+\]|[^\s/:@\[\]]+):(\d{1,5})", address)
    if not match or not 0 < int(match[3]) < 65_536:
        raise InvalidArgument(f"engine ray: an address must be ray://HOST:PORT, as ray://head:10001; got {address!r}.")
    host, port = match[2].strip("[]"), int(match[3])
    advice = "Is the port right (Ray Client's is 10001), and open from here?" if match[1] else "Was `ray start` called with it?"
    try:
        socket.create_connection((host, port), timeout=_SECONDS).close()
    except OSError as error:
        why = error.strerror or str(error)
        raise EngineError(f"engine ray: a cluster must answer at {address}; nothing does ({why}). {advice}") from error
    if not _speaks_grpc(f"{match[2]}:{port}"):
        raise EngineError(f"engine ray: a cluster must answer at {address}; what answers is not Ray. {advice}")


def _speaks_grpc(address: str) -> bool:
    """As the head of a cluster and Ray Client both do."""
    if os.environ.get("RAY_USE_TLS", "0") not in ("", "0"):
        return True  # Ray alone knows the certificates
    grpc = require("grpc", extra="ray", what="tasks on several machines", package="ray[client]")
    channel = grpc.insecure_channel(address)
    try:
        grpc.channel_ready_future(channel).result(timeout=_SECONDS)
    except grpc.FutureTimeoutError:
        return False
    finally:
        channel.close()
    return True


def _running() -> str | None:
    """The address that ``ray start`` wrote down on this machine, where something still listens."""
    folder = Path(os.environ.get("RAY_TMPDIR") or ("/tmp" if os.name == "posix" else tempfile.gettempdir())) / "ray"
    try:
        address = (folder / "ray_current_cluster").read_text(encoding="utf-8").strip()
        host, _, port = address.rpartition(":")
        socket.create_connection((host, int(port)), timeout=1).close()
    except (OSError, ValueError):
        return None
    return address


# -- our code on their machines ------------------------------------------------------------------------------------------------


def _prepare(ray: Any, again: Callable[..., None] | None) -> bool:
    """Whether our code had to be sent: every machine is asked what it has."""
    package = Path(sys.modules["limitlab"].__file__ or "").parent
    ours = _asker()()
    found = _asked(ray)
    if missing := sorted({name for f in found for name in f["missing"]}):
        raise EngineError(
            f"engine ray: every machine must have what limitlab needs; {', '.join(missing)} not found on {sum(bool(f['missing']) for f in found)} "
            f"of {len(found)}. Run there: pip install 'limitlab[ray]'"
        )
    if all(f["code"] == ours["code"] for f in found):
        return False
    if again is None:
        raise EngineError(
            "engine ray: every machine must have the code that runs here; some have another, and Ray was started by the program. Pass "
            "runtime_env={'py_modules': [limitlab]} to ray.init(), or let limitlab connect."
        )
    ray.shutdown()
    again(runtime_env={"py_modules": [str(package)], "excludes": ["**/__pycache__"]})
    if any(f["code"] != ours["code"] for f in _asked(ray)):
        raise EngineError(
            "engine ray: our code must reach every machine; it was sent, and some still have another. Install the same version there."
        )
    return True


def _asked(ray: Any) -> list[dict[str, Any]]:
    """What every machine has."""
    strategy = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    alive = [n["NodeID"] for n in ray.nodes() if n["Alive"] and n["Resources"].get("CPU", 0) >= 1]
    if not alive:
        raise EngineError("engine ray: the cluster must have a machine with a core; it has none.")
    ask = ray.remote(_asker())
    asked = [ask.options(num_cpus=0, max_retries=0, scheduling_strategy=strategy(node, soft=False)).remote() for node in alive]
    try:
        return ray.get(asked, timeout=_PROBE_SECONDS)
    except ray.exceptions.RayError as error:
        raise EngineError(f"engine ray: every machine must start a worker; one said: {_first_line(error)}") from error


def _asker() -> Callable[[], dict[str, Any]]:
    """A function that is sent by value: it runs where limitlab is not installed."""

    def ask() -> dict[str, Any]:
        import hashlib
        import importlib.util
        from pathlib import Path

        missing = [name for name in ("numpy", "scipy", "numba") if importlib.util.find_spec(name) is None]
        spec = importlib.util.find_spec("limitlab")
        digest = hashlib.sha256()
        if spec is not None and spec.origin:
            folder = Path(spec.origin).parent
            for path in sorted(folder.rglob("*.py")):
                digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
        return {"missing": missing, "code": digest.hexdigest()}

    return ask


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:300].rstrip(".") if text else type(error).__name__
