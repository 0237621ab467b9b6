"""What alphas are chosen by: a pilot's choice counts as long as all that it comes from stays as it was."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from farm.canonical import digest
from farm.errors import ManifestError
from farm.manifest import Document, Manifest
from farm.manifest.animation import Interpolate
from farm.manifest.references import written_pictures
from farm.plan import Plan
from farm.plan.pacing import first_look
from farm.records import AnalysisSpec, ClipSpec, PictureSource
from farm.run.pace.choice import Choice, find_choice, keep_choice
from farm.store import JobFolder

METHOD = 2
"""Raised whenever the same pilot would come to choose other alphas."""

Alphas = tuple[float, ...]


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


def with_alphas(manifest: Manifest, alphas: Alphas) -> Manifest:
    """Return a manifest of an interpolation with listed alphas."""
    listed = manifest.animation.model_copy(update={"alphas": alphas, "frames": len(alphas)})
    return manifest.model_copy(update={"animation": listed})


def refuse_moving_pictures(document: Document, pictures: Mapping[str, PictureSource]) -> None:
    """Make sure that alphas can be chosen by frames of a pilot; `pictures` by what the manifest calls them.

    Raises:
        ManifestError: when they are to be, and frames have pictures of their own, each at its place.
    """
    animation = document.manifest.animation
    if not isinstance(animation, Interpolate) or animation.pacing == "uniform" or animation.alphas:
        return
    problems = [
        document.problem(
            place,
            f"a picture per frame beside pacing {animation.pacing}",
            "allowed: what is the same in every frame, as a pilot has other frames",
        )
        for place, text in written_pictures(document.manifest)
        if pictures[text].moves
    ]
    if problems:
        raise ManifestError(problems)


def _first(prompts: int, frames: int, batch_size: int) -> Alphas:
    enough = max(frames / 4, 4 * (prompts - 1) + 1)
    return first_look(prompts, min(frames, _whole_chunks(enough, batch_size)))


def _whole_chunks(frames: float, batch_size: int) -> int:
    """Round up, since a chunk costs what it costs however many of its frames are wanted."""
    return -int(-frames // batch_size) * batch_size


def _judge(animation: Interpolate, analysis: AnalysisSpec | None) -> ClipSpec | None:
    return analysis.clip if analysis and animation.pacing == "clip" else None
