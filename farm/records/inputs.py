"""The input pictures of a manifest: their files, sizes and numbers of pictures."""

from __future__ import annotations

from dataclasses import dataclass

from farm.records.fields import Positive
from farm.records.recipe import CannySpec, ExpandSpec, InputPicture


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFile:
    """A picture, or a video of `count` pictures. `sha256` is of the file's bytes; width and height are in pixels."""

    location: str
    sha256: str
    width: Positive
    height: Positive
    count: Positive


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSource:
    """One file for all frames; or, if it `moves`, numbered files or one video with a picture per frame."""

    files: tuple[PictureFile, ...]
    moves: bool

    def __post_init__(self) -> None:
        if not self.files or (len(self.files) > 1 and not (self.moves and self.count == len(self.files))):
            raise ValueError("needed: one file, or a sequence of files with one picture each")

    @property
    def count(self) -> int:
        """The number of pictures."""
        return sum(file.count for file in self.files)

    def at(self, frame: int, prepare: CannySpec | ExpandSpec | None = None) -> InputPicture:
        """Return the picture of a frame; frame < count if it moves."""
        number = frame if self.moves else 0
        if len(self.files) > 1:
            file, index = self.files[number], 0
        else:
            file, index = self.files[0], number
        return InputPicture(location=file.location, sha256=file.sha256, index=index, prepare=prepare)
