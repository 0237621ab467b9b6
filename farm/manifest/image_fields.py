"""Fields that take pictures: a file, a numbered sequence, a video."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from farm.manifest.fields import (
    FRAME_KEYS,
    NOT_ALLOWED,
    FloatRange,
    FrameIndex,
    IntRange,
    Section,
    Text,
    shape_tag,
    tagged_union_error,
)

_WORDS = "a picture, a folder of pictures, numbered ones such as frames/*.png or frames/%04d.png, or a video"


def _refuse_urls(path: str) -> str:
    if "://" in path:
        raise PydanticCustomError(NOT_ALLOWED, "{allowed}", {"allowed": f"{_WORDS}; not a URL"})
    return path


PicturePath = Annotated[
    str,
    Text(1000, least=1, words=_WORDS),
    AfterValidator(_refuse_urls),
    Field(json_schema_extra={"not": {"pattern": "://"}}),
]

_Level = Annotated[float, FloatRange(0, 255)]


class Canny(Section):
    """Edges found by OpenCV (Canny 1986), in white on black."""

    low_threshold: _Level = 100.0
    """Below it there is no edge, 0 to 255."""

    high_threshold: _Level = 200.0
    """Above it there is one, 0 to 255; between the two where it goes on from one."""


class Picture(Section):
    """A picture, and what is made of it."""

    file: PicturePath
    """A picture, a folder, numbered ones or a video, with one picture per frame; relative to the manifest."""

    canny: Canny | None = None
    """The picture's edges in its place; null for the picture itself."""


OnePicture = Annotated[
    Annotated[PicturePath, Tag("<text>")] | Annotated[Picture, Tag("<map>")],
    Discriminator(shape_tag, **tagged_union_error(f"{_WORDS}; or a map of file and canny")),
]

Pictures = Annotated[
    Annotated[PicturePath, Tag("<text>")]
    | Annotated[Picture, Tag("<map>")]
    | Annotated[tuple[OnePicture, ...], Field(strict=False, min_length=1, max_length=10), Tag("<list>")],
    Discriminator(
        shape_tag,
        **tagged_union_error(f"{_WORDS}; a map of file and canny; or a list of these, one per ControlNet"),
    ),
]
"""One picture, or one for each ControlNet."""

_Together = Annotated[tuple[PicturePath, ...], Field(strict=False, min_length=1, max_length=100)]
_SEEN = "a picture, or a list of pictures seen together"

_Seen = Annotated[
    Annotated[PicturePath, Tag("<text>")] | Annotated[_Together, Tag("<list>")],
    Discriminator(shape_tag, **tagged_union_error(_SEEN)),
]

_SeenByFrame = Annotated[dict[FrameIndex, _Seen], Field(min_length=1, json_schema_extra=FRAME_KEYS)]

_ImagePrompt = Annotated[
    Annotated[PicturePath, Tag("<text>")]
    | Annotated[_Together, Tag("<list>")]
    | Annotated[_SeenByFrame, Tag("<map>")],
    Discriminator(shape_tag, **tagged_union_error(f"{_SEEN}, or a map of frame to either")),
]

ImagePrompts = Annotated[
    Annotated[PicturePath, Tag("<text>")]
    | Annotated[tuple[_ImagePrompt, ...], Field(strict=False, min_length=1, max_length=10), Tag("<list>")]
    | Annotated[_SeenByFrame, Tag("<map>")],
    Discriminator(
        shape_tag,
        **tagged_union_error("a picture, a map of frame to picture, or a list of these, one per IP-Adapter"),
    ),
]
"""What each IP-Adapter sees: for one adapter a picture or keyframes; else a list with an entry per adapter."""

_Margin = Annotated[int, IntRange(0, 8192)]


class Expand(Section):
    """A larger canvas around the picture, of which the added sides are painted."""

    left: _Margin = 0
    """Pixels added at the left."""

    right: _Margin = 0
    """Pixels added at the right."""

    top: _Margin = 0
    """Pixels added at the top."""

    bottom: _Margin = 0
    """Pixels added at the bottom."""
