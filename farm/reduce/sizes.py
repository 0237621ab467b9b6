"""Which outputs of frames of a size would be larger than their format holds, or than anybody could look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from farm.records import GifSpec, GridSpec, OutputSpec, SheetSpec
from farm.reduce.grids import grid_size, sheet_size

_GIF_SIDE = 65_535
"""Pixels: sides are 16-bit numbers (GIF89a, section 18)."""

_ENLARGED_PIXELS = 4096 * 4096
"""Of a GIF's frame that `scale` enlarges: 500 MB in memory, as measured, however many there are."""

_H264_BLOCKS = 139_264
"""Macroblocks of 16 x 16 pixels in a frame of the highest level, 6.2 (H.264, table A-1)."""

_CANVAS_PIXELS = 2**27
"""Of a contact sheet or grid with its lettering: 400 MB in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """An output that cannot be made: its field in a manifest's `output`, and what a message says of it."""

    field: str
    found: str
    allowed: str
    hint: str

    def __str__(self) -> str:
        return f"{self.found}; {self.allowed}. {self.hint}"


def misfits(spec: OutputSpec, *, width: int, height: int, frame_count: int) -> Iterator[Misfit]:
    """Yield every output that frames of `width` x `height` pixels are too large or too many for."""
    if spec.gif is not None:
        yield from _gif(spec.gif, width, height)
    if spec.mp4 is not None and -(-width // 16) * -(-height // 16) > _H264_BLOCKS:
        yield Misfit(
            field="mp4",
            found=f"its frames would have {width}x{height} pixels",
            allowed=f"allowed: up to {_H264_BLOCKS} blocks of 16x16 pixels, such as 8192x4352, which is all of H.264",
            hint="Turn it off with output.mp4=false.",
        )
    if spec.contact_sheet is not None:
        yield from _sheet(spec.contact_sheet, width, height, frame_count)
    if spec.grid is not None:
        yield from _grid(spec.grid, width, height)


def _gif(spec: GifSpec, width: int, height: int) -> Iterator[Misfit]:
    wide, high = width * spec.scale, height * spec.scale
    found = f"its frames would have {wide}x{high} pixels"
    hint = "Lower output.gif.scale, or turn the GIF off with output.gif=false."
    if max(wide, high) > _GIF_SIDE:
        allowed = f"allowed: up to {_GIF_SIDE} a side, which is all that the format holds"
        yield Misfit(field="gif", found=found, allowed=allowed, hint=hint)
    elif spec.scale > 1 and wide * high > _ENLARGED_PIXELS:
        allowed = f"allowed: up to {_ENLARGED_PIXELS} pixels where scale enlarges them, such as 4096x4096"
        yield Misfit(field="gif", found=found, allowed=allowed, hint=hint)


def _sheet(spec: SheetSpec, width: int, height: int, frame_count: int) -> Iterator[Misfit]:
    wide, high = sheet_size(spec, width=width, height=height, frame_count=frame_count)
    if wide * high > _CANVAS_PIXELS:
        yield Misfit(
            field="contact_sheet",
            found=f"it would have {wide}x{high} pixels",
            allowed=f"allowed: up to {_CANVAS_PIXELS} pixels in all",
            hint="Lower output.contact_sheet.max_frames, or turn it off with output.contact_sheet=false.",
        )


def _grid(spec: GridSpec, width: int, height: int) -> Iterator[Misfit]:
    wide, high = grid_size(spec, width=width, height=height)
    if wide * high > _CANVAS_PIXELS:
        yield Misfit(
            field="grid",
            found=f"it would have {wide}x{high} pixels with its labels",
            allowed=f"allowed: up to {_CANVAS_PIXELS} pixels in all",
            hint="Shorten the labels, or turn it off with output.grid=false.",
        )
