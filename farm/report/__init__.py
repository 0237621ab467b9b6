"""HTML pages: a self-contained `report.html` for a job, and a gallery of many."""

from typing import TYPE_CHECKING

from farm.lazy_imports import import_lazily

if TYPE_CHECKING:
    from farm.report.data import (
        Chart,
        ChartCurve,
        ConfusionExample,
        ConfusionMatrix,
        Environment,
        FileLink,
        FlaggedFrame,
        FrameSpan,
        ReportData,
        Setting,
        State,
        WorkerTime,
    )
    from farm.report.gallery import GalleryEntry, write_gallery
    from farm.report.pictures import PictureCache, write_preview
    from farm.report.report import write_report

import_lazily(__name__)

__all__ = [
    "Chart",
    "ChartCurve",
    "ConfusionExample",
    "ConfusionMatrix",
    "Environment",
    "FileLink",
    "FlaggedFrame",
    "FrameSpan",
    "GalleryEntry",
    "PictureCache",
    "ReportData",
    "Setting",
    "State",
    "WorkerTime",
    "write_gallery",
    "write_preview",
    "write_report",
]
