"""The files below a checkpoint's folder: how many there may be, and where links among them may lead. Needs no torch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from farm.errors import ModelError
from farm.render.checkpoints.hub_cache import blobs_of

DATA = frozenset({".safetensors", ".json", ".txt", ".model", ".jinja"})
"""Suffixes of weights, configuration and vocabulary: nothing else of a checkpoint is read, or fetched."""

SETTINGS = DATA - {".safetensors"}

MAX_ENTRIES = 20_000
"""Files and folders below a checkpoint's; a home directory or a disk is none."""

MAX_BYTES = 2**40
"""Of all that is read of a checkpoint together: a terabyte."""


def folders_below(folder: Path) -> list[Path]:
    """Return a folder and those below it, once it is clear that they are no more than a checkpoint has.

    Raises:
        ModelError: when there is a link to a folder, or more than a checkpoint has.
        OSError: when one cannot be read.
    """
    found, count = [folder], 0
    for each in found:
        with os.scandir(each) as entries:
            for entry in entries:
                count += 1
                if count > MAX_ENTRIES:
                    raise ModelError(
                        f"{folder} is no checkpoint's folder: it holds more than {MAX_ENTRIES} files and folders"
                    )
                if entry.is_dir():
                    if entry.is_symlink():
                        raise ModelError(
                            f"{entry.path} is a link to a folder, which is not followed: copy the folder there"
                        )
                    found.append(Path(entry.path))
    return found


def data_below(folder: Path, folders: list[Path]) -> list[Path]:
    """Return all files of weights, configuration and vocabulary in the `folders` below a folder, sorted.

    Raises:
        ModelError: when one is no regular file, has a name that is no text, or is a link out of the hub's cache; or
            together they have more bytes than a checkpoint has.
        OSError: when one cannot be read.
    """
    files = sorted(file for each in folders for file in _data_in(each))
    cache, size = _Cache(folder), 0
    for file in files:
        if not file.is_file():
            raise ModelError(f"{file} is no regular file")
        if not _is_text(file.name):
            raise ModelError(f"{file.parent} holds a file whose name is no text in UTF-8: {file.name!a}")
        if file.is_symlink():
            cache.check(file)
        size += file.stat().st_size
    if size > MAX_BYTES:
        raise ModelError(
            f"{folder} is no checkpoint's folder: it has {size} bytes, up to {MAX_BYTES} are read"
        )
    return files


def _data_in(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        yield from (
            Path(entry.path) for entry in entries if not entry.is_dir() and Path(entry.name).suffix in DATA
        )


class _Cache:
    """Where links of a snapshot in the hub's cache may lead: to files of the same repository.

    In a folder of one's own links to files are followed wherever they lead; whether a manifest may have them read is
    checked with the manifest.
    """

    def __init__(self, folder: Path) -> None:
        blobs = blobs_of(folder)
        self._roots = [Path(os.path.realpath(root)) for root in (folder, blobs)] if blobs else []

    def check(self, link: Path) -> None:
        target = Path(os.path.realpath(link))
        if self._roots and not any(target.is_relative_to(root) for root in self._roots):
            raise ModelError(
                f"{link} is a link that leads out of its repository in the hub's cache: remove it"
            )


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
