"""Options that are on or off."""

from __future__ import annotations

from limitlab._core.errors import InvalidArgument


def flag(who: str, name: str, value: object) -> bool:
    """True or False as they are; the text "no" would count as true and is refused.

    Raises
    ------
    InvalidArgument
        Anything else.
    """
    if not isinstance(value, bool):
        raise InvalidArgument(f"{who}: {name} must be true or false; got {value!r}.")
    return value
