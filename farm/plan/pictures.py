"""The input pictures of frames, and mixtures of image prompts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from farm import records
from farm.manifest import Manifest, image_fields
from farm.manifest.pipelines import PIPELINES
from farm.manifest.render import IMAGE_ARGUMENTS
from farm.plan.curves import locate
from farm.records import CannySpec, ImagePrompt, InputPicture, PictureSource, Scalar

Sources = Mapping[str, PictureSource]
"""Input pictures, by their names in the manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureTrack:
    """The input picture of each frame, and its preparation."""

    source: PictureSource
    prepare: CannySpec | records.ExpandSpec | None = None

    def at(self, frame: int) -> InputPicture:
        """Return the picture of a frame."""
        return self.source.at(frame, self.prepare)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePromptTrack:
    """The image prompts of one IP-Adapter, linear between keyframes; all of `prompts[k]` apply at `keyframes[k]`."""

    keyframes: tuple[int, ...]
    prompts: tuple[tuple[PictureSource, ...], ...]

    def at(self, frame: int) -> ImagePrompt:
        """Return the mixture of the prompts around a frame, omitting weights of zero."""
        if len(self.keyframes) == 1:
            return self._mixed(frame, {0: 1.0})
        segment, t = locate(self.keyframes, frame)
        if self.prompts[segment] == self.prompts[segment + 1]:
            return self._mixed(frame, {segment: 1.0})
        return self._mixed(frame, {segment: 1.0 - t, segment + 1: t})

    def _mixed(self, frame: int, weights: Mapping[int, float]) -> ImagePrompt:
        positive = {number: weight for number, weight in weights.items() if weight > 0}
        return ImagePrompt(
            prompts=tuple(tuple(source.at(frame) for source in self.prompts[number]) for number in positive),
            weights=tuple(positive.values()),
        )


def picture_tracks(manifest: Manifest, sources: Sources) -> dict[str, PictureTrack]:
    """Return the pictures of every frame, by diffusers' names: `image.0`, `image.1` if there are several."""
    render = manifest.render
    tracks: dict[str, PictureTrack] = {}
    for name in IMAGE_ARGUMENTS:
        written = getattr(render, name)
        are_several = len(written) > 1 if isinstance(written, tuple) else False
        for number, picture in enumerate(_listed(written)):
            tracks[f"{name}.{number}" if are_several else name] = _track(picture, sources)
    if render.expand is not None:
        source = tracks["image"].source
        tracks |= {
            "image": PictureTrack(source=source, prepare=_expand(render.expand, "canvas")),
            "mask_image": PictureTrack(source=source, prepare=_expand(render.expand, "mask")),
        }
    return tracks


def canvas_arguments(manifest: Manifest, tracks: Mapping[str, PictureTrack]) -> dict[str, Scalar]:
    """Return height and width of the canvas for outpainting, unless the manifest sets them."""
    expand, render = manifest.render.expand, manifest.render
    if expand is None:
        return {}
    picture = tracks["image"].source.files[0]
    sizes = {
        "height": picture.height + expand.top + expand.bottom,
        "width": picture.width + expand.left + expand.right,
    }
    supported = PIPELINES[manifest.model.pipeline].arguments
    return {name: size for name, size in sizes.items() if name in supported and getattr(render, name) is None}


def image_prompt_tracks(manifest: Manifest, sources: Sources) -> tuple[ImagePromptTrack, ...]:
    """Return the image prompts of each IP-Adapter."""
    return tuple(_image_prompt(written, sources) for written in _listed(manifest.render.ip_adapter_image))


def _listed(written: Any) -> Sequence[Any]:
    if written is None:
        return ()
    return written if isinstance(written, tuple) else (written,)


def _track(written: str | image_fields.Picture, sources: Sources) -> PictureTrack:
    if isinstance(written, str):
        return PictureTrack(source=sources[written])
    return PictureTrack(source=sources[written.file], prepare=_canny(written.canny))


def _canny(canny: image_fields.Canny | None) -> CannySpec | None:
    if canny is None:
        return None
    return CannySpec(low_threshold=canny.low_threshold, high_threshold=canny.high_threshold)


def _expand(expand: image_fields.Expand, part: Any) -> records.ExpandSpec:
    return records.ExpandSpec(
        left=expand.left, right=expand.right, top=expand.top, bottom=expand.bottom, part=part
    )


def _image_prompt(written: Any, sources: Sources) -> ImagePromptTrack:
    by_frame = dict(_by_frame(written))
    keyframes = tuple(sorted(by_frame))
    return ImagePromptTrack(
        keyframes=keyframes,
        prompts=tuple(tuple(sources[path] for path in _listed(by_frame[frame])) for frame in keyframes),
    )


def _by_frame(written: Any) -> Iterator[tuple[int, Any]]:
    if isinstance(written, Mapping):
        yield from written.items()
    else:
        yield 0, written
