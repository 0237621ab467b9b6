"""What the frames that a job plans are worth, as they lie in its folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Literal

from farm.plan import Plan
from farm.records import FrameRow
from farm.reduce import Summary, read_summary
from farm.store import JobFolder, Ledger, file_name, is_intact, map_in_order


class Standing(StrEnum):
    """What a planned frame is worth, or why it is worth nothing."""

    WHOLE = "whole"
    """Its file is there, bit for bit as it was written."""
    ALTERED = "file changed since it was written"
    GONE = "file gone"
    OTHER_RECIPE = "recipe changed since"
    NOT_RENDERED = "not rendered"


def standing_frames(folder: JobFolder, plan: Plan) -> Iterator[tuple[int, FrameRow | None, Standing]]:
    """Yield every frame of a plan in order: its number, its row in the ledger if it has one, and what it is worth.

    Raises:
        StorageError: when the ledger, or a remote store, cannot be read.
    """

    def look(row: FrameRow) -> tuple[FrameRow, Standing]:
        if not is_planned(plan, row):
            return row, Standing.OTHER_RECIPE
        return row, Standing.WHOLE if is_intact(folder, row) else damage(folder, row)

    found = map_in_order(
        look, Ledger(folder).rows(last=plan.frame_count - 1), concurrency=folder.concurrent_reads
    )
    recorded = next(found, None)
    for frame in range(plan.frame_count):
        if recorded is None or recorded[0].frame != frame:
            yield frame, None, Standing.NOT_RENDERED
        else:
            yield frame, *recorded
            recorded = next(found, None)


def frames_there(folder: JobFolder, plan: Plan) -> tuple[int, ...]:
    """Return the planned frames that are in the ledger with their recipe, and whose file is there, whatever is in it.

    That takes one listing; `standing_frames` also reads every file.

    Raises:
        StorageError: when the ledger, or a remote store, cannot be read.
    """
    place = file_name(0).rpartition("/")[0]
    files = {f"{place}/{name}" for name in folder.names(place)}
    rows = Ledger(folder).rows(last=plan.frame_count - 1)
    return tuple(row.frame for row in rows if row.file_name in files and is_planned(plan, row))


def damage(folder: JobFolder, row: FrameRow) -> Standing:
    """Return what became of a frame's file that is not as it was written."""
    return Standing.ALTERED if folder.exists(row.file_name) else Standing.GONE


def is_planned(plan: Plan, row: FrameRow) -> bool:
    """Tell whether a row is of the recipe that a plan has for its frame, whatever model rendered it."""
    its = dataclasses.replace(plan, renderer_digest=row.renderer_digest).frame(row.frame)
    return its.digest == row.recipe_digest


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
