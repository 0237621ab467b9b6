"""How fast jobs ran on this machine, remembered for estimates."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from farm.plan import Plan
from farm.reduce import Summary

_SAMPLE = 1000


class Rates:
    """Seconds of wall-clock time per denoising step of one frame, by model, picture size and batch size."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def of_user(cls) -> Rates:
        """The rates in the user's cache folder (XDG_CACHE_HOME or ~/.cache)."""
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return cls(cache / "diffusion-farm" / "rates.json")

    def estimate(self, plan: Plan, chunks: Sequence[int]) -> float | None:
        """Return the seconds that rendering these chunks takes, or None if the like was never rendered here."""
        rate = self._read().get(_key(plan))
        return None if rate is None else rate * len(chunks) * plan.batch_size * _mean_steps(plan)

    def learn(self, plan: Plan, summary: Summary) -> None:
        """Remember the pace of a job that rendered something; a cache that cannot be written is left as it is."""
        if not summary.frames.rendered:
            return
        rates = self._read()
        rates[_key(plan)] = summary.seconds / (summary.frames.rendered * _mean_steps(plan))
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._path.with_suffix(f".{os.getpid()}.tmp")
            temporary.write_text(json.dumps(rates, indent=1, sort_keys=True))
            temporary.replace(self._path)

    def _read(self) -> dict[str, float]:
        try:
            return dict(json.loads(self._path.read_text()))
        except (OSError, ValueError, TypeError):
            return {}


def _key(plan: Plan) -> str:
    size = f"{plan.arguments.get('width')}x{plan.arguments.get('height')}"
    return f"{plan.identity[:16]} {size} batch {plan.batch_size}"


def _mean_steps(plan: Plan) -> float:
    count = min(plan.frame_count, _SAMPLE)
    steps = (plan.frame(index * plan.frame_count // count).recipe.arguments for index in range(count))
    return sum(float(arguments.get("num_inference_steps") or 1) for arguments in steps) / count
