"""Ray clusters of several machines' kind on this one, each with ports and a folder of its own; none outlives its block."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
SOURCE = TESTS.parent / "src"
PATH = os.pathsep.join([str(SOURCE), str(TESTS)])

# Before Ray is imported: clusters and drivers of the tests know each other by a token of their own, not by the user's.
os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


def need_ray() -> None:
    """Skip where Ray is not installed; fail there when LIMITLAB_REQUIRE_ALL is set."""
    if importlib.util.find_spec("ray") is None:
        reason = "not installed: ray (pip install 'limitlab[ray]')"
        (pytest.fail if os.environ.get("LIMITLAB_REQUIRE_ALL") == "1" else pytest.skip)(reason)


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Environment variables for a block, in fixtures that live longer than a test."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


@contextmanager
def started_engine() -> Iterator[object]:
    """A RayEngine that starts a cluster of two cores for itself; its workers find the tasks of ``fakes``."""
    need_ray()
    from limitlab.engine.ray_engine import RayEngine

    with environment(PYTHONPATH=PATH, RAY_ADDRESS="local", LIMITLAB_CORES="2"):
        engine = RayEngine()
        try:
            yield engine
        finally:
            engine.close()


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def cluster(*others: list[str], path: str = PATH) -> Iterator[tuple[str, str]]:
    """(HOST:PORT, ray://HOST:PORT) of a cluster: a head of one core, and a node for each list of options of ``ray start``.

    Parameters
    ----------
    path
        PYTHONPATH of its processes.
    """
    need_ray()
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    port, client = free_port(), free_port()
    head = ["--head", "--node-ip-address=127.0.0.1", f"--port={port}", f"--ray-client-server-port={client}", "--num-cpus=1"]
    head += [f"--temp-dir={folder}", "--include-dashboard=false", "--object-store-memory=80000000"]
    # gRPC's handlers at fork end now and then the process that Ray forks for a client, by a segmentation fault.
    variables = {**os.environ, "PYTHONPATH": path, "RAY_USAGE_STATS_ENABLED": "0", "GRPC_ENABLE_FORK_SUPPORT": "0"}
    variables.pop("RAY_ADDRESS", None)
    processes = []
    try:
        for options in (head, *([f"--address=127.0.0.1:{port}", "--object-store-memory=80000000", *o] for o in others)):
            command = [sys.executable, "-m", "ray.scripts.scripts", "start", *options, "--block"]
            log = open(folder / f"start-{len(processes)}.log", "wb")  # noqa: SIM115 - the process writes on
            processes.append(subprocess.Popen(command, env=variables, stdout=log, stderr=log, start_new_session=True))
            log.close()
            if len(processes) == 1:
                _wait_for(port, processes[0], folder)
                _wait_for(client, processes[0], folder)
        yield f"127.0.0.1:{port}", f"ray://127.0.0.1:{client}"
    finally:
        for process in reversed(processes):
            process.send_signal(signal.SIGTERM)
        for process in reversed(processes):
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=15)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what ``ray start`` leaves when it is in a hurry
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int, process: subprocess.Popen, folder: Path) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None:
                raise RuntimeError((folder / "start-0.log").read_text()) from None
            time.sleep(0.1)
    raise RuntimeError((folder / "start-0.log").read_text())
