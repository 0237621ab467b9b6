"""Finished frames cut into stretches that are measured at a time: by the frames' indexes alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from farm.records import Frame, FrameRow, Shown, Stretch

LENGTH = 24


def shown(frame: Frame, row: FrameRow) -> Shown:
    """Return a finished frame with what it is to show."""
    conditioning = frame.recipe.conditioning
    return Shown(
        frame=frame.index,
        file_name=row.file_name,
        content_sha256=row.content_sha256,
        prompts=conditioning.prompts,
        weights=conditioning.weights,
    )


def stretches(frames: Iterable[Shown]) -> Iterator[Stretch]:
    """Yield stretches of frames without a gap, each once the frame after it is known; frames come in order."""
    before: Shown | None = None
    together: list[Shown] = []
    for one in frames:
        if together and not _belongs(one, together):
            follows = one.frame == together[-1].frame + 1
            yield Stretch(frames=tuple(together), before=before, after=one if follows else None)
            before = together[-1] if follows else None
            together = []
        together.append(one)
    if together:
        yield Stretch(frames=tuple(together), before=before, after=None)


def _belongs(one: Shown, together: list[Shown]) -> bool:
    return one.frame == together[-1].frame + 1 and one.frame // LENGTH == together[0].frame // LENGTH
