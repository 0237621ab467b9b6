"""What is remarked on a job that was measured, and will not be any more."""

from __future__ import annotations

from farm.records import AnalysisSpec
from farm.store import JobFolder, active_measurements


def unmeasured_remarks(analysis: AnalysisSpec | None, folder: JobFolder) -> tuple[str, ...]:
    """Return whether a run takes off what was measured in the job's frames.

    Raises:
        StorageError: when the folder cannot be read.
    """
    if analysis is not None or active_measurements(folder) is None:
        return ()
    return (
        f"{folder.path('').rstrip('/')}: its frames were measured, but this manifest asks for no analysis: a run "
        "takes that off its table and page. Add the analysis of the manifest.yaml there, or farm analyze it again.",
    )
