"""Keys of services: from the environment only, and never shown."""

from __future__ import annotations

import os
import re

from limitlab._core.errors import InvalidArgument

_NAME = re.compile(r"\$\{(\w+)\}")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")


class Secret:
    """A text that is sent and never shown: ``repr`` and ``str`` hide it.

    Parameters
    ----------
    value
        The text.
    source
        The environment variable it came from; this is what is shown and recorded.
    """

    __slots__ = ("_value", "source")

    def __init__(self, value: str, source: str) -> None:
        self._value = value
        self.source = source

    def reveal(self) -> str:
        """The text itself: for a header, and for nothing else."""
        return self._value

    def __repr__(self) -> str:
        return f"${{{self.source}}}"

    __str__ = __repr__

    def __reduce__(self):
        raise TypeError("a Secret cannot be stored")


def key_from_environment(who: str, name: str, *, needed: bool = True) -> Secret | None:
    """The key in an environment variable.

    Raises
    ------
    InvalidArgument
        The variable is empty or not set, and ``needed``; or its value holds characters that no header can carry.
    """
    environment_name(who, name)
    value = os.environ.get(name, "").strip()
    if not value:
        if not needed:
            return None
        raise InvalidArgument(f"{who}: the key must be in the environment variable {name}, which is not set. Run: export {name}=...")
    if not value.isascii() or not value.isprintable():
        raise InvalidArgument(f"{who}: the key in {name} must be printable ASCII; it holds other characters.")
    return Secret(value, name)


def environment_name(who: str, name: str) -> str:
    """``name`` if it can be that of an environment variable: capital letters, digits and underscores, or one that is set.

    Raises
    ------
    InvalidArgument
        It cannot. What was given is not shown: it may be the key itself.
    """
    if not isinstance(name, str) or (not _VARIABLE.fullmatch(name) and name not in os.environ):
        raise InvalidArgument(
            f"{who}: key must be the NAME of an environment variable, in capital letters, such as MY_KEY; what was given is not one, and is not "
            "shown in case it is the key itself. Run: export MY_KEY=..."
        )
    return name


def filled(who: str, template: str) -> Secret:
    """A header's value with ``${NAME}`` replaced from the environment; kept secret whole.

    Raises
    ------
    InvalidArgument
        A variable is not set, or a ``${`` names none: it is refused unshown, as it may hold the key itself.
    """
    if "${" in _NAME.sub("", template):
        raise InvalidArgument(
            f"{who}: ${{NAME}} must hold the NAME of an environment variable, of letters, digits and underscores; what was given is not one, and "
            "is not shown in case it is the key itself. Run: export MY_KEY=..., and write ${MY_KEY}."
        )
    names = _NAME.findall(template)
    values = {name: key_from_environment(who, name) for name in names}
    text = _NAME.sub(lambda match: values[match[1]].reveal(), template)  # type: ignore[union-attr]
    return Secret(text, ", ".join(names) or "a fixed value")
