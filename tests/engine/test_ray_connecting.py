"""Connecting to a cluster whose process for a client dies as it is started."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from limitlab._core.errors import EngineError
from limitlab.engine.ray_cluster import _init

DIED = "Initialization failure from server: RuntimeError: Starting Ray client server failed. See its log."


def fake(errors: list[str]) -> tuple[SimpleNamespace, list[str]]:
    """A ray whose ``init`` fails so, then succeeds; and what was called."""
    calls: list[str] = []

    def init(**options):
        calls.append("init")
        if errors:
            raise ConnectionAbortedError(errors.pop(0))

    return SimpleNamespace(init=init, shutdown=lambda: calls.append("shutdown"), exceptions=SimpleNamespace(RayError=KeyError)), calls


def test_another_one_is_asked_for():
    ray, calls = fake([DIED, DIED])
    _init(ray, "ray://host:1", "client")
    assert calls == ["init", "shutdown", "init", "shutdown", "init"]


def test_three_times_at_most_and_nothing_is_left_behind():
    ray, calls = fake([DIED] * 9)
    with pytest.raises(EngineError, match="ray://host:1 said: Initialization failure"):
        _init(ray, "ray://host:1", "client")
    assert calls == ["init", "shutdown"] * 3


@pytest.mark.parametrize(("where", "words"), [("client", "no token"), ("joined", DIED)])
def test_other_failures_are_told_at_once(where, words):
    ray, calls = fake([words])
    with pytest.raises(EngineError):
        _init(ray, "ray://host:1", where)
    assert calls == ["init", "shutdown"]
