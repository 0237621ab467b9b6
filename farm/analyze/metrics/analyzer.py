"""The interface of analyzers, which measure frames. torch loads when an analyzer is opened."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

from farm.records import AnalysisSpec, FrameSequence, Pixels, Values
from farm.store import JobFolder

ReadFrame = Callable[[str], Pixels]
"""Returns the pixels of a frame by its file name."""


class Analyzer(Protocol):
    """Measures frames. The same frame between the same neighbours always gives the same bits."""

    def measure(self, sequence: FrameSequence, read: ReadFrame) -> tuple[Values, ...]:
        """Return the measured values of each frame of a sequence, by the columns of `columns_of`, in their order."""


def open_analyzer(spec: AnalysisSpec) -> Analyzer:
    """Load the models that `spec` names, unless an earlier call has loaded them.

    They compute on the CPU, in float32, with one thread. Analyzers may be opened and used in several threads.

    Raises:
        ModelError: a checkpoint cannot be found or loaded.
    """
    # transformers reads it on import; its hints are not meant for users.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    from farm.analyze.metrics.model_analyzer import ModelAnalyzer

    return ModelAnalyzer(spec)


def measure(spec: AnalysisSpec, folder: str, sequence: FrameSequence) -> tuple[Values, ...]:
    """Return the measured values of frames of the job in `folder`, a path or URL; models stay loaded.

    Raises:
        ModelError: a checkpoint cannot be found or loaded.
        StorageError: a frame cannot be read.
    """
    job = JobFolder(folder)
    from farm.store import decode_frame  # Pillow and numpy load with the first frame

    return open_analyzer(spec).measure(sequence, lambda name: decode_frame(job.read(name), job.path(name)))
