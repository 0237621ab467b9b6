"""The seam between what is measured and the models that measure. torch loads when an analyzer opens."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

from farm.records import AnalysisSpec, Pixels, Stretch, Values
from farm.store import JobFolder, decode_frame

Read = Callable[[str], Pixels]
"""Returns the pixels of a frame by its file name."""


class Analyzer(Protocol):
    """Holds whatever is loaded. The same frame between the same neighbours gives the same bits, always."""

    def measure(self, stretch: Stretch, read: Read) -> tuple[Values, ...]:
        """Return what is measured in each frame of a stretch, by the columns of `columns_of`, in their order."""


def open_analyzer(spec: AnalysisSpec) -> Analyzer:
    """Load what `spec` names, unless a call before has left it loaded: models are kept, whatever is asked of them.

    It computes on the CPU, in float32, with one thread. Analyzers may be opened and used in several threads.

    Raises:
        ModelError: when a checkpoint cannot be found or loaded.
    """
    os.environ.setdefault(
        "TRANSFORMERS_VERBOSITY", "error"
    )  # read when it loads; its hints are not the user's
    from farm.analyze.see.analyzer import ModelAnalyzer

    return ModelAnalyzer(spec)


def measure(spec: AnalysisSpec, folder: str, stretch: Stretch) -> tuple[Values, ...]:
    """Return what is measured in frames of the job in `folder`, a path or URL; models are kept for the next call.

    Raises:
        ModelError: when a checkpoint cannot be found or loaded.
        StorageError: when a frame cannot be read.
    """
    job = JobFolder(folder)
    return open_analyzer(spec).measure(stretch, lambda name: decode_frame(job.read(name), job.path(name)))
