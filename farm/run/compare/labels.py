"""What two folders are called, so that one is told from the other. Pure."""

from __future__ import annotations

from farm.errors import UsageError


def told_apart(first: str, second: str) -> tuple[str, str]:
    """Return the ends of two paths or URLs, with as many folders above as it takes to tell them apart.

    Raises:
        UsageError: when they are one.
    """
    if first == second:
        raise UsageError(f"{first}: is given twice; give the folders of two jobs.")
    parts, others = first.split("/"), second.split("/")
    depth = 1
    while parts[-depth:] == others[-depth:]:
        depth += 1
    return "/".join(parts[-depth:]), "/".join(others[-depth:])


def beside(first: str, second: str) -> str:
    """Return the folder beside the first one that is named after both."""
    above, _, name = first.rpartition("/")
    return f"{above}/{name}-vs-{second.rpartition('/')[2]}"
