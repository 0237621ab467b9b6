"""What alphas are chosen by: a pilot's choice counts as long as all that it comes from stays as it was."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from farm.canonical import digest
from farm.manifest import Document, Manifest
from farm.manifest.animation import Interpolate
from farm.plan import Plan
from farm.plan.pacing import Alphas, first_look
from farm.records import AnalysisSpec, ClipSpec
from farm.records.fields import Share
from farm.store import JobFolder
from farm.typed_json import Malformed

_logger = logging.getLogger(__name__)

_NAME = ".farm/pacing.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Alphas that a pilot chose; `digest` is of all that they come from, `source` of what of it a manifest says."""

    digest: str
    source: str = ""
    alphas: tuple[Share, ...]


def keep_choice(
    folder: JobFolder, choice: Choice, *, pacing: str, seen: Sequence[tuple[float, float]]
) -> None:
    """Keep what was chosen; `seen` are the alphas looked at, with what changed since the one before.

    Raises:
        StorageError: when it cannot be written.
    """
    content = {
        "digest": choice.digest,
        "source": choice.source,
        "pacing": pacing,
        "alphas": choice.alphas,
        "pilot": [{"alpha": alpha, "change": change} for alpha, change in seen],
    }
    folder.write(_NAME, json.dumps(content, indent=1).encode())


def find_choice(folder: JobFolder) -> Choice | None:
    """Return what was chosen before; None for nothing, and for what cannot be understood.

    Raises:
        StorageError: when it cannot be read.
    """
    try:
        return folder.find_record(_NAME, Choice)
    except Malformed as error:
        _logger.warning("%s is damaged (%s); alphas are chosen again", folder.path(_NAME), error)
        return None


METHOD = 2
"""Raised whenever the same pilot would come to choose other alphas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """How alphas are chosen. `plan_of` plans the animation at listed ones; `known` are those chosen before, or None.

    `measure` is what sees changes; `source` is a digest of what the manifest says that the choice comes from, and
    `digest` of all that it comes from.
    """

    kind: Literal["perceptual", "clip"]
    measure: AnalysisSpec
    prompts: int
    frames: int
    batch_size: int
    plan_of: Callable[[Alphas], Plan]
    source: str
    known: Alphas | None = None

    @property
    def digest(self) -> str:
        """What a choice is known by."""
        return digest({"method": METHOD, "source": self.source})

    @property
    def first(self) -> Alphas:
        """What the pilot looks at first: a quarter of the frames, and three places between each two prompts."""
        return _first(self.prompts, self.frames, self.batch_size)

    @property
    def closer(self) -> int:
        """How many alphas the pilot looks at next, each time: an eighth of the frames."""
        return _whole_chunks(self.frames / 8, self.batch_size)

    @property
    def is_known(self) -> bool:
        """Whether the alphas were chosen before, or just now."""
        return self.known is not None

    @property
    def pilot_frames(self) -> tuple[int, int]:
        """How many frames a pilot has at least and at most; none if the alphas are known."""
        return (0, 0) if self.is_known else (len(self.first), self.frames)

    @property
    def pilot_calls(self) -> tuple[int, int]:
        """How many model calls a pilot takes at least and at most; none if the alphas are known."""
        least, most = (
            _whole_chunks(frames, self.batch_size) // self.batch_size for frames in self.pilot_frames
        )
        return least, most

    def note(self, folder: JobFolder, alphas: Alphas, seen: Sequence[tuple[float, float]]) -> None:
        """Keep what was chosen; `seen` are the alphas looked at, with what changed since the one before.

        Raises:
            StorageError: when it cannot be written.
        """
        choice = Choice(digest=self.digest, source=self.source, alphas=alphas)
        keep_choice(folder, choice, pacing=self.kind, seen=seen)


def pacing_of(
    manifest: Manifest, analysis: AnalysisSpec | None, folder: JobFolder, plan_of: Callable[[Alphas], Plan]
) -> Pacing | None:
    """Return how the alphas of a manifest are chosen; None where they are listed, or evenly spaced.

    Raises:
        StorageError: when the folder cannot be read.
    """
    animation = manifest.animation
    if not isinstance(animation, Interpolate) or animation.pacing == "uniform" or animation.alphas:
        return None
    judge = _judge(animation, analysis)
    pacing = Pacing(
        kind=animation.pacing,
        measure=AnalysisSpec(
            clip=judge and dataclasses.replace(judge, groups=(), prompts=()), classifier=None, smoothness=True
        ),
        prompts=len(animation.prompts),
        frames=animation.frames,
        batch_size=plan_of((0.0, 1.0)).batch_size,
        plan_of=plan_of,
        source=source_of(animation, analysis, plan_of),
    )
    choice = find_choice(folder)
    known = choice is not None and choice.digest == pacing.digest and len(choice.alphas) == pacing.frames
    return dataclasses.replace(pacing, known=choice.alphas) if choice and known else pacing


def source_of(
    animation: Interpolate, analysis: AnalysisSpec | None, plan_of: Callable[[Alphas], Plan]
) -> str:
    """Return a digest of what the alphas of an animation are chosen by: the first look, the judge, the counts."""
    prompts, frames = len(animation.prompts), animation.frames
    judge = _judge(animation, analysis)
    looks = plan_of(_first(prompts, frames, plan_of((0.0, 1.0)).batch_size))
    return digest(
        {
            "pacing": animation.pacing,
            "judge": judge and judge.source.fingerprint,
            "frames": frames,
            "prompts": prompts,
            "pilot": [frame.digest for frame in looks.frames()],
        }
    )


def _first(prompts: int, frames: int, batch_size: int) -> Alphas:
    enough = max(frames / 4, 4 * (prompts - 1) + 1)
    return first_look(prompts, min(frames, _whole_chunks(enough, batch_size)))


def _whole_chunks(frames: float, batch_size: int) -> int:
    """Round up, since a chunk costs what it costs however many of its frames are wanted."""
    return -int(-frames // batch_size) * batch_size


def _judge(animation: Interpolate, analysis: AnalysisSpec | None) -> ClipSpec | None:
    return analysis.clip if analysis and animation.pacing == "clip" else None


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
