"""Finished frames without pictures, for tests of what is measured in them."""

from __future__ import annotations

from farm.records import AnalyzedFrame, Stretch


def shown(frame: int, *, content: str = "", prompts: tuple[str, ...] = ("a", "b")) -> AnalyzedFrame:
    """A frame half of each prompt."""
    return AnalyzedFrame(
        frame=frame,
        file_name=f"frames/frame{frame:06d}.png",
        content_sha256=content or f"content {frame}",
        prompts=prompts,
        weights=(1 / len(prompts),) * len(prompts),
    )


def stretch(first: int, last: int, *, before: bool = False, after: bool = False) -> Stretch:
    """Frames `first` to `last`, alone or beside their neighbours."""
    return Stretch(
        frames=tuple(map(shown, range(first, last + 1))),
        before=shown(first - 1) if before else None,
        after=shown(last + 1) if after else None,
    )
