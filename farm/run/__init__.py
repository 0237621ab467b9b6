"""Prepare and render jobs, one or a batch, from the manifest to the finished output folder."""

from typing import TYPE_CHECKING

from farm.lazy_imports import import_lazily

if TYPE_CHECKING:
    from farm.inputs.pictures.find import relative_pictures
    from farm.run.analyze import AnalyzedJob, analyze_job
    from farm.run.estimates import Rates
    from farm.run.gather import Gathered, gather, name_taken
    from farm.run.live_pages import BatchGallery
    from farm.run.prepare import prepare
    from farm.run.preparer import MANIFEST_SECONDS
    from farm.run.session import render

import_lazily(__name__)

__all__ = [
    "MANIFEST_SECONDS",
    "AnalyzedJob",
    "Gathered",
    "BatchGallery",
    "Rates",
    "gather",
    "name_taken",
    "relative_pictures",
    "prepare",
    "analyze_job",
    "render",
]
