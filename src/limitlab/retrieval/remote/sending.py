"""Texts as services take them."""

from __future__ import annotations


def sendable(text: str) -> str:
    """The text, one space when it is empty, and "?" for halves of characters that UTF-8 cannot hold."""
    if not text:
        return " "
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
