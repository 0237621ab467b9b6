"""Makes a job's outputs from its frames in constant memory: animations, pictures, a table and a summary."""

from typing import TYPE_CHECKING

from farm.lazy_imports import import_lazily

if TYPE_CHECKING:
    from farm.records.status import EnvironmentShare, FrameCounts, FrameRange, WorkerShare
    from farm.reduce.assembler import Assembly, Reducer, assemble
    from farm.reduce.frame_queue import Cancelled, FrameQueue
    from farm.reduce.sizes import oversized_outputs
    from farm.reduce.summary import (
        Artifact,
        Summary,
        installed_versions,
        read_summary,
        write_summary,
    )
    from farm.reduce.table import TableHeader, write_table

import_lazily(__name__)

__all__ = [
    "FrameQueue",
    "Artifact",
    "Assembly",
    "Cancelled",
    "EnvironmentShare",
    "FrameRange",
    "FrameCounts",
    "Reducer",
    "Summary",
    "TableHeader",
    "WorkerShare",
    "assemble",
    "installed_versions",
    "oversized_outputs",
    "read_summary",
    "write_summary",
    "write_table",
]
