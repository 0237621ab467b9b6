"""What lies in a job's folder in the place of a frame."""

from __future__ import annotations

import hashlib

from farm.errors import StorageError
from farm.records import FrameRow, Pixels
from farm.run.verify.comparison import Held
from farm.store import JobFolder, content_sha256, decode_frame


def look(folder: JobFolder, row: FrameRow) -> tuple[Held, Pixels | None]:
    """Return what a frame's file holds now, and its pixels where they are some."""
    try:
        data = folder.read(row.file_name)
    except StorageError as error:
        return Held(problem=str(error)), None
    try:
        pixels = decode_frame(data, row.file_name)
    except StorageError:
        return Held(problem="its file is no whole PNG in RGB" if data else "its file is empty"), None
    height, width, _ = pixels.shape
    held = Held(
        file_sha256=hashlib.sha256(data).hexdigest(),
        content_sha256=content_sha256(pixels),
        width=width,
        height=height,
    )
    return held, pixels
