"""Files of input pictures, opened and looked through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import av
from PIL import UnidentifiedImageError

from farm.errors import StorageError
from farm.records import PictureFile
from farm.render.pictures.file_digest import content_sha256, stat_of_file
from farm.render.pictures.films import Film, ImageFilm, VideoFilm


def open_film(path: Path) -> Film:
    """Open a file of one or more pictures; what it holds decides, not its name.

    Raises:
        StorageError: when it is not there, or holds no pictures.
    """
    with reading(path):
        stat_of_file(path)
        try:
            return ImageFilm(path)
        except UnidentifiedImageError:
            pass
        try:
            return VideoFilm(path)
        except av.error.FFmpegError:
            raise ValueError("neither a picture nor a video that is whole") from None


MOST_PIXELS = 2**33
"""That are decoded of a video, animation or sequence: 4,100 pictures of 1920x1080, 8,192 of 1024x1024."""


def look_through(path: Path, *, enough: int, most_pixels: int = MOST_PIXELS) -> PictureFile:
    """Decode a file's pictures, the first `enough` of them, and tell their number and size.

    Raises:
        StorageError: when it is not there, or its pictures are damaged, too large, or of different sizes.
    """
    with closing(open_film(path)) as film, reading(path):
        width, height = film.picture(0).size
        if film.moves:
            enough = min(enough, most_pixels // (width * height) + 1)
        count = 1
        while count < enough and film.moves:
            try:
                picture = film.picture(count)
            except IndexError:
                break
            if picture.size != (width, height):
                raise ValueError(
                    f"picture {count} is {picture.width}x{picture.height}, the first {width}x{height}"
                )
            count += 1
        if film.moves and count * width * height > most_pixels:
            raise ValueError(
                f"more than {most_pixels} pixels to decode, in pictures of {width}x{height}; scale it down, or cut it"
            )
        digest = content_sha256(path)
    return PictureFile(location=str(path), sha256=digest, width=width, height=height, count=count)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Tell whatever is wrong with a file.

    Raises:
        StorageError: for any error within.
    """
    try:
        yield
    except Exception as error:  # decoders raise whatever their formats bring
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise StorageError(f"{path} cannot be read: {reason}") from error
