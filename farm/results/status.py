"""What the frames that a job plans are worth, as they lie in its folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Literal

from farm.plan import Plan
from farm.records import FrameRow
from farm.records.status import FrameStatus
from farm.reduce import Summary, read_summary
from farm.store import JobFolder, Ledger, file_name, is_intact, map_in_order

Depth = Literal["recipe", "file", "content"]


def frame_status(
    folder: JobFolder, plan: Plan, row: FrameRow, *, depth: Depth = "content", any_renderer: bool = False
) -> FrameStatus:
    """Return what a recorded frame is worth to a plan.

    `depth` says how far it is looked at: its recipe alone, whether its file exists, or the file's content.
    With `any_renderer` the model that rendered it does not count, so that no model need be found.

    Raises:
        StorageError: when a remote store cannot be read.
    """
    planned = dataclasses.replace(plan, renderer_digest=row.renderer_digest) if any_renderer else plan
    if planned.frame(row.frame).digest != row.recipe_digest:
        return FrameStatus.OTHER_RECIPE
    if depth == "recipe" or (depth == "content" and is_intact(folder, row)):
        return FrameStatus.INTACT
    if not folder.exists(row.file_name):
        return FrameStatus.MISSING
    return FrameStatus.INTACT if depth == "file" else FrameStatus.ALTERED


def frame_statuses(
    folder: JobFolder, plan: Plan, *, any_renderer: bool = False
) -> Iterator[tuple[int, FrameRow | None, FrameStatus]]:
    """Yield every frame of a plan in order: its number, its row in the ledger if it has one, and its status.

    Every file that is of the recipe planned is read, several at once where the store is remote.

    Raises:
        StorageError: when the ledger, or a remote store, cannot be read.
    """

    def look(row: FrameRow) -> tuple[FrameRow, FrameStatus]:
        return row, frame_status(folder, plan, row, any_renderer=any_renderer)

    rows = Ledger(folder).rows(last=plan.frame_count - 1)
    found = map_in_order(look, rows, concurrency=folder.concurrent_reads)
    recorded = next(found, None)
    for frame in range(plan.frame_count):
        if recorded is None or recorded[0].frame != frame:
            yield frame, None, FrameStatus.NOT_RENDERED
        else:
            yield frame, *recorded
            recorded = next(found, None)


def recorded_frames(folder: JobFolder, plan: Plan) -> tuple[int, ...]:
    """Return the planned frames that are in the ledger with their recipe, and whose file is there, whatever is in it.

    That takes one listing; `frame_statuses` also reads every file.

    Raises:
        StorageError: when the ledger, or a remote store, cannot be read.
    """
    place = file_name(0).rpartition("/")[0]
    files = {f"{place}/{name}" for name in folder.names(place)}
    rows = Ledger(folder).rows(last=plan.frame_count - 1)
    return tuple(
        row.frame
        for row in rows
        if row.file_name in files
        and frame_status(folder, plan, row, depth="recipe", any_renderer=True) is FrameStatus.INTACT
    )


State = Literal["done", "partial", "interrupted", "failed"]
EXIT_CODES: dict[State, int] = {"done": 0, "failed": 1, "partial": 3, "interrupted": 130}


def exit_code(summaries: Sequence[Summary], *, broken: int = 0) -> int:
    """Return the exit code of a run: 130 interrupted, 0 all done, 1 nothing done, else 3 partly done.

    `broken` counts manifests that were refused while the others ran.
    """
    states = {summary.state for summary in summaries}
    if "interrupted" in states:
        return EXIT_CODES["interrupted"]
    if states == {"done"} and not broken:
        return EXIT_CODES["done"]
    return EXIT_CODES["partial"] if states & {"done", "partial"} else EXIT_CODES["failed"]


JobState = Literal["running", "unfinished", "incomplete"] | State
"""How its last run ended, or `running` while one holds the folder.

`unfinished` after a run that was killed; `incomplete` where frames of a job that was done are not there any more.
"""

ON_PAGES: dict[JobState, State] = {"unfinished": "interrupted", "incomplete": "partial"}
"""What a page calls a state that no run ends in; a sentence beside it says the rest."""

UNFINISHED = "its run ended without a word; the same command goes on"


def last_word(folder: JobFolder) -> Summary | None:
    """Return what a job's last run said of it when it ended; None where it was killed, or there was none yet.

    A summary of which nothing but what was measured is known is no such word.

    Raises:
        StorageError: when it cannot be read.
    """
    found = read_summary(folder)
    return found if found is not None and found.finished_at else None


def state_of(run: str, last: Summary | None, *, lacks_frames: bool) -> JobState:
    """Return how a job stands, of which `run` holds the folder, if any, and its last one said `last`."""
    if run:
        return "running"
    if last is None:
        return "unfinished"
    return "incomplete" if last.state == "done" and lacks_frames else last.state


def lacking(there: int, planned: int) -> str:
    """Return what is to be said of a job that was done, and of which only `there` of `planned` frames are left."""
    gone = f"{planned - there} of {planned} frames"
    return f"{gone} are not there any more as they were rendered; the same command goes on"
