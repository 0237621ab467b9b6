"""What is sent to a cluster: manifests, and pictures beside or below them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from farm.errors import UsageError

_LARGEST = 99 * 2**20
"""Bytes: a dashboard takes uploads of up to 100 MiB; the rest is for manifests and the archive's own."""


def pack(manifest: Path, pictures: Iterable[Path], parcel: Path) -> None:
    """Copy a manifest, or those of a folder, and pictures; nothing else that may lie beside them.

    Raises:
        UsageError: when there is no manifest, or the pictures are too many.
    """
    for path in _manifests(manifest):
        shutil.copy(path, parcel)
    size = 0
    for picture in pictures:
        size += picture.stat().st_size
        if size > _LARGEST:
            raise UsageError(
                f"The pictures beside the manifest have more than {_LARGEST} bytes, which is all that can be "
                "submitted. Put them where all machines of the cluster find them, and name them by their whole paths."
            )
        place = parcel / picture.relative_to(manifest.parent.absolute())
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, place)


def _manifests(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = sorted(entry for entry in path.glob("*") if entry.suffix in (".yaml", ".yml"))
    if not found:
        raise UsageError(f"{path}: neither a manifest nor a folder with manifests (*.yaml) in it.")
    return found
