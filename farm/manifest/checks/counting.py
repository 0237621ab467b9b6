"""How many things a field lists, and how it is said."""

from __future__ import annotations

from typing import Any


def entries(written: Any) -> int | None:
    """Returns how many entries a field has that takes one or a list; None where it has neither."""
    if isinstance(written, list):
        return len(written)
    return 1 if isinstance(written, str | dict) else None


def many(number: int, one: str, several: str = "") -> str:
    """Returns `1 picture`, `2 pictures`."""
    return f"1 {one}" if number == 1 else f"{number} {several or f'{one}s'}"
