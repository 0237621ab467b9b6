"""How a job stands, in one word: the same for farm inspect, farm.open, and pages."""

from __future__ import annotations

from typing import Literal

from farm.reduce import Summary, read_summary
from farm.run import states
from farm.store import JobFolder

JobState = Literal["running", "unfinished", "incomplete"] | states.State
"""How its last run ended, or `running` while one holds the folder.

`unfinished` after a run that was killed; `incomplete` where frames of a job that was done are not there any more.
"""

ON_PAGES: dict[JobState, states.State] = {"unfinished": "interrupted", "incomplete": "partial"}
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
