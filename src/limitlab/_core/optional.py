"""Imports of optional packages, with the pip line when one is missing."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from limitlab._core.errors import MissingExtra


def require(module: str, *, extra: str, what: str, package: str | None = None) -> ModuleType:
    """Import ``module`` or raise MissingExtra: ``what`` need ``package``, which is not installed. Run: pip install ..."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if error.name and error.name.split(".")[0] != module.split(".")[0]:
            raise  # the package is there, and something it needs is broken: that must be seen as it is
        raise MissingExtra(
            f"{what} need {package or module.split('.')[0]}, which is not installed. Run: pip install 'limitlab[{extra}]'"
        ) from error


def available(module: str) -> bool:
    """Whether ``module`` could be imported, without importing it."""
    return importlib.util.find_spec(module) is not None
