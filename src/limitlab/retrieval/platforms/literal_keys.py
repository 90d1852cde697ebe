"""Keys that were written out where only their variable's name may stand: what a file holds is stored with every result."""

from __future__ import annotations

import re
from typing import Any

_SECRET = re.compile(r"key|token|secret|auth|passw|pwd|cookie|credential")
_HARMLESS = re.compile(r"keyword|author(?!i)|tokeni[sz]er|max_?(new_?)?tokens")
_FROM_ELSEWHERE = re.compile(r"\$\{\w+\}|\{\{\s*\w+\s*\}\}")
_SETTING = 1_000_000  # numbers below are settings, such as token_limit: 512


def literal_key(value: Any, name: str = "") -> tuple[str, ...] | None:
    """Where the first text, or long number, stands under a name of secrets, as the names that lead to it; None when there is none.

    ``${NAME}`` and ``{{place}}`` come from elsewhere and are no literals. Below a name of secrets everything counts.

    Parameters
    ----------
    value
        Parsed JSON.
    name
        What ``value`` itself is called.
    """
    return _found(value, (name,) if name else (), _of_secrets(name))


def _found(value: Any, keys: tuple[str, ...], secret: bool) -> tuple[str, ...] | None:
    if isinstance(value, dict):
        parts = [_found(v, (*keys, str(n)), secret or _of_secrets(str(n))) for n, v in value.items()]
    elif isinstance(value, list):
        parts = [_found(v, keys, secret) for v in value]
    else:
        return keys if secret and _is_literal(value) else None
    return next((p for p in parts if p is not None), None)


def _of_secrets(name: str) -> bool:
    return _SECRET.search(_HARMLESS.sub("", name.lower().replace("-", "_"))) is not None


def _is_literal(value: Any) -> bool:
    if isinstance(value, bool) or value is None:
        return False
    return abs(value) >= _SETTING if isinstance(value, (int, float)) else bool(value) and _FROM_ELSEWHERE.search(value) is None
