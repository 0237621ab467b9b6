"""What is tried again after a failure and what is given up, as the policy has it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable

from farm.events import Event, FramesFailed, ShardRetried
from farm.execute.backlog import Work
from farm.execute.outcome import Failed
from farm.execute.policy import Action, Failure, Policy
from farm.records import RendererSpec, Shard

_AGAIN = {Action.RETRY, Action.HALVE, Action.LAST_TRY}


class Setbacks:
    """Decides on failed work, tells of it, and remembers the jobs and renderers that are given up."""

    def __init__(self, policy: Policy, tell: Callable[[Event], None]) -> None:
        self._policy = policy
        self._tell = tell
        self._refused: dict[str | RendererSpec, str] = {}
        self._failed_frames: Counter[str] = Counter()

    def refusal(self, shard: Shard) -> str | None:
        """Return why the shard is not to be rendered, if its job or renderer is given up."""
        return self._refused.get(shard.folder) or self._refused.get(shard.renderer)

    def again(self, work: Work, failed: Failed, worker: str, *, workers: int, others: int) -> Work | None:
        """Return what to try again after `worker` failed, or None for what is given up.

        Of the `workers` that there are, `others` have not failed on it.
        """
        shard = work.shard
        action = self._policy.after(
            Failure(
                cause=failed.cause,
                attempt=work.causes.count(failed.cause) + 1,
                workers_tried=workers - others,
                workers=workers,
                frames_per_call=shard.frames_per_call,
            )
        )
        if action is Action.GIVE_UP_RENDERER:
            self._refused[shard.renderer] = failed.reason
        elif action is Action.GIVE_UP_JOB:
            self._refused[shard.folder] = failed.reason
        if action not in _AGAIN or self.refusal(shard) is not None:
            self.give_up(shard, failed.reason)
            return None
        again = dataclasses.replace(
            shard,
            attempt=shard.attempt + 1,
            calls_per_chunk=shard.calls_per_chunk * (2 if action is Action.HALVE else 1),
            last_try=shard.last_try or action is Action.LAST_TRY,
        )
        self._tell(
            ShardRetried(
                job=shard.job,
                worker=worker,
                frames=_frames(shard),
                reason=failed.reason,
                attempt=again.attempt,
                frames_per_call=again.frames_per_call if again.calls_per_chunk > 1 else None,
            )
        )
        return dataclasses.replace(work, shard=again, causes=(*work.causes, failed.cause))

    def give_up(self, shard: Shard, reason: str, *, tried: bool = True) -> None:
        """Do without the shard's frames; `tried` if the attempt that it counts was made."""
        attempts = shard.attempt if tried else shard.attempt - 1
        frames = _frames(shard)
        self._tell(FramesFailed(job=shard.job, frames=frames, reason=reason, attempts=attempts))
        self._failed_frames[shard.folder] += len(frames)
        if self._policy.stops(self._failed_frames[shard.folder]):
            limit = self._policy.max_failed_frames
            self._refused.setdefault(
                shard.folder, f"the job was stopped: more than {limit} frames failed (--max-failed-frames)"
            )


def _frames(shard: Shard) -> tuple[int, ...]:
    return tuple(frame.index for chunk in shard.chunks for frame in chunk.frames)
