"""Optional packages: a missing one gives the pip line, a broken one is seen as it is."""

from __future__ import annotations

import sys

import pytest

from limitlab._core.errors import MissingExtra
from limitlab._core.optional import available, require


def test_require_returns_the_module():
    assert require("json", extra="models", what="x") is sys.modules["json"]


def test_a_missing_package_gives_the_pip_line():
    with pytest.raises(MissingExtra) as caught:
        require("no_such_package_of_ours.part", extra="models", what="dense retrievers", package="no-such-package")
    assert str(caught.value) == "dense retrievers need no-such-package, which is not installed. Run: pip install 'limitlab[models]'"


def test_a_package_blocked_in_sys_modules_counts_as_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match=r"PNG figures need matplotlib.*limitlab\[figures\]"):
        require("matplotlib", extra="figures", what="PNG figures")


def test_a_broken_package_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "broken_package_of_ours.py").write_text("import a_dependency_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="a_dependency_that_is_not_there") as caught:
        require("broken_package_of_ours", extra="models", what="x")
    assert not isinstance(caught.value, MissingExtra)


def test_available_does_not_import():
    assert available("json")
    assert not available("no_such_package_of_ours")
