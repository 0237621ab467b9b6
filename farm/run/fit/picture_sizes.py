"""At what size the pictures that go in are worked with, and whether these sizes go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from farm.manifest import Document
from farm.manifest.findings import Finding
from farm.manifest.location import FieldPath
from farm.manifest.pipelines import PIPELINES
from farm.manifest.references import written_pictures
from farm.manifest.render import PICTURES
from farm.records import PictureSource
from farm.render.checkpoints.architecture import Architecture
from farm.run.pictures.whole_paths import located_picture

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
    if "mask_image" in traits.arguments and traits.control is None:
        side = model.denoiser.sample_size and model.denoiser.sample_size * latent
        asked = (render.width or side, render.height or side)
    found = [
        (field, text, pictures[located_picture(document, text)].files[0])
        for field, text in written_pictures(document.manifest)
        if field[1] in PICTURES
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
    if PIPELINES[manifest.model.pipeline].control is not None:
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
