"""Render speeds measured on this machine, stored for estimates."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from farm.errors import FarmError
from farm.plan import Plan
from farm.records.fields import Positive, Seconds
from farm.reduce import Summary
from farm.store import JobFolder
from farm.typed_json import Malformed

_SAMPLE = 1000
_Rate = tuple[Seconds, Positive]
"""Seconds per denoising step of one frame, and the number of workers."""


class Rates:
    """The seconds per denoising step of one frame on one worker of this machine, and the number of workers.

    There is one rate per model, image size and batch size. Loading the model is not included.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    @classmethod
    def of_user(cls) -> Rates:
        """Return the rates in the user's cache folder (XDG_CACHE_HOME or ~/.cache); empty without a home directory."""
        try:
            cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        except RuntimeError:
            return cls(None)
        return cls(cache / "diffusion-farm" / "rates.json")

    def estimate(self, plan: Plan, chunks: Sequence[int]) -> float | None:
        """Return the expected seconds to render these chunks, or None if no comparable job was rendered here."""
        known = self._read().get(_key(plan))
        if known is None:
            return None
        per_step, workers = known
        return per_step * len(chunks) * plan.batch_size * _mean_steps(plan) / workers

    def learn(self, plan: Plan, summary: Summary) -> None:
        """Store the speed of a job, if it rendered anything. Ignore a cache that cannot be written."""
        seconds = sum(worker.seconds for worker in summary.workers)
        frames = sum(worker.frames for worker in summary.workers)
        if self._path is None or not summary.frames.rendered or not seconds:
            return
        per_step = seconds / (frames * _mean_steps(plan))
        rates = self._read() | {_key(plan): (per_step, len(summary.workers))}
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._path.with_suffix(f".{os.getpid()}.tmp")
            temporary.write_text(json.dumps(rates, indent=1, sort_keys=True))
            temporary.replace(self._path)

    def _read(self) -> dict[str, tuple[float, int]]:
        if self._path is None:
            return {}
        try:
            return JobFolder(str(self._path.parent)).find_record(self._path.name, dict[str, _Rate]) or {}
        except (FarmError, Malformed):
            return {}


def _key(plan: Plan) -> str:
    size = f"{plan.arguments.get('width')}x{plan.arguments.get('height')}"
    return f"{plan.renderer_digest[:16]} {size} batch {plan.batch_size}"


def _mean_steps(plan: Plan) -> float:
    count = min(plan.frame_count, _SAMPLE)
    steps = (plan.frame(index * plan.frame_count // count).recipe.arguments for index in range(count))
    return sum(float(arguments.get("num_inference_steps") or 1) for arguments in steps) / count
