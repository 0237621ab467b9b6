"""Frames that jobs share, by what determines their pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from farm.records import Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedFrame:
    """A frame's pixels, and where they come from."""

    pixels: Pixels
    scheduler: str
    device: str


class FrameCache:
    """The interface that the worker uses; being written."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        raise NotImplementedError

    def get(self, key: str) -> CachedFrame | None:
        """Return an entry, if it is there whole."""
        raise NotImplementedError

    def put(self, key: str, frame: CachedFrame) -> None:
        """Store an entry."""
        raise NotImplementedError
