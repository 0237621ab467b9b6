"""The status of a job's planned frames on disk, and the state of the job."""

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
    """Return the status of a recorded frame for a plan.

    `depth` selects what is checked: only the recipe, also the existence of the file, or also its content.
    With `any_renderer` the model is ignored, so that none is needed.

    Raises:
        StorageError: if a remote store cannot be read.
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
    """Yield the number, the ledger row (if any) and the status of every frame of a plan, in order.

    Every file with the planned recipe is read, concurrently from a remote store.

    Raises:
        StorageError: if the ledger or a remote store cannot be read.
    """

    def check(row: FrameRow) -> tuple[FrameRow, FrameStatus]:
        return row, frame_status(folder, plan, row, any_renderer=any_renderer)

    rows = Ledger(folder).rows(last=plan.frame_count - 1)
    found = map_in_order(check, rows, concurrency=folder.concurrent_reads)
    recorded = next(found, None)
    for frame in range(plan.frame_count):
        if recorded is None or recorded[0].frame != frame:
            yield frame, None, FrameStatus.NOT_RENDERED
        else:
            yield frame, *recorded
            recorded = next(found, None)


def recorded_frames(folder: JobFolder, plan: Plan) -> tuple[int, ...]:
    """Return the planned frames that the ledger records with their recipe and whose file exists.

    This takes one directory listing; `frame_statuses` also reads every file.

    Raises:
        StorageError: if the ledger or a remote store cannot be read.
    """
    parent = file_name(0).rpartition("/")[0]
    files = {f"{parent}/{name}" for name in folder.names(parent)}
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
    """Return the exit code of a run: 0 all done, 1 nothing done, 3 partly done, 130 interrupted.

    `broken` is the number of invalid manifests of the batch.
    """
    states = {summary.state for summary in summaries}
    if "interrupted" in states:
        return EXIT_CODES["interrupted"]
    if states == {"done"} and not broken:
        return EXIT_CODES["done"]
    return EXIT_CODES["partial"] if states & {"done", "partial"} else EXIT_CODES["failed"]


JobState = Literal["running", "unfinished", "incomplete"] | State
"""How the last run ended, or `running` while a run holds the folder.

`unfinished` if the last run was killed; `incomplete` if the job was done, but frames are missing now.
"""

ON_PAGES: dict[JobState, State] = {"unfinished": "interrupted", "incomplete": "partial"}
"""The states on pages for those that are not the result of a run; the error message has the details."""

UNFINISHED = "its run ended unexpectedly; run the same command to resume"


def last_summary(folder: JobFolder) -> Summary | None:
    """Return the summary of a job's last run; None if that run was killed, or there was none yet.

    A summary without an end time comes from a measurement, not from a run.

    Raises:
        StorageError: if it cannot be read.
    """
    found = read_summary(folder)
    return found if found is not None and found.finished_at else None


def state_of(run: str, last: Summary | None, *, lacks_frames: bool) -> JobState:
    """Return the state of a job, given the `run` that holds its folder, if any, and the summary of the last run."""
    if run:
        return "running"
    if last is None:
        return "unfinished"
    return "incomplete" if last.state == "done" and lacks_frames else last.state


def missing_frames_message(finished: int, planned: int) -> str:
    """Return the message for a job that was done, but has only `finished` of `planned` frames now."""
    missing = f"{planned - finished} of {planned} frames"
    return f"{missing} are missing or were changed; run the same command to render them again"
