"""Outputs that would exceed the limits of their format, or the size that viewers can open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from farm.records import GifSpec, GridSpec, OutputSpec, SheetSpec
from farm.reduce.grids import grid_size, sheet_size

_GIF_SIDE = 65_535
"""Pixels: sides are 16-bit numbers (GIF89a, section 18)."""

_ENLARGED_PIXELS = 4096 * 4096
"""Maximum of a GIF's frame that `scale` enlarges: 500 MB in memory (measured), for any number of frames."""

_H264_BLOCKS = 139_264
"""Macroblocks of 16 x 16 pixels in a frame of the highest level, 6.2 (H.264, table A-1)."""

_CANVAS_PIXELS = 2**27
"""Maximum of a contact sheet or grid with its text: 400 MB in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OversizedOutput:
    """An output that would be too large: its field in the manifest's `output`, and the parts of a message."""

    field: str
    found: str
    allowed: str
    hint: str

    def __str__(self) -> str:
        return f"{self.found}; {self.allowed}. {self.hint}"


def oversized_outputs(
    spec: OutputSpec, *, width: int, height: int, frame_count: int
) -> Iterator[OversizedOutput]:
    """Yield every output that would be too large with frames of `width` x `height` pixels."""
    if spec.gif is not None:
        yield from _gif(spec.gif, width, height)
    if spec.mp4 is not None and -(-width // 16) * -(-height // 16) > _H264_BLOCKS:
        yield OversizedOutput(
            field="mp4",
            found=f"its frames would have {width}x{height} pixels",
            allowed=f"allowed: up to {_H264_BLOCKS} blocks of 16x16 pixels, such as 8192x4352, the limit of H.264",
            hint="Turn it off with output.mp4=false.",
        )
    if spec.contact_sheet is not None:
        yield from _sheet(spec.contact_sheet, width, height, frame_count)
    if spec.grid is not None:
        yield from _grid(spec.grid, width, height)


def _gif(spec: GifSpec, width: int, height: int) -> Iterator[OversizedOutput]:
    wide, high = width * spec.scale, height * spec.scale
    found = f"its frames would have {wide}x{high} pixels"
    hint = "Lower output.gif.scale, or turn the GIF off with output.gif=false."
    if max(wide, high) > _GIF_SIDE:
        allowed = f"allowed: up to {_GIF_SIDE} per side, the limit of the format"
        yield OversizedOutput(field="gif", found=found, allowed=allowed, hint=hint)
    elif spec.scale > 1 and wide * high > _ENLARGED_PIXELS:
        allowed = f"allowed: up to {_ENLARGED_PIXELS} pixels if scale enlarges them, such as 4096x4096"
        yield OversizedOutput(field="gif", found=found, allowed=allowed, hint=hint)


def _sheet(spec: SheetSpec, width: int, height: int, frame_count: int) -> Iterator[OversizedOutput]:
    wide, high = sheet_size(spec, width=width, height=height, frame_count=frame_count)
    if wide * high > _CANVAS_PIXELS:
        yield OversizedOutput(
            field="contact_sheet",
            found=f"it would have {wide}x{high} pixels",
            allowed=f"allowed: up to {_CANVAS_PIXELS} pixels in all",
            hint="Lower output.contact_sheet.max_frames, or turn it off with output.contact_sheet=false.",
        )


def _grid(spec: GridSpec, width: int, height: int) -> Iterator[OversizedOutput]:
    wide, high = grid_size(spec, width=width, height=height)
    if wide * high > _CANVAS_PIXELS:
        yield OversizedOutput(
            field="grid",
            found=f"it would have {wide}x{high} pixels with its labels",
            allowed=f"allowed: up to {_CANVAS_PIXELS} pixels in all",
            hint="Shorten the labels, or turn it off with output.grid=false.",
        )
