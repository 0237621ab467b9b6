"""Small picture files of every kind; the colours of each picture encode its number."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from farm.inputs.digest import content_sha256
from farm.records import InputPicture, Mp4Spec
from farm.reduce.mp4 import Mp4Writer


def draw(number: int, *, width: int = 48, height: int = 32) -> Image.Image:
    """Draw a horizontal ramp in red, a vertical one in green, and the number in blue."""
    y, x = np.mgrid[:height, :width]
    channels = (x * 255 // (width - 1), y * 255 // (height - 1), np.full_like(x, number * 11 % 256))
    return Image.fromarray(np.stack(channels, axis=2).astype(np.uint8))


def save_sequence(folder: Path, count: int, name: str = "frame{}.png", **size: int) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        draw(number, **size).save(folder / name.format(number))
    return folder


def save_mp4(path: Path, count: int, **size: int) -> Path:
    writer = Mp4Writer(path, Mp4Spec(fps=30.0, crf=4, preset="veryfast"))
    for number in range(count):
        writer.add(np.asarray(draw(number, **size)))
    writer.close()
    return path


def turned(mp4: Path) -> Path:
    """Rotate the display of a 48x32 MP4 by a quarter turn clockwise with its track's matrix, as phones do."""
    data = bytearray(mp4.read_bytes())
    matrix = data.index(b"tkhd") + 44  # of version 0: ISO/IEC 14496-12, 8.3.2
    assert data[matrix : matrix + 36] == struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 32 << 16, 0, 1 << 30)
    mp4.write_bytes(data)
    return mp4


def huge_png(width: int, height: int) -> bytes:
    """Return a PNG with this size in its header, and hardly any pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def picture_of(path: Path, index: int = 0, prepare: object = None) -> InputPicture:
    return InputPicture(location=str(path), sha256=content_sha256(path), index=index, prepare=prepare)
