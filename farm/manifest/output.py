"""The `output` section: what is assembled from the frames."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from farm.manifest.fields import FloatRange, IntRange, Section
from farm.records import GifSpec, GridSpec, Mp4Spec, OutputSpec, SheetSpec

Preset = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo"
]


class Gif(Section):
    """An animated GIF."""

    fps: Annotated[float, FloatRange(0.01, 50)] = 10.0
    """Frames a second. GIF times are whole hundredths of a second; rounding them never adds up."""

    rubber_band: bool = False
    """Play forwards, then backwards, without doubling the end frames."""

    loop: bool = True
    """Play for ever."""

    colors: Annotated[int, IntRange(2, 256)] = 256
    """How many colours a palette has."""

    palette: Literal["global", "per_frame"] = "global"
    """global: one palette for all frames, which does not flicker; per_frame: one for each."""

    dither: bool = True
    """Mix palette colours in a fine pattern instead of in bands."""

    scale: Annotated[int, IntRange(1, 16)] = 1
    """Enlarge small pictures so many times, smoothly."""


class Mp4(Section):
    """An H.264 video."""

    fps: Annotated[float, FloatRange(0.01, 240)] = 30.0
    """Frames a second."""

    crf: Annotated[int, IntRange(0, 51)] = 18
    """x264's constant rate factor, from 0 (lossless, which few players show) to 51 (worst)."""

    preset: Preset = "medium"
    """x264's trade of time for size."""


class ContactSheet(Section):
    """Small pictures of evenly spaced frames on one sheet."""

    columns: Annotated[int, IntRange(1, 100)] = 10
    """Pictures per row."""

    max_frames: Annotated[int, IntRange(1, 10_000)] = 300
    """At most so many frames are shown."""

    thumbnail: Annotated[int, IntRange(8, 2048)] = 256
    """Pixels: how wide a picture is at most."""


def _switch(value: object) -> object:
    """`true` stands for all defaults, `false` for null."""
    if isinstance(value, bool):
        return {} if value else None
    return value


class Output(Section):
    """What is assembled from the frames; false turns an output off."""

    gif: Annotated[Gif | None, BeforeValidator(_switch, json_schema_input_type=Gif | bool | None)] = Gif()
    """`<name>.gif`."""

    mp4: Annotated[Mp4 | None, BeforeValidator(_switch, json_schema_input_type=Mp4 | bool | None)] = Mp4()
    """`<name>.mp4`."""

    contact_sheet: Annotated[
        ContactSheet | None, BeforeValidator(_switch, json_schema_input_type=ContactSheet | bool | None)
    ] = ContactSheet()
    """`contact_sheet.png`."""

    grid: bool = True
    """`grid.png`, of the kinds grid and sweep."""

    report: bool = True
    """`report.html`, a page about the job, and `preview.webp` for a gallery."""

    def spec(self, grid: GridSpec | None = None) -> OutputSpec:
        """What the reducer is told; `grid` is how the frames lie, for kinds that have a grid picture."""
        return OutputSpec(
            gif=GifSpec(**self.gif.model_dump()) if self.gif else None,
            mp4=Mp4Spec(**self.mp4.model_dump()) if self.mp4 else None,
            contact_sheet=SheetSpec(**self.contact_sheet.model_dump()) if self.contact_sheet else None,
            grid=grid if self.grid else None,
            report=self.report,
        )
