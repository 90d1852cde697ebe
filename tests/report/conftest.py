"""Sample results for the report's tests."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


def _load(name: str = "sample_results") -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"report_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def samples() -> ModuleType:
    """The module ``sample_results``: functions that build evaluation results."""
    return _load()


@pytest.fixture(scope="session")
def pages(tmp_path_factory) -> dict[str, Callable[..., Path]]:
    """A function for every kind of page, as in ``sample_pages``."""
    return _load("sample_pages").pages(tmp_path_factory.mktemp("ledger"))
