"""Rules between the pictures that go in and the pipeline that starts from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from farm.errors import Problem
from farm.inputs.absolute_paths import located_picture
from farm.inputs.checkpoints.info import Architecture
from farm.inputs.pictures.decode import LARGEST
from farm.manifest import Document
from farm.manifest.findings import Finding
from farm.manifest.image_fields import Canny
from farm.manifest.location import FieldPath
from farm.manifest.pipelines import PIPELINES
from farm.manifest.references import written_pictures
from farm.manifest.render import IMAGE_ARGUMENTS
from farm.records import PictureSource
from farm.rules.context import Asked, pipelines_taking

_NEEDED = {
    "image": "needed: the picture that {pipeline} starts from",
    "mask_image": "needed: white where {pipeline} paints anew, or expand",
    "control_image": "needed: what the ControlNets follow, one picture for each",
}


def picture_checks(asked: Asked) -> Iterator[Finding]:
    """Yields every picture that is missing or too many, and every mistake in what is made of them."""
    for check in (_missing, _lists, _expand, _edges):
        yield from check(asked)


def _missing(asked: Asked) -> Iterator[Finding]:
    if asked.traits.control_argument and "controlnets" not in asked.model:
        needed = f"needed: at least one, which {asked.pipeline} follows"
        yield Finding(path=("model", "controlnets"), found="missing", allowed=needed)
    if not asked.is_whole:
        return
    for name in asked.traits.required_images:
        is_made = name == "mask_image" and asked.render.get("expand") is not None
        if asked.render.get(name) is None and not is_made:
            needed = _NEEDED["control_image" if name == asked.traits.control_argument else name]
            yield Finding(
                path=("render", name), found="missing", allowed=needed.format(pipeline=asked.pipeline)
            )


def _lists(asked: Asked) -> Iterator[Finding]:
    for name in IMAGE_ARGUMENTS:
        is_list = isinstance(asked.render.get(name), list)
        if is_list and name in asked.traits.arguments and name != asked.traits.control_argument:
            allowed = f"allowed: one, since {asked.pipeline} starts from one"
            yield Finding(path=("render", name), found="a list of pictures", allowed=allowed)


def _expand(asked: Asked) -> Iterator[Finding]:
    expand, path = asked.render.get("expand"), ("render", "expand")
    if expand is None:
        return
    if "mask_image" not in asked.traits.arguments:
        yield Finding(
            path=path,
            found=f"{asked.pipeline} paints no added sides",
            allowed=pipelines_taking("mask_image"),
        )
    elif asked.render.get("mask_image") is not None:
        found = "a mask beside expand, which makes one"
        yield Finding(path=("render", "mask_image"), found=found, allowed="allowed: one of the two")
    match asked.render.get("image"):
        case {"canny": dict()}:
            found = "edges beside expand"
            yield Finding(path=("render", "image", "canny"), found=found, allowed="allowed: one of the two")
    if isinstance(expand, dict) and all(expand.get(side, 0) == 0 for side in _SIDES):
        yield Finding(path=path, found="nothing is added", allowed="needed: 1 pixel or more at one side")


_SIDES = ("left", "right", "top", "bottom")


def _edges(asked: Asked) -> Iterator[Finding]:
    for path, picture in _pictures(asked):
        match picture:
            case {"canny": dict(canny)}:
                yield from _thresholds((*path, "canny"), canny)
                if path[1] == "depth_map":
                    yield Finding(
                        path=(*path, "canny"),
                        found="edges in the place of a depth map",
                        allowed="allowed: a picture of the depth, the nearer the brighter",
                    )


def _thresholds(path: FieldPath, canny: Mapping[Any, Any]) -> Iterator[Finding]:
    """OpenCV exchanges them without a word."""
    low = canny.get("low_threshold", Canny().low_threshold)
    high = canny.get("high_threshold", Canny().high_threshold)
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        name = "low_threshold" if "low_threshold" in canny else "high_threshold"
        yield Finding(
            path=(*path, name),
            found=f"low_threshold {low:g} above high_threshold {high:g}",
            allowed="needed: a low_threshold up to the high_threshold",
        )


def _pictures(asked: Asked) -> Iterator[tuple[FieldPath, Any]]:
    for name in IMAGE_ARGUMENTS:
        written = asked.render.get(name)
        if isinstance(written, list):
            yield from ((("render", name, number), picture) for number, picture in enumerate(written))
        else:
            yield ("render", name), written


_EVEN = 0.02
"""Up to here nobody sees that a picture was stretched."""

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """A picture of its `own` size, which diffusers scales to one that was asked for, or else down to whole latents."""

    field: FieldPath
    text: str
    own: Size
    asked: tuple[int | None, int | None]
    latent: int

    @property
    def made(self) -> Size:
        """The size that it is worked with."""
        width, height = (
            asked or own - own % self.latent for asked, own in zip(self.asked, self.own, strict=True)
        )
        return width, height


def sized_pictures(
    document: Document, pictures: Mapping[str, PictureSource], model: Architecture | None
) -> list[Sized]:
    """Return the pictures that frames are made of, image prompts not among them; `pictures` by whole paths.

    None where the model is not on this machine yet. A picture with a canvas around it is not scaled.
    """
    if model is None:
        return []
    render, latent = document.manifest.render, model.vae_factor or 1
    traits = PIPELINES[document.manifest.model.pipeline]
    asked: tuple[int | None, int | None] = (render.width, render.height)
    if "mask_image" in traits.arguments and traits.control_argument is None:
        side = model.denoiser.sample_size and model.denoiser.sample_size * latent
        asked = (render.width or side, render.height or side)
    found = [
        (field, text, pictures[located_picture(document, text)].files[0])
        for field, text in written_pictures(document.manifest)
        if field[1] in IMAGE_ARGUMENTS
    ]
    if render.expand is not None:
        image = next(file for field, _, file in found if field[1] == "image")
        canvas = (
            image.width + render.expand.left + render.expand.right,
            image.height + render.expand.top + render.expand.bottom,
        )
        asked = (render.width or canvas[0], render.height or canvas[1])
        found = [entry for entry in found if entry[0][1] != "image"]
    return [
        Sized(field=field, text=text, own=(file.width, file.height), asked=asked, latent=latent)
        for field, text, file in found
    ]


def size_misfits(document: Document, sized: list[Sized]) -> Iterator[Finding]:
    """Yield every picture that is too small, and every one of another size than what it is laid upon."""
    manifest = document.manifest
    for each in sized:
        if 0 in each.made:
            yield Finding(
                path=each.field,
                found=f"{each.text} is {_shown(each.own)} pixels",
                allowed=f"needed: at least {_shown((each.latent, each.latent))}, which is one latent",
            )
            return
    if PIPELINES[manifest.model.pipeline].control_argument is not None:
        for each in sized:
            if each.made != sized[0].made:
                yield Finding(
                    path=each.field,
                    found=f"{each.text} is worked with at {_shown(each.made)} pixels, and {sized[0].text} at "
                    f"{_shown(sized[0].made)}",
                    allowed="needed: pictures of one size, or render.height and render.width for all of them",
                )
                return
    by_name = {each.field[1]: each for each in sized}
    image, mask = by_name.get("image"), by_name.get("mask_image")
    if manifest.render.padding_mask_crop is not None and image and mask and image.own != mask.own:
        yield Finding(
            path=mask.field,
            found=f"{mask.text} is {_shown(mask.own)} pixels, and {image.text} {_shown(image.own)}",
            allowed="needed: a mask of the image's size where padding_mask_crop is given",
        )


def size_remarks(sized: list[Sized]) -> Iterator[Finding]:
    """Yield every picture that is stretched, or is worked with at fewer pixels than it has for whole latents' sake."""
    image = next((each for each in sized if each.field[1] == "image"), None)
    for each in sized:
        is_depth = each.field[1] == "depth_map" and image is not None
        made = image.made if is_depth and image is not None else each.made
        if abs(made[0] * each.own[1] / (made[1] * each.own[0]) - 1) > _EVEN:
            yield Finding(
                path=each.field,
                found=f"{each.text} is {_shown(each.own)} pixels, and is stretched to {_shown(made)}",
                allowed="crop it before to keep its shape",
            )
        elif each.asked == (None, None) and not is_depth and made != each.own:
            yield Finding(
                path=each.field,
                found=f"{each.text} is {_shown(each.own)} pixels, and is scaled to {_shown(made)}, as the frames are",
                allowed=f"crop it before to a multiple of {each.latent} to keep every pixel",
            )


def _shown(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def canvas_problems(document: Document, image: PictureSource) -> Iterator[Problem]:
    """Yield what is wrong with the size of the canvas around `image`; one that is scaled anyhow may have any."""
    render = document.manifest.render
    if render.expand is None:
        return
    step = PIPELINES[document.manifest.model.pipeline].size_multiple
    picture = image.files[0]
    for word, own, sides, asked in (
        ("wide", picture.width, ("left", "right"), render.width),
        ("high", picture.height, ("top", "bottom"), render.height),
    ):
        added = {side: getattr(render.expand, side) for side in sides}
        size = own + sum(added.values())
        if size <= LARGEST and (asked or size % step == 0):
            continue
        side = next((side for side in reversed(sides) if added[side]), sides[-1])
        below = added[side] - size % step
        fitting = [
            f"{side}: {margin}"
            for margin in (below, below + step)
            if margin >= 0 and size - added[side] + margin <= LARGEST
        ]
        yield document.problem(
            ("render", "expand"),
            f"the canvas is {size} pixels {word}",
            f"needed: a multiple of {step}, up to {LARGEST}",
            f"Nearest: {' or '.join(fitting)}." if fitting else "",
        )
