"""What is remarked on alphas that a pilot chose, and that stand in the manifest since."""

from __future__ import annotations

from collections.abc import Callable

from farm.manifest import Document
from farm.manifest.animation import Interpolate
from farm.plan import Plan
from farm.records import AnalysisSpec
from farm.run.pace.choice import find_choice
from farm.run.pace.pacing import Alphas, source_of
from farm.store import JobFolder


def pacing_remarks(
    document: Document, analysis: AnalysisSpec | None, folder: JobFolder, plan_of: Callable[[Alphas], Plan]
) -> tuple[str, ...]:
    """Return whether listed alphas were chosen for something else than the manifest says now.

    They are those of a pilot where the job's folder tells of one that chose them all: the manifest there lists them. A
    pilot of the manifest as it is now would have looked at other frames.

    Raises:
        StorageError: when the folder cannot be read.
    """
    animation = document.manifest.animation
    if not isinstance(animation, Interpolate) or animation.pacing == "uniform" or not animation.alphas:
        return ()
    choice = find_choice(folder)
    if choice is None or not choice.source or choice.alphas != tuple(animation.alphas):
        return ()
    if choice.source == source_of(animation, analysis, plan_of):
        return ()
    found = f"chosen by a pilot for pacing {animation.pacing}, before prompts, settings or model were changed"
    remark = document.problem(("animation", "alphas"), found, "remove them to have them chosen anew")
    return (str(remark),)
