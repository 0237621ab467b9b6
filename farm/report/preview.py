"""`preview.webp`: a job as a small film, for the gallery."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator

from PIL import Image

from farm.errors import StorageError
from farm.records import evenly_spaced
from farm.store import JobFolder, decode_frame, file_name

NAME = "preview.webp"
MOST_BYTES = 16 * 2**20
"""Of a preview, which has a hundredth of that."""
_SIDE = 96
_MOST = 60
_SECONDS = 4.0
_QUALITY = 70


def write_preview(folder: JobFolder, frames: Collection[int]) -> int:
    """Write an animated WebP of at most 96 pixels and 60 of the finished frames, and return its bytes.

    A frame that cannot be read is left out; where none is left, no file is written, a former one is removed, and 0
    returned.

    Raises:
        StorageError: when it cannot be written.
    """
    there = sorted(frames)
    pictures = list(_thumbnails(folder, [there[place] for place in evenly_spaced(len(there), _MOST)]))
    if not pictures:
        folder.remove(NAME)
        return 0
    first, *others = pictures
    buffer = io.BytesIO()
    duration = max(60, round(1000 * _SECONDS / len(pictures)))
    first.save(
        buffer,
        format="webp",
        save_all=True,
        append_images=others,
        duration=duration,
        loop=0,
        quality=_QUALITY,
    )
    folder.write(NAME, buffer.getvalue())
    return buffer.tell()


def poster_of(preview: bytes) -> tuple[bytes, int, int] | None:
    """Return the first picture of a preview as WebP, its width and its height; None if it is no picture."""
    try:
        with Image.open(io.BytesIO(preview), formats=["webp"]) as image:
            if max(image.size) > _SIDE:
                return None
            buffer = io.BytesIO()
            image.convert("RGB").save(buffer, format="webp", quality=_QUALITY, method=0)
            return buffer.getvalue(), image.width, image.height
    except Exception:  # Pillow's readers raise whatever they meet
        return None


def _thumbnails(folder: JobFolder, frames: Collection[int]) -> Iterator[Image.Image]:
    for frame in frames:
        name = file_name(frame)
        try:
            image = Image.fromarray(decode_frame(folder.read(name), folder.path(name)))
        except StorageError:
            continue
        image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
        yield image
