"""Finished frames without pictures, for tests of measurements."""

from __future__ import annotations

from farm.records import AnalyzedFrame, FrameSequence


def analyzed_frame(frame: int, *, content: str = "", prompts: tuple[str, ...] = ("a", "b")) -> AnalyzedFrame:
    """Return a frame with equal weights of its prompts."""
    return AnalyzedFrame(
        frame=frame,
        file_name=f"frames/frame{frame:06d}.png",
        content_sha256=content or f"content {frame}",
        prompts=prompts,
        weights=(1 / len(prompts),) * len(prompts),
    )


def frame_sequence(first: int, last: int, *, before: bool = False, after: bool = False) -> FrameSequence:
    """Return frames `first` to `last`, with or without their neighbours."""
    return FrameSequence(
        frames=tuple(map(analyzed_frame, range(first, last + 1))),
        before=analyzed_frame(first - 1) if before else None,
        after=analyzed_frame(last + 1) if after else None,
    )
