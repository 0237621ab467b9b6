"""A frame's file: a lossless PNG that carries its recipe, the same bytes for the same recipe and pixels."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping

import numpy as np
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from farm.canonical import canonical_json
from farm.errors import StorageError
from farm.records import DiffusersSpec, Frame, Pixels, RendererSpec
from farm.store.parameters import parameters_text

_LARGEST = 8192
"""Pixels: the longest side that a manifest may ask for."""


def file_name(index: int) -> str:
    """Return the name of a frame's file, relative to the job folder."""
    return f"frames/frame{index:06d}.png"


def content_sha256(pixels: Pixels) -> str:
    """Return the content digest: SHA-256 of `RGB8 <width>x<height>` and a line feed, then the RGB bytes."""
    height, width, _ = pixels.shape
    content = hashlib.sha256(f"RGB8 {width}x{height}\n".encode("ascii"))
    content.update(np.ascontiguousarray(pixels).data)
    return content.hexdigest()


def encode_frame(pixels: Pixels, frame: Frame, renderer: RendererSpec) -> bytes:
    """Return the PNG of a frame.

    Text chunks: `parameters` in the convention of A1111's web UI, which other tools read, and `farm`, a JSON
    object of the whole recipe. Nothing of when or where it was rendered goes in, so that equal frames are
    equal files.
    """
    text = PngImagePlugin.PngInfo()
    height, width, _ = pixels.shape
    text.add_itxt("parameters", parameters_text(frame, renderer, width=width, height=height))
    model = renderer.source if isinstance(renderer, DiffusersSpec) else None
    text.add_itxt(
        "farm",
        canonical_json(
            {
                "frame": frame.index,
                "recipe_digest": frame.digest,
                "recipe": frame.recipe,
                "pretrained": model.pretrained if model else "procedural",
                "revision": model.revision if model else "",
            }
        ),
    )
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="png", pnginfo=text, compress_level=4)
    return buffer.getvalue()


def decode_frame(data: bytes, name: str) -> Pixels:
    """Return the RGB pixels of a frame's file.

    Raises:
        StorageError: when `data` is not a whole PNG as `encode_frame` writes it; `name` is said in the message.
    """
    try:
        pixels, _ = read_png(data)
    except ValueError as error:
        raise StorageError(f"{name}: not a whole PNG ({error}); remove it and render again.") from error
    return pixels


def read_png(data: bytes) -> tuple[Pixels, Mapping[str, str]]:
    """Return the RGB pixels of a PNG, and its texts by their keywords.

    Raises:
        ValueError: with the reason, when it is not whole, or no frame: not of RGB, moving, or too large.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["png"]) as image:
            _check_header(image)
            pixels = np.asarray(image)
            return pixels, dict(image.text)  # type: ignore[attr-defined]  # a PNG has it
    except UnidentifiedImageError as error:  # whose text tells of an object in memory
        raise ValueError("it is no PNG" if data else "it is empty") from error
    except Exception as error:  # readers of chunks raise whatever they meet
        raise ValueError(str(error) or type(error).__name__) from error


def _check_header(image: Image.Image) -> None:
    """Refuse what no frame is, before room is made for its pixels."""
    if max(image.size) > _LARGEST:
        raise ValueError(
            f"it says {image.width}x{image.height} pixels, a frame has up to {_LARGEST}x{_LARGEST}"
        )
    if image.mode != "RGB" or getattr(image, "n_frames", 1) != 1:
        raise ValueError("it is not one picture in RGB, 8 bits each")
