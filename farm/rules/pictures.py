"""Input pictures: required and surplus ones, their sizes and their contents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from farm.inputs.pictures.decode import MAX_SIDE
from farm.manifest.animation import Interpolate
from farm.manifest.findings import Finding
from farm.manifest.image_fields import Canny
from farm.manifest.location import FieldPath
from farm.manifest.references import written_pictures
from farm.manifest.render import IMAGE_ARGUMENTS
from farm.rules.context import Context, WrittenManifest, pipelines_taking

_NEEDED = {
    "image": "needed: the picture that {pipeline} starts from",
    "mask_image": "needed: a mask, white where {pipeline} repaints, or expand",
    "control_image": "needed: one picture for each ControlNet",
}


def picture_checks(written: WrittenManifest) -> Iterator[Finding]:
    """Yield every missing or surplus picture, and every mistake in how pictures are prepared."""
    for check in (_missing, _lists, _expand, _edges):
        yield from check(written)


def _missing(written: WrittenManifest) -> Iterator[Finding]:
    if written.traits.control_argument and "controlnets" not in written.model:
        needed = f"needed: at least one ControlNet for {written.pipeline}"
        yield Finding(path=("model", "controlnets"), found="missing", allowed=needed)
    if not written.has_valid_render:
        return
    for name in written.traits.required_images:
        is_generated = name == "mask_image" and written.render.get("expand") is not None
        if written.render.get(name) is None and not is_generated:
            needed = _NEEDED["control_image" if name == written.traits.control_argument else name]
            yield Finding(
                path=("render", name), found="missing", allowed=needed.format(pipeline=written.pipeline)
            )


def _lists(written: WrittenManifest) -> Iterator[Finding]:
    for name in IMAGE_ARGUMENTS:
        is_list = isinstance(written.render.get(name), list)
        if is_list and name in written.traits.arguments and name != written.traits.control_argument:
            allowed = f"allowed: one, since {written.pipeline} starts from one"
            yield Finding(path=("render", name), found="a list of pictures", allowed=allowed)


def _expand(written: WrittenManifest) -> Iterator[Finding]:
    expand, path = written.render.get("expand"), ("render", "expand")
    if expand is None:
        return
    if "mask_image" not in written.traits.arguments:
        yield Finding(
            path=path,
            found=f"{written.pipeline} does not paint added sides",
            allowed=pipelines_taking("mask_image"),
        )
    elif written.render.get("mask_image") is not None:
        found = "a mask with expand, which creates its own"
        yield Finding(path=("render", "mask_image"), found=found, allowed="allowed: one of the two")
    match written.render.get("image"):
        case {"canny": dict()}:
            found = "edges with expand"
            yield Finding(path=("render", "image", "canny"), found=found, allowed="allowed: one of the two")
    if isinstance(expand, dict) and all(expand.get(side, 0) == 0 for side in _SIDES):
        yield Finding(path=path, found="nothing is added", allowed="needed: 1 pixel or more at one side")


_SIDES = ("left", "right", "top", "bottom")


def _edges(written: WrittenManifest) -> Iterator[Finding]:
    for path, picture in _pictures(written):
        match picture:
            case {"canny": dict(canny)}:
                yield from _thresholds((*path, "canny"), canny)
                if path[1] == "depth_map":
                    yield Finding(
                        path=(*path, "canny"),
                        found="edges instead of a depth map",
                        allowed="allowed: a picture of the depth, brighter where nearer",
                    )


def _thresholds(path: FieldPath, canny: Mapping[Any, Any]) -> Iterator[Finding]:
    """Yield thresholds in the wrong order, which OpenCV would swap silently."""
    low = canny.get("low_threshold", Canny().low_threshold)
    high = canny.get("high_threshold", Canny().high_threshold)
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        name = "low_threshold" if "low_threshold" in canny else "high_threshold"
        yield Finding(
            path=(*path, name),
            found=f"low_threshold {low:g} above high_threshold {high:g}",
            allowed="needed: a low_threshold up to the high_threshold",
        )


def _pictures(written: WrittenManifest) -> Iterator[tuple[FieldPath, Any]]:
    for name in IMAGE_ARGUMENTS:
        value = written.render.get(name)
        if isinstance(value, list):
            yield from ((("render", name, number), picture) for number, picture in enumerate(value))
        else:
            yield ("render", name), value


_STRETCH_TOLERANCE = 0.02
"""Relative change of the aspect ratio up to which stretching is invisible."""

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _SizedPicture:
    """A picture of its `own` size, which diffusers scales to the `requested` size, or else down to full latents."""

    field: FieldPath
    text: str
    own: Size
    requested: tuple[int | None, int | None]
    latent: int

    @property
    def scaled(self) -> Size:
        """The size to which it is scaled."""
        width, height = (
            requested or own - own % self.latent
            for requested, own in zip(self.requested, self.own, strict=True)
        )
        return width, height


def _sized_pictures(context: Context) -> list[_SizedPicture]:
    """Return the input pictures except image prompts; none if the model's sizes are unknown.

    A picture with `expand` is omitted, since it is not scaled.
    """
    model, pictures = context.inputs.model, context.inputs.pictures
    architecture = model.checkpoint.architecture if model else None
    if architecture is None or pictures is None:
        return []
    render, latent = context.manifest.render, architecture.vae_factor or 1
    requested: tuple[int | None, int | None] = (render.width, render.height)
    if "mask_image" in context.traits.arguments and context.traits.control_argument is None:
        side = architecture.denoiser.sample_size and architecture.denoiser.sample_size * latent
        requested = (render.width or side, render.height or side)
    found = [
        (field, text, pictures.sources[text].files[0])
        for field, text in written_pictures(context.manifest)
        if field[1] in IMAGE_ARGUMENTS
    ]
    if render.expand is not None:
        image = next(file for field, _, file in found if field[1] == "image")
        canvas = (
            image.width + render.expand.left + render.expand.right,
            image.height + render.expand.top + render.expand.bottom,
        )
        requested = (render.width or canvas[0], render.height or canvas[1])
        found = [entry for entry in found if entry[0][1] != "image"]
    return [
        _SizedPicture(
            field=field, text=text, own=(file.width, file.height), requested=requested, latent=latent
        )
        for field, text, file in found
    ]


def picture_size_findings(context: Context) -> Iterator[Finding]:
    """Yield every picture that is too small, or differs in size from the pictures used with it."""
    manifest, sized = context.manifest, _sized_pictures(context)
    for each in sized:
        if 0 in each.scaled:
            yield Finding(
                path=each.field,
                found=f"{each.text} is {_formatted(each.own)} pixels",
                allowed=f"needed: at least {_formatted((each.latent, each.latent))}, which is one latent",
            )
            return
    if context.traits.control_argument is not None:
        for each in sized:
            if each.scaled != sized[0].scaled:
                yield Finding(
                    path=each.field,
                    found=f"{each.text} is used at {_formatted(each.scaled)} pixels, and {sized[0].text} at "
                    f"{_formatted(sized[0].scaled)}",
                    allowed="needed: pictures of one size, or render.height and render.width for all of them",
                )
                return
    by_name = {each.field[1]: each for each in sized}
    image, mask = by_name.get("image"), by_name.get("mask_image")
    if manifest.render.padding_mask_crop is not None and image and mask and image.own != mask.own:
        yield Finding(
            path=mask.field,
            found=f"{mask.text} is {_formatted(mask.own)} pixels, and {image.text} {_formatted(image.own)}",
            allowed="needed: a mask of the image's size where padding_mask_crop is given",
        )


def picture_size_warnings(context: Context) -> Iterator[Finding]:
    """Yield every picture that is stretched, or scaled down to a multiple of the latent's size."""
    sized = _sized_pictures(context)
    image = next((each for each in sized if each.field[1] == "image"), None)
    for each in sized:
        is_depth = each.field[1] == "depth_map" and image is not None
        scaled = image.scaled if is_depth and image is not None else each.scaled
        if abs(scaled[0] * each.own[1] / (scaled[1] * each.own[0]) - 1) > _STRETCH_TOLERANCE:
            yield Finding(
                path=each.field,
                found=f"{each.text} is {_formatted(each.own)} pixels, and is stretched to {_formatted(scaled)}",
                allowed="crop it first to keep its proportions",
            )
        elif each.requested == (None, None) and not is_depth and scaled != each.own:
            yield Finding(
                path=each.field,
                found=f"{each.text} is {_formatted(each.own)} pixels, and is scaled to {_formatted(scaled)}, "
                "as the frames are",
                allowed=f"crop it first to a multiple of {each.latent} to keep every pixel",
            )


