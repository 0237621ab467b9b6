"""The `output` section: the files assembled from the frames."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from farm.manifest.fields import FloatRange, IntRange, Section, expand_switch
from farm.records import GifSpec, GridSpec, Mp4Spec, OutputSpec, SheetSpec

Preset = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo"
]


class Gif(Section):
    """An animated GIF."""

    fps: Annotated[float, FloatRange(0.01, 50)] = 10.0
    """Frames per second. GIF delays are integer hundredths of a second; rounding errors do not accumulate."""

    rubber_band: bool = False
    """Play forwards, then backwards, without repeating the end frames."""

    loop: bool = True
    """Repeat forever."""

    colors: Annotated[int, IntRange(2, 256)] = 256
    """Maximum number of colours in a palette."""

    palette: Literal["global", "per_frame"] = "global"
    """global: one palette for all frames, without flicker; per_frame: one for each frame."""

    dither: bool = True
    """Dither: mix palette colours in a fine pattern, which avoids bands."""

    scale: Annotated[int, IntRange(1, 16)] = 1
    """Factor by which to enlarge frames, with smooth interpolation."""


class Mp4(Section):
    """An H.264 video."""

    fps: Annotated[float, FloatRange(0.01, 240)] = 30.0
    """Frames per second."""

    crf: Annotated[int, IntRange(0, 51)] = 18
    """x264's constant rate factor, from 0 (lossless, which few players support) to 51 (worst)."""

    preset: Preset = "medium"
    """x264's trade-off between encoding time and file size."""


class ContactSheet(Section):
    """Thumbnails of evenly spaced frames on one sheet."""

    columns: Annotated[int, IntRange(1, 100)] = 10
    """Thumbnails per row."""

    max_frames: Annotated[int, IntRange(1, 10_000)] = 300
    """Maximum number of frames to show."""

    thumbnail: Annotated[int, IntRange(8, 2048)] = 256
    """Maximum width of a thumbnail in pixels."""


class Output(Section):
    """The files to assemble from the frames; false turns one off."""

    gif: Annotated[Gif | None, BeforeValidator(expand_switch, json_schema_input_type=Gif | bool | None)] = (
        Gif()
    )
    """The animated GIF, `<name>.gif`."""

    mp4: Annotated[Mp4 | None, BeforeValidator(expand_switch, json_schema_input_type=Mp4 | bool | None)] = (
        Mp4()
    )
    """The video, `<name>.mp4`."""

    contact_sheet: Annotated[
        ContactSheet | None, BeforeValidator(expand_switch, json_schema_input_type=ContactSheet | bool | None)
    ] = ContactSheet()
    """The contact sheet, `contact_sheet.png`."""

    grid: bool = True
    """`grid.png`, for the kinds grid and sweep."""

    report: bool = True
    """`report.html`, a page about the job, and `preview.webp` for galleries."""

    def spec(self, grid: GridSpec | None = None) -> OutputSpec:
        """Return the specification for the reducer; `grid` is the layout of kinds that have a grid picture."""
        return OutputSpec(
            gif=GifSpec(**self.gif.model_dump()) if self.gif else None,
            mp4=Mp4Spec(**self.mp4.model_dump()) if self.mp4 else None,
            contact_sheet=SheetSpec(**self.contact_sheet.model_dump()) if self.contact_sheet else None,
            grid=grid if self.grid else None,
            report=self.report,
        )
