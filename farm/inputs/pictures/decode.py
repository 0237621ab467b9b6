"""Decodes input pictures: still and animated ones with Pillow, videos with FFmpeg. Only this module imports av.

The decoders are imported with the first picture: most manifests name none.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from farm.errors import StorageError
from farm.inputs.digest import content_sha256, stat_of_file
from farm.records import PictureFile

if TYPE_CHECKING:
    from PIL import Image

MAX_SIDE = 8192
"""Maximum pixels on a side of a picture."""

MAX_MOVING_PIXELS = 4096 * 4096
"""Maximum pixels of a frame of a video or animation: a few kilobytes may contain hundreds of them."""

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")
_ANIMATED = ("PNG", "WEBP", "GIF", "AVIF")
_OPTIONS = {"format_whitelist": "mov,matroska,avi", "protocol_whitelist": "file"}
"""Excludes playlist formats, which would open other files and addresses."""


class Film(Protocol):
    """An open file of images; a still image has one frame."""

    @property
    def moves(self) -> bool: ...  # noqa: D102

    def picture(self, index: int) -> Image.Image:
        """Return a frame by its index from 0, in RGB; reading forward is fast, going back may restart decoding.

        Raises:
            IndexError: when there are fewer frames.
        """

    def close(self) -> None: ...  # noqa: D102


class ImageFilm:
    """An image file, still or animated (GIF, WebP, APNG, AVIF).

    It is rotated by its EXIF orientation and has no alpha, like the result of diffusers' `load_image`. Unlike there,
    16-bit grey is scaled to 8 bits; Pillow, and thus `load_image`, clips every value above 255 to white.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begin()

    @property
    def moves(self) -> bool:
        """Whether it has several frames."""
        return self._count > 1

    def picture(self, index: int) -> Image.Image:
        """See `Film`."""
        if index >= self._count:
            raise IndexError(f"it has no picture {index}")
        if self.moves:
            if index < self._image.tell():  # Pillow cannot seek back in an APNG
                self.close()
                self._begin()
            self._image.seek(index)
        from PIL import ImageOps

        return _rgb(ImageOps.exif_transpose(self._image))

    def close(self) -> None:
        """See `Film`."""
        self._image.close()

    def _begin(self) -> None:
        from PIL import Image

        try:
            with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):
                self._image = Image.open(self._path, formats=_FORMATS)
            if max(self._image.size) > MAX_SIDE:
                self._image.close()
                raise Image.DecompressionBombError
        except Image.DecompressionBombError:
            raise ValueError(f"more than {MAX_SIDE} pixels a side") from None
        animated = self._image.format in _ANIMATED
        self._count: int = getattr(self._image, "n_frames", 1) if animated else 1
        if self.moves:
            _check_frame_size(*self._image.size)


class VideoFilm:
    """The first video stream of an MP4, MOV, MKV, WebM or AVI; frames are counted, not located by time."""

    moves = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begin()

    def picture(self, index: int) -> Image.Image:
        """See `Film`."""
        from PIL import Image

        if index < self._next:
            self.close()
            self._begin()
        for frame in self._frames:
            self._next += 1
            if self._next > index:
                picture = Image.fromarray(frame.to_ndarray(format="rgb24"))
                return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture
        raise IndexError(f"it has no picture {index}")

    def close(self) -> None:
        """See `Film`."""
        self._container.close()

    def _begin(self) -> None:
        import av

        self._next = 0
        self._container = av.open(str(self._path), options=_OPTIONS)
        try:
            self._frames: Iterator[Any] = self._decode()
        except BaseException:
            self._container.close()
            raise

    def _decode(self) -> Iterator[Any]:
        if not self._container.streams.video:
            raise ValueError("it has no video stream")
        stream = self._container.streams.video[0]
        if max(stream.codec_context.width, stream.codec_context.height) > MAX_SIDE:
            raise ValueError(f"more than {MAX_SIDE} pixels a side")
        _check_frame_size(stream.codec_context.width, stream.codec_context.height)
        stream.codec_context.options = {"max_pixels": str(MAX_MOVING_PIXELS)}
        stream.codec_context.thread_count = 1  # other cores belong to other workers
        return self._container.decode(stream)


def _check_frame_size(width: int, height: int) -> None:
    if width * height > MAX_MOVING_PIXELS:
        raise ValueError(
            f"its pictures have {width}x{height} pixels; those of a video or animation have up to {MAX_MOVING_PIXELS}, "
            "such as 4096x4096"
        )


def _rgb(image: Image.Image) -> Image.Image:
    import numpy as np
    from PIL import Image

    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError("32 bits a pixel, with no defined white; save it with 8 or 16")
    if image.mode == "P":  # Pillow warns when it converts a palette with transparency directly to RGB
        image = image.convert("RGBA")
    return image.convert("RGB")


def open_film(path: Path) -> Film:
    """Open a file of one or more pictures, in the format of its content, whatever its name.

    Raises:
        StorageError: when it is missing, or contains no pictures.
    """
    import av
    from PIL import UnidentifiedImageError

    with reading(path):
        stat_of_file(path)
        try:
            return ImageFilm(path)
        except UnidentifiedImageError:
            pass
        try:
            return VideoFilm(path)
        except av.error.FFmpegError:
            raise ValueError("neither a picture nor an intact video") from None


MAX_PIXELS = 2**33
"""Maximum pixels decoded from a video, animation or sequence: 4,100 frames of 1920x1080, 8,192 of 1024x1024."""


def probe_file(path: Path, *, max_frames: int, max_pixels: int = MAX_PIXELS) -> PictureFile:
    """Decode up to `max_frames` frames of a file, and return their number and size.

    Raises:
        StorageError: when it is missing, or its frames are damaged, too large, or of different sizes.
    """
    with closing(open_film(path)) as film, reading(path):
        width, height = film.picture(0).size
        if film.moves:
            max_frames = min(max_frames, max_pixels // (width * height) + 1)
        count = 1
        while count < max_frames and film.moves:
            try:
                picture = film.picture(count)
            except IndexError:
                break
            if picture.size != (width, height):
                raise ValueError(
                    f"picture {count} is {picture.width}x{picture.height}, the first {width}x{height}"
                )
            count += 1
        if film.moves and count * width * height > max_pixels:
            raise ValueError(
                f"more than {max_pixels} pixels to decode, in pictures of {width}x{height}; scale it down, or cut it"
            )
        digest = content_sha256(path)
    return PictureFile(location=str(path), sha256=digest, width=width, height=height, count=count)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn any error into a StorageError about a file.

    Raises:
        StorageError: for any error in the block.
    """
    try:
        yield
    except Exception as error:  # decoders may raise anything
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise StorageError(f"{path} cannot be read: {reason}") from error
