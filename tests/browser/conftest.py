"""A headless Chromium, or the reason why there is none."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def unavailable(reason: str) -> None:
    """Skip, or fail where everything is required (``LIMITLAB_REQUIRE_ALL=1``)."""
    if os.environ.get("LIMITLAB_REQUIRE_ALL") == "1":
        pytest.fail(f"{reason} (LIMITLAB_REQUIRE_ALL=1)", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A browser started once for all tests."""
    if importlib.util.find_spec("playwright") is None:
        unavailable("playwright is not installed")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        unavailable("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def samples() -> ModuleType:
    """The sample results of the report's own tests."""
    path = Path(__file__).parents[1] / "report" / "sample_results.py"
    spec = importlib.util.spec_from_file_location("report_sample_results", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