def _formatted(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def canvas_findings(context: Context) -> Iterator[Finding]:
    """Yield a canvas around the input picture whose sides are too long, or not a multiple unless it is scaled."""
    render, pictures = context.manifest.render, context.inputs.pictures
    if render.expand is None or pictures is None:
        return
    step = context.traits.size_multiple
    image = next(text for field, text in written_pictures(context.manifest) if field[1] == "image")
    picture = pictures.sources[image].files[0]
    for word, own, sides, requested in (
        ("wide", picture.width, ("left", "right"), render.width),
        ("high", picture.height, ("top", "bottom"), render.height),
    ):
        added = {side: getattr(render.expand, side) for side in sides}
        size = own + sum(added.values())
        if size <= MAX_SIDE and (requested or size % step == 0):
            continue
        side = next((side for side in reversed(sides) if added[side]), sides[-1])
        below = added[side] - size % step
        fitting = [
            f"{side}: {margin}"
            for margin in (below, below + step)
            if margin >= 0 and size - added[side] + margin <= MAX_SIDE
        ]
        yield Finding(
            path=("render", "expand"),
            found=f"the canvas is {size} pixels {word}",
            allowed=f"needed: a multiple of {step}, up to {MAX_SIDE}",
            hint=f"Nearest: {' or '.join(fitting)}." if fitting else "",
        )


_WHITE = 128
"""Minimum brightness of a mask at which diffusers paints."""


def mask_and_depth_findings(context: Context) -> Iterator[Finding]:
    """Yield every depth map of a single grey, and every mask without white."""
    pictures = context.inputs.pictures
    if pictures is None or pictures.contents is None:
        return
    written = dict(written_pictures(context.manifest))
    for field, greys in pictures.contents.greys.items():
        text = written[field]
        if field[1] == "depth_map" and greys[0][0] == greys[0][1]:
            yield Finding(
                path=field,
                found=f"{text} is uniformly grey, which diffusers cannot scale to depths",
                allowed="needed: a picture of the depth, brighter where nearer; or no depth_map, to have it estimated",
            )
        black = next((frame for frame, (_, brightest) in enumerate(greys) if brightest < _WHITE), None)
        if field[1] == "mask_image" and black is not None:
            which = f"picture {black} of {text}" if pictures.sources[text].moves else text
            yield Finding(
                path=field,
                found=f"{which} has no white, so nothing would be painted",
                allowed="needed: white where the picture is to be painted",
            )


def edge_warnings(context: Context) -> Iterator[Finding]:
    """Yield every picture, sequence or video in which a ControlNet finds no edges to follow."""
    pictures = context.inputs.pictures
    for field, text in written_pictures(context.manifest):
        if pictures and pictures.contents and field in pictures.contents.edgeless:
            yield Finding(
                path=(*field[:-1], "canny"),
                found=f"{text} has no edges, so there is nothing to follow",
                allowed="needed: a picture with contrasts, or lower thresholds",
            )


def moving_picture_findings(context: Context) -> Iterator[Finding]:
    """Yield every picture per frame if a pilot chooses the alphas, since a pilot renders other frames."""
    animation, pictures = context.manifest.animation, context.inputs.pictures
    if not isinstance(animation, Interpolate) or animation.pacing == "uniform" or animation.alphas:
        return
    for field, text in written_pictures(context.manifest):
        if pictures is not None and pictures.sources[text].moves:
            yield Finding(
                path=field,
                found=f"a picture per frame with pacing {animation.pacing}",
                allowed="allowed: one picture for all frames, since a pilot renders other frames",
            )
