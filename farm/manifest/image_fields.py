"""Fields for pictures: a file, a numbered sequence or a video."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Discriminator, Field, Tag

from farm.manifest.fields import (
    FRAME_KEYS,
    FloatRange,
    FrameIndex,
    IntRange,
    Section,
    Text,
    not_allowed,
    shape_tag,
    tagged_union_error,
)

_WORDS = "a picture, a folder, a numbered sequence such as frames/*.png or frames/%04d.png, or a video"


def _refuse_urls(path: str) -> str:
    if "://" in path:
        raise not_allowed(f"{_WORDS}; not a URL")
    return path


PicturePath = Annotated[
    str,
    Text(1000, least=1, words=_WORDS),
    AfterValidator(_refuse_urls),
    Field(json_schema_extra={"not": {"pattern": "://"}}),
]

_Level = Annotated[float, FloatRange(0, 255)]


class Canny(Section):
    """Edges in white on black, detected by OpenCV (Canny 1986)."""

    low_threshold: _Level = 100.0
    """Gradient below which nothing is an edge, from 0 to 255."""

    high_threshold: _Level = 200.0
    """Gradient above which everything is an edge, from 0 to 255; in between, only continuations of an edge."""


class Picture(Section):
    """A picture and its preprocessing."""

    file: PicturePath
    """A picture, or a folder, numbered sequence or video with one picture per frame; relative to the manifest."""

    canny: Canny | None = None
    """Use the picture's edges; null for the picture itself."""


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
_PROMPT_WORDS = "a picture, or a list of pictures used together"

_PicturesOfPrompt = Annotated[
    Annotated[PicturePath, Tag("<text>")] | Annotated[_Together, Tag("<list>")],
    Discriminator(shape_tag, **tagged_union_error(_PROMPT_WORDS)),
]

_PromptsByFrame = Annotated[
    dict[FrameIndex, _PicturesOfPrompt], Field(min_length=1, json_schema_extra=FRAME_KEYS)
]

_ImagePrompt = Annotated[
    Annotated[PicturePath, Tag("<text>")]
    | Annotated[_Together, Tag("<list>")]
    | Annotated[_PromptsByFrame, Tag("<map>")],
    Discriminator(shape_tag, **tagged_union_error(f"{_PROMPT_WORDS}, or a map of frame to either")),
]

ImagePrompts = Annotated[
    Annotated[PicturePath, Tag("<text>")]
    | Annotated[tuple[_ImagePrompt, ...], Field(strict=False, min_length=1, max_length=10), Tag("<list>")]
    | Annotated[_PromptsByFrame, Tag("<map>")],
    Discriminator(
        shape_tag,
        **tagged_union_error("a picture, a map of frame to picture, or a list of these, one per IP-Adapter"),
    ),
]
"""Image prompts: for one IP-Adapter a picture or keyframes, for several a list with one entry per adapter."""

_Margin = Annotated[int, IntRange(0, 8192)]


class Expand(Section):
    """Pixels to add on each side of the picture for outpainting."""

    left: _Margin = 0
    """Pixels to add on the left."""

    right: _Margin = 0
    """Pixels to add on the right."""

    top: _Margin = 0
    """Pixels to add at the top."""

    bottom: _Margin = 0
    """Pixels to add at the bottom."""
