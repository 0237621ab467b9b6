"""How alphas are chosen. A pilot's choice stays valid until an input of the choice changes."""

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
from farm.plan.pacing import Alphas, initial_alphas
from farm.records import AnalysisSpec, ClipSpec
from farm.records.fields import Share
from farm.store import JobFolder
from farm.typed_json import Malformed

_logger = logging.getLogger(__name__)

_NAME = ".farm/pacing.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Alphas chosen by a pilot. `digest` identifies all inputs of the choice, `source` those from the manifest."""

    digest: str
    source: str = ""
    alphas: tuple[Share, ...]


def write_choice(
    folder: JobFolder, choice: Choice, *, pacing: str, tried: Sequence[tuple[float, float]]
) -> None:
    """Store a choice; `tried` are the rendered alphas, each with the change from the previous one.

    Raises:
        StorageError: if it cannot be written.
    """
    content = {
        "digest": choice.digest,
        "source": choice.source,
        "pacing": pacing,
        "alphas": choice.alphas,
        "pilot": [{"alpha": alpha, "change": change} for alpha, change in tried],
    }
    folder.write(_NAME, json.dumps(content, indent=1).encode())


def find_choice(folder: JobFolder) -> Choice | None:
    """Return the stored choice; None if there is none, or the file is damaged.

    Raises:
        StorageError: if it cannot be read.
    """
    try:
        return folder.find_record(_NAME, Choice)
    except Malformed as error:
        _logger.warning("%s is damaged (%s); alphas are chosen again", folder.path(_NAME), error)
        return None


METHOD = 2
"""Increment if the same pilot would choose different alphas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """How alphas are chosen. `plan_of` plans the animation at given alphas; `known` are the chosen ones, or None.

    `measure` is the analysis that measures changes; `source` is a digest of the choice's inputs from the manifest, and
    `digest` of all its inputs.
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
        """The digest that identifies a choice."""
        return digest({"method": METHOD, "source": self.source})

    @property
    def first(self) -> Alphas:
        """The alphas that the pilot renders first: a quarter of the frames, and at least three between two prompts."""
        return _first(self.prompts, self.frames, self.batch_size)

    @property
    def refinement_size(self) -> int:
        """The number of alphas in each further step of the pilot: an eighth of the frames."""
        return _round_up_to_chunks(self.frames / 8, self.batch_size)

    @property
    def is_known(self) -> bool:
        """Whether the alphas are already chosen."""
        return self.known is not None

    @property
    def pilot_frames(self) -> tuple[int, int]:
        """The minimum and maximum number of frames of the pilot; zero if the alphas are known."""
        return (0, 0) if self.is_known else (len(self.first), self.frames)

    @property
    def pilot_calls(self) -> tuple[int, int]:
        """The minimum and maximum number of model calls of the pilot; zero if the alphas are known."""
        least, most = (
            _round_up_to_chunks(frames, self.batch_size) // self.batch_size for frames in self.pilot_frames
        )
        return least, most

    def save(self, folder: JobFolder, alphas: Alphas, tried: Sequence[tuple[float, float]]) -> None:
        """Store the choice; `tried` are the rendered alphas, each with the change from the previous one.

        Raises:
            StorageError: if it cannot be written.
        """
        choice = Choice(digest=self.digest, source=self.source, alphas=alphas)
        write_choice(folder, choice, pacing=self.kind, tried=tried)


def pacing_of(
    manifest: Manifest, analysis: AnalysisSpec | None, folder: JobFolder, plan_of: Callable[[Alphas], Plan]
) -> Pacing | None:
    """Return how the alphas of a manifest are chosen; None if they are listed or evenly spaced.

    Raises:
        StorageError: if the folder cannot be read.
    """
    animation = manifest.animation
    if not isinstance(animation, Interpolate) or animation.pacing == "uniform" or animation.alphas:
        return None
    clip = _scoring_clip(animation, analysis)
    pacing = Pacing(
        kind=animation.pacing,
        measure=AnalysisSpec(
            clip=clip and dataclasses.replace(clip, groups=(), prompts=()), classifier=None, smoothness=True
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
    """Return a digest of the inputs of the choice: the first frames of the pilot, the CLIP model, the counts."""
    prompts, frames = len(animation.prompts), animation.frames
    clip = _scoring_clip(animation, analysis)
    first = plan_of(_first(prompts, frames, plan_of((0.0, 1.0)).batch_size))
    return digest(
        {
            "pacing": animation.pacing,
            "judge": clip and clip.source.fingerprint,
            "frames": frames,
            "prompts": prompts,
            "pilot": [frame.digest for frame in first.frames()],
        }
    )


def _first(prompts: int, frames: int, batch_size: int) -> Alphas:
    enough = max(frames / 4, 4 * (prompts - 1) + 1)
    return initial_alphas(prompts, min(frames, _round_up_to_chunks(enough, batch_size)))


def _round_up_to_chunks(frames: float, batch_size: int) -> int:
    """Round a number of frames up to full chunks: a partial chunk costs as much."""
    return -int(-frames // batch_size) * batch_size


def _scoring_clip(animation: Interpolate, analysis: AnalysisSpec | None) -> ClipSpec | None:
    return analysis.clip if analysis and animation.pacing == "clip" else None


def pacing_warnings(
    document: Document, analysis: AnalysisSpec | None, folder: JobFolder, plan_of: Callable[[Alphas], Plan]
) -> tuple[str, ...]:
    """Return a warning if the listed alphas were chosen by a pilot of an earlier version of the manifest.

    A resolved manifest lists the alphas of its pilot, which the job's folder records. They are outdated if a pilot of
    the current manifest would render other frames.

    Raises:
        StorageError: if the folder cannot be read.
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
    problem = document.problem(("animation", "alphas"), found, "remove them to choose them again")
    return (str(problem),)
