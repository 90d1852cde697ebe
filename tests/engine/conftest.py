"""The engines of the contract, one of each a test module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fakes.ray_clusters import environment, started_engine
from limitlab.engine.local import LocalEngine


@pytest.fixture(scope="module")
def home_of_module(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A state folder of the module's tests together: workers of another one would be other processes, which take seconds to start."""
    return str(tmp_path_factory.mktemp("home"))


@pytest.fixture(autouse=True)
def _own_home(home_of_module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMITLAB_HOME", home_of_module)


@pytest.fixture(scope="module", params=["local", "ray"])
def engine(request: pytest.FixtureRequest, home_of_module: str) -> Iterator[object]:
    """Two workers, whichever engine."""
    if request.param == "local":
        local = LocalEngine(2)
        yield local
        local.close()
    else:
        with environment(LIMITLAB_HOME=home_of_module), started_engine() as ray:
            yield ray
