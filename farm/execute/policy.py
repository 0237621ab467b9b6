"""What happens after a failure, as a table: how often each cause is tried, and what is given up then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from farm.execute.outcome import Cause


class Action(StrEnum):
    """What to do with the frames of a failed attempt."""

    RETRY = "retry"
    """Render them again, on another worker where there is one."""
    GIVE_UP_FRAMES = "give up frames"
    """Do without these frames."""
    GIVE_UP_RENDERER = "give up renderer"
    """Do without every frame that needs this renderer, of whatever job."""
    GIVE_UP_JOB = "give up job"
    """Do without the rest of this job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the table: after `attempts` attempts, `then`."""

    attempts: int
    then: Action


RULES: Mapping[Cause, Rule] = MappingProxyType(
    {
        Cause.RENDER: Rule(attempts=3, then=Action.GIVE_UP_FRAMES),
        Cause.DEFECT: Rule(attempts=3, then=Action.GIVE_UP_FRAMES),
        Cause.CRASH: Rule(attempts=3, then=Action.GIVE_UP_FRAMES),
        # A checkpoint that does not load here will not load there, and loading costs minutes.
        Cause.MODEL: Rule(attempts=1, then=Action.GIVE_UP_RENDERER),
        # One more try for a passing fault of a network disk; a full disk would burn every frame.
        Cause.STORAGE: Rule(attempts=2, then=Action.GIVE_UP_JOB),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The farm's patience.

    A worker is set aside after `failures_in_a_row`; up to `replacements` workers per slot are started anew in
    one run.
    """

    rules: Mapping[Cause, Rule] = field(default_factory=lambda: RULES)
    failures_in_a_row: int = 3
    replacements: int = 3

    def after(self, cause: Cause, attempt: int) -> Action:
        """Decide on the frames of attempt number `attempt` (from 1)."""
        rule = self.rules[cause]
        return Action.RETRY if attempt < rule.attempts else rule.then

    def sets_aside(self, *, failures_in_a_row: int, contradicted: bool, workers: int) -> bool:
        """Decide on a worker that just failed.

        `contradicted`: meanwhile another worker finished frames of the same job. Without that the job is to
        blame rather than the worker, and a broken job must not cost a night its workers. The last of the
        `workers` stays.
        """
        return failures_in_a_row >= self.failures_in_a_row and contradicted and workers > 1
