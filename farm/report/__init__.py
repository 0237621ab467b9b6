"""Pages to look at: one self-contained `report.html` for a job, and a gallery of many. jinja2 lives here only."""

from typing import TYPE_CHECKING

from farm.lazy_imports import import_lazily

if TYPE_CHECKING:
    from farm.report.data import (
        Agreement,
        Chart,
        Curve,
        Disagreement,
        Environment,
        FileLink,
        FlaggedFrame,
        FrameSpan,
        ReportData,
        Sentence,
        Setting,
        State,
        WorkerTime,
    )
    from farm.report.gallery import GalleryEntry, write_gallery
    from farm.report.pictures import Strip, write_preview
    from farm.report.report import write_report

import_lazily(__name__)

__all__ = [
    "Agreement",
    "Chart",
    "Curve",
    "Disagreement",
    "Environment",
    "FileLink",
    "FlaggedFrame",
    "FrameSpan",
    "GalleryEntry",
    "ReportData",
    "Sentence",
    "Setting",
    "State",
    "Strip",
    "WorkerTime",
    "write_gallery",
    "write_preview",
    "write_report",
]
