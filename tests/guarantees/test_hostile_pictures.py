"""Whatever replaces a frame is checked by its bytes, never decoded at any cost, and never blocks."""

import contextlib
import os
import resource
import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from farm.errors import StorageError
from farm.store import decode_frame


def chunk(kind: bytes, data: bytes, length: int | None = None) -> bytes:
    crc = zlib.crc32(kind + data)
    return struct.pack(">I", len(data) if length is None else length) + kind + data + struct.pack(">I", crc)


def png(*chunks: bytes, size=(16, 16), mode=2, depth=8) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, mode, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")


def zeros(width: int, height: int) -> bytes:
    """Compress the rows of a black picture a megabyte at a time."""
    packer = zlib.compressobj(9)
    block, left = bytes(2**20), height * (3 * width + 1)
    parts = []
    while left > 0:
        parts.append(packer.compress(block[:left]))
        left -= len(block)
    return chunk(b"IDAT", b"".join(parts) + packer.flush())


PIXELS = chunk(b"IDAT", zlib.compress(bytes(16 * 49)))
HUGE = png(zeros(50_000, 500), size=(50_000, 50_000))
BOMB = zlib.compress(bytes(50_000_000))
HOSTILE = {
    "50,000 x 50,000 pixels": HUGE,
    "12,000 x 12,000 pixels": png(PIXELS, size=(12_000, 12_000)),
    "2^31 pixels wide": png(PIXELS, size=(2**31 - 1, 1)),
    "no pixels": png(PIXELS, size=(0, 0)),
    "a chunk longer than the file": png(chunk(b"IDAT", b"x", length=2**31 - 1)),
    "a text that unpacks to 50 MB": png(chunk(b"zTXt", b"farm\0\0" + BOMB), PIXELS),
    "an international one": png(chunk(b"iTXt", b"farm\0\1\0\0\0" + BOMB), PIXELS),
    "a profile that unpacks to 50 MB": png(chunk(b"iCCP", b"x\0\0" + BOMB), PIXELS),
    "an animation": png(chunk(b"acTL", struct.pack(">II", 2, 0)), PIXELS),
    "grey": png(PIXELS, mode=0),
    "with alpha": png(PIXELS, mode=6),
    "cut off": png(PIXELS)[:50],
    "another format": b"GIF89a" + bytes(100),
}


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("what", HOSTILE)
def test_no_picture_except_a_frame_is_decoded(what):
    before = peak()
    with pytest.raises(
        StorageError, match=r"^frames/x.png: not an intact PNG \(.*\); remove it and render again\.$"
    ):
        decode_frame(HOSTILE[what], "frames/x.png")
    assert peak() - before < 200 * 2**20


def test_an_intact_frame_is_decoded():
    assert decode_frame(png(PIXELS), "x").shape == (16, 16, 3)


@given(st.data())
def test_a_damaged_picture_is_decoded_or_reported(data):
    buffer, info = BytesIO(), PngImagePlugin.PngInfo()
    info.add_itxt("farm", "{}")
    Image.fromarray(np.arange(768, dtype=np.uint8).reshape(16, 16, 3)).save(buffer, "png", pnginfo=info)
    intact = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        intact[data.draw(st.integers(8, len(intact) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(StorageError):
        assert decode_frame(bytes(intact), "x").dtype == np.uint8


def hostile_frame(path, what):
    path.unlink()
    match what:
        case "huge":
            path.write_bytes(HUGE)
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "sparse":
            with path.open("wb") as file:
                file.truncate(2**36)
        case "link":
            path.symlink_to(path.parent.parent / "precious")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("what", ["huge", "pipe", "device", "sparse", "link"])
def test_a_replaced_frame_file_is_ignored_and_rendered_again(farm, write_manifest, tmp_path, what):
    path, folder = write_manifest(), tmp_path / "out" / "job-rehearsal"
    assert farm("render", path, "--inline", "--procedural")[0] == 0
    frame, precious = folder / "frames" / "frame000005.png", folder / "precious"
    intact, before = frame.read_bytes(), peak()
    precious.write_text("not a frame")
    hostile_frame(frame, what)
    code, out, _ = farm("assemble", folder)
    assert code == 3
    assert out.startswith("job: 20 of 21 frames\n")
    assert "  frame 5: its file is missing or damaged\n" in farm("plan", path, "--procedural")[1]
    code, out, _ = farm("render", path, "--inline", "--procedural")
    assert code == 0
    assert "4 of 21 frames rendered, 17 kept" in out
    assert not frame.is_symlink()
    assert frame.read_bytes() == intact
    assert precious.read_text() == "not a frame"
    assert peak() - before < 300 * 2**20
