"""Resolves an input picture of a manifest to its files: one, or a sequence in numeric order."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator
from pathlib import Path

from farm.errors import StorageError
from farm.manifest.findings import did_you_mean

_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".avif")
_NUMBER = re.compile(r"%(?:0(\d{1,2}))?d", re.ASCII)


def absolute_path(text: str, base: Path) -> Path:
    """Return a path as an absolute one; it may be relative to `base` or start with `~`.

    Raises:
        StorageError: when it names the home folder of an unknown user.
    """
    try:
        return (base / Path(text).expanduser()).absolute()
    except RuntimeError as error:
        raise StorageError(f"{text}: {error}") from error


def files_named(text: str, base: Path) -> list[Path]:
    """Return the files that a text names: one file, the pictures in a folder, or all matches of a pattern.

    Raises:
        StorageError: when there are none, or a number of a sequence is missing.
    """
    path = absolute_path(text, base)
    try:
        return _found(path)
    except (OSError, ValueError) as error:
        raise StorageError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def may_name(path: Path, file: Path) -> bool:
    """Return whether an absolute path may name a file: itself, one in it, or for a pattern, one in its folder."""
    return file in (path, path / file.name) or (file.parent == path.parent and _is_pattern(path.name))


def near_miss(text: str, base: Path) -> str:
    """Return `Did you mean 'dog.png'?` for a missing file; empty if its folder has no similar name."""
    try:
        path = absolute_path(text, base)
        if os.path.lexists(path) or _is_pattern(path.name):
            return ""
        return did_you_mean(path.name, [entry.name for entry in _visible(path.parent)])
    except (StorageError, OSError, ValueError):
        return ""


def _found(path: Path) -> list[Path]:
    if path.is_dir():
        files = [file for file in _visible(path) if file.suffix.lower() in _PICTURES]
        if not files:
            raise StorageError(f"{path} is a folder without pictures ({', '.join(_PICTURES)})")
        return sorted(files, key=_natural)
    if os.path.lexists(path):
        return [path]
    if _NUMBER.search(path.name):
        return _numbered(path)
    if _is_pattern(path.name):
        files = [file for file in _visible(path.parent) if fnmatch.fnmatchcase(file.name, path.name)]
        if not files:
            raise StorageError(f"no file matches {path}")
        return sorted(files, key=_natural)
    raise StorageError(f"there is no file {path}")


def _is_pattern(name: str) -> bool:
    return re.search(r"[*?\[]", name) is not None or _NUMBER.search(name) is not None


def _numbered(path: Path) -> list[Path]:
    """Return the files of a pattern such as `frame%04d.png`, in numeric order."""
    before, width, after = _NUMBER.split(path.name, maxsplit=1)
    name = re.compile(f"{re.escape(before)}(\\d+){re.escape(after)}", re.ASCII)
    found: dict[int, Path] = {}
    for file in _visible(path.parent):
        match = name.fullmatch(file.name)
        if match and _is_number(match[1], int(width or 1)):
            found[int(match[1])] = file
    if not found:
        raise StorageError(f"no file matches {path}")
    first, last = min(found), max(found)
    missing = next((number for number in range(first, last) if number not in found), None)
    if missing is not None:
        raise StorageError(f"{path} matches numbers from {first} to {last}, but {missing} is missing")
    return [found[number] for number in sorted(found)]


def _is_number(digits: str, width: int) -> bool:
    """Return whether `%0<width>d` could print these digits."""
    return len(digits) == width or (len(digits) > width and digits[0] != "0")


def _visible(folder: Path) -> Iterator[Path]:
    """Yield the entries of a folder except hidden ones, such as some systems' metadata files."""
    return (entry for entry in folder.iterdir() if not entry.name.startswith("."))


def _natural(file: Path) -> tuple[list[int | str], str]:
    """Sort `frame10` after `frame9`."""
    parts = re.split(r"(\d+)", file.name.lower(), flags=re.ASCII)
    return [int(part) if number % 2 else part for number, part in enumerate(parts)], file.name
