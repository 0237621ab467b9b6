"""A frame as it lies in the cache: a PNG that says what it is, so that damage is seen."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image, PngImagePlugin

from farm.records import Pixels
from farm.store.frames import content_sha256, read_png


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedFrame:
    """A frame's pixels, the scheduler class that sampled it, and the device that it was rendered on."""

    pixels: Pixels
    scheduler: str
    device: str


def encoded(frame: CachedFrame, key: str) -> bytes:
    """Return the bytes of an entry."""
    text = PngImagePlugin.PngInfo()
    for name, value in _facts(frame, key).items():
        text.add_itxt(name, value)
    buffer = io.BytesIO()
    Image.fromarray(frame.pixels).save(buffer, format="png", pnginfo=text, compress_level=1)
    return buffer.getvalue()


def decoded(data: bytes, key: str) -> CachedFrame | None:
    """Return the frame that `encoded` made these bytes of, or None if they are not such."""
    try:
        pixels, text = read_png(data)
        frame = CachedFrame(pixels=pixels, scheduler=text["scheduler"], device=text["device"])
    except (ValueError, KeyError):
        return None
    return frame if text == _facts(frame, key) else None


def _facts(frame: CachedFrame, key: str) -> dict[str, str]:
    return {
        "key": key,
        "scheduler": frame.scheduler,
        "device": frame.device,
        "content_sha256": content_sha256(frame.pixels),
    }
