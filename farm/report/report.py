"""`report.html`: a job on one self-contained page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from farm.report.charts import HEIGHT, WIDTH, DrawnChart, band, draw_chart, plotted_frames, x_of
from farm.report.data import FlaggedFrame, FrameSpan, ReportData
from farm.report.html import render_page
from farm.report.pictures import EmbeddedPicture, PagePictures, PictureCache
from farm.report.wording import STATES
from farm.store import JobFolder

NAME = "report.html"
_PIXEL_ART = 256
"""Pixels: narrower pictures are enlarged with hard edges."""
_MAX_LISTED = 200
"""Ranges of frames listed per kind of problem."""
_MIN_FRAMES = 2
_STYLES = ("theme.css", "report.css", "player.css", "charts.css")
_SCRIPTS = (
    "memory.js",
    "theme.js",
    "position.js",
    "scroll.js",
    "screen.js",
    "player.js",
    "charts.js",
    "tables.js",
    "sheet.js",
    "keys.js",
    "refresh.js",
    "report.js",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell of the contact sheet: a frame's picture, or None for missing frames, with a note on them if there is one.

    `caption` distinguishes the frame from others, and may be empty.
    """

    numbers: str
    picture: EmbeddedPicture | None
    note: str
    caption: str = ""


def write_report(folder: JobFolder, data: ReportData, cache: PictureCache | None = None) -> int:
    """Write the page of a job into its folder, atomically, and return its size in bytes.

    A `cache` kept during the run avoids reading frames that an earlier page showed. Unreadable frames are listed on the
    page.

    Raises:
        StorageError: it cannot be written.
    """
    shown = (cache or PictureCache(folder, data.frame_count)).pictures(data.frames)
    page = report_page(data, shown)
    folder.write(NAME, page)
    return len(page)


def report_page(data: ReportData, shown: PagePictures) -> bytes:
    """Return the page of a job with these pictures."""
    frames = [picture.frame for picture in shown.pictures]
    plotted = plotted_frames(data.frame_count, frames)
    charts = _drawn(data, plotted)
    captions = {frame: data.captions[frame] for frame in frames if data.captions}
    missing = (*data.failures, *shown.unreadable)
    failures, flagged, remarks = missing[:_MAX_LISTED], data.flagged[:_MAX_LISTED], data.remarks[:_MAX_LISTED]
    listed = len(failures) + len(flagged) + len(remarks)
    return render_page(
        "report.html",
        styles=_STYLES,
        scripts=_SCRIPTS,
        values={
            "job": data,
            "state_name": STATES[data.state],
            "pictures": shown.pictures,
            "pixelated": any(picture.width < _PIXEL_ART for picture in shown.pictures),
            "thinned": len(frames) < len(data.frames) - len(shown.unreadable),
            "cells": cells_of(shown.pictures, failures, flagged, captions),
            "charts": charts,
            "captions": list(captions.values()),
            "plotted": len(plotted),
            "drawing": (WIDTH, HEIGHT),
            "bands": [band(span, data.frame_count) for span in failures],
            "flags": [f"{x_of(flag.frame, data.frame_count):.1f}" for flag in flagged],
            "failures": failures,
            "flagged": flagged,
            "remarks": remarks,
            "unlisted": len(missing) + len(data.flagged) + len(data.remarks) - listed,
            "script_data": _script_data(data, frames, plotted, charts)
            | {"captions": list(captions.values())},
        },
    )


def cells_of(
    pictures: Sequence[EmbeddedPicture],
    missing: Sequence[FrameSpan],
    flagged: Sequence[FlaggedFrame],
    captions: Mapping[int, str],
) -> tuple[Cell, ...]:
    """Return the cells in the order of their frames; a span of missing frames has one cell."""
    notes = {flag.frame: f"{flag.flag}: {flag.reason}" for flag in flagged}
    cells = {
        picture.frame: Cell(
            numbers=str(picture.frame),
            picture=picture,
            note=notes.get(picture.frame, ""),
            caption=captions.get(picture.frame, ""),
        )
        for picture in pictures
    }
    gaps = {span.first: Cell(numbers=_numbers(span), picture=None, note=span.reason) for span in missing}
    return tuple(cell for _, cell in sorted((gaps | cells).items()))


def _drawn(data: ReportData, plotted: Sequence[int]) -> list[DrawnChart]:
    """Return the charts that have values; a single frame has no curves."""
    if len(data.frames) < _MIN_FRAMES:
        return []
    drawn = (draw_chart(chart, plotted, data.frame_count) for chart in data.charts)
    return [chart for chart in drawn if chart is not None]


def _script_data(
    data: ReportData, frames: Sequence[int], plotted: Sequence[int], charts: Sequence[DrawnChart]
) -> dict[str, object]:
    return {
        "frames": list(frames),
        "count": data.frame_count,
        "fps": data.fps,
        "rubberBand": data.rubber_band,
        "refresh": data.refresh_seconds if data.state == "running" else 0,
        "writtenAt": data.written_at,
        "plotted": list(plotted),
        "charts": [
            {
                "probabilities": chart.probabilities,
                "drawn": chart.drawn,
                "curves": [{"label": curve.label, "values": curve.values} for curve in chart.curves],
            }
            for chart in charts
        ],
    }


def _numbers(span: FrameSpan) -> str:
    return str(span.first) if span.first == span.last else f"{span.first}–{span.last}"
