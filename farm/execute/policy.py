"""What happens after a failure, as a table: how often each cause is tried, and what then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from farm.execute.outcome import Cause


class Action(StrEnum):
    """What to do with the frames of a failed attempt."""

    RETRY = "retry"
    """Render them again, on a worker that did not fail on them where there is one."""
    HALVE = "halve"
    """Render them again, with half as many in a model call."""
    LAST_TRY = "last try"
    """Render them again, and keep what comes then."""
    GIVE_UP_FRAMES = "give up frames"
    """Do without these frames."""
    GIVE_UP_RENDERER = "give up renderer"
    """Do without every frame that needs this renderer, of whatever job."""
    GIVE_UP_JOB = "give up job"
    """Do without the rest of this job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed attempt at some frames, the one number `attempt` (from 1) that failed for this cause.

    Of the `workers` that there are, `workers_tried` failed on them; none, where the one that did is gone.
    """

    cause: Cause
    attempt: int
    workers_tried: int
    workers: int
    frames_per_call: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the table: after `attempts` attempts, `then`.

    `elsewhere`: further attempts are for other workers only, so that with none left it is `then` at once.
    """

    attempts: int
    then: Action
    elsewhere: bool = False


RULES: Mapping[Cause, Rule] = MappingProxyType(
    {
        Cause.RENDER: Rule(attempts=3, then=Action.GIVE_UP_FRAMES),
        Cause.DEFECT: Rule(attempts=3, then=Action.GIVE_UP_FRAMES),
        Cause.CRASH: Rule(attempts=3, then=Action.GIVE_UP_FRAMES),
        # Each hang costs a whole timeout.
        Cause.HANG: Rule(attempts=2, then=Action.GIVE_UP_FRAMES),
        # One worker's disk may be bad; a checkpoint that two cannot load is, and loading costs minutes.
        Cause.MODEL: Rule(attempts=2, then=Action.GIVE_UP_RENDERER, elsewhere=True),
        # One more try at full size: the worker has dropped its other models, and half a batch has other last bits.
        Cause.OUT_OF_MEMORY: Rule(attempts=2, then=Action.HALVE),
        # A passing fault of the hardware does not come twice; a recipe whose picture is blank does.
        Cause.FLAW: Rule(attempts=1, then=Action.LAST_TRY),
        # One more try for a passing fault of a network disk; a full disk would burn every frame.
        Cause.STORAGE: Rule(attempts=2, then=Action.GIVE_UP_JOB),
        Cause.TAKEN: Rule(attempts=1, then=Action.GIVE_UP_JOB),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The farm's patience.

    A worker is set aside after `failures_in_a_row` that others made good, and killed when nothing was heard of a
    chunk for `chunk_timeout` seconds (the model's loading counts to its first chunk's). Workers that are lost are
    replaced; of those that never finished a chunk up to `replacements` per slot in one run. A job that loses more
    than `max_failed_frames` is stopped (None: never).
    """

    rules: Mapping[Cause, Rule] = field(default_factory=lambda: RULES)
    failures_in_a_row: int = 3
    replacements: int = 3
    chunk_timeout: float = 1800.0
    max_failed_frames: int | None = None

    def after(self, failure: Failure) -> Action:
        """Decide what to do with the frames of a failed attempt."""
        rule = self.rules[failure.cause]
        somewhere = failure.workers_tried < failure.workers or not rule.elsewhere
        if failure.attempt < rule.attempts and somewhere:
            return Action.RETRY
        if rule.then is Action.HALVE and failure.frames_per_call == 1:
            return Action.GIVE_UP_FRAMES
        return rule.then

    def sets_aside(self, *, failures_in_a_row: int, workers: int) -> bool:
        """Decide on a worker whose latest failures others made good; the last of the `workers` stays."""
        return failures_in_a_row >= self.failures_in_a_row and workers > 1

    def stops(self, failed_frames: int) -> bool:
        """Decide on a job that has lost `failed_frames`."""
        return self.max_failed_frames is not None and failed_frames > self.max_failed_frames
