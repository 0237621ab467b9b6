"""What makes a job's outputs from its frames: pictures, films, a table and a summary, in flat memory."""

from farm.reduce.reducer import Reducer, assemble
from farm.reduce.summary import (
    Artifact,
    EnvironmentShare,
    FrameCounts,
    FrameRange,
    Summary,
    WorkerShare,
    installed_versions,
    write_summary,
)
from farm.reduce.table import TableHeader, write_table

__all__ = [
    "Artifact",
    "EnvironmentShare",
    "FrameRange",
    "FrameCounts",
    "Reducer",
    "Summary",
    "TableHeader",
    "WorkerShare",
    "assemble",
    "installed_versions",
    "write_summary",
    "write_table",
]
