"""Rules between the fields of an animation; `cross_checks` replaces invalid values with a placeholder."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from farm.manifest.fields import MAX_FRAMES
from farm.manifest.findings import Finding, describe_value
from farm.manifest.location import FieldPath
from farm.manifest.render import KEYFRAMED_ARGUMENTS

Data = Mapping[Any, Any]


def animation_checks(animation: Data) -> Iterator[Finding]:
    """Yield every mistake between an animation's fields."""
    for check in _CHECKS.get(animation.get("kind", ""), ()):
        yield from check(animation)


def frame_count(animation: Data) -> int | None:
    """Return the animation's number of frames, or None if it is unknown."""
    match animation:
        case {"frames": int(frames)}:
            return frames
        case {"alphas": list(alphas)}:
            return len(alphas)
        case {"rows": int(rows), "columns": int(columns)}:
            return rows * columns
        case {"kind": "stills", "prompts": list(prompts), "seeds": list(seeds)}:
            return len(prompts) * len(seeds)
        case {"kind": "stills", "prompts": list(prompts)}:
            number = animation.get("num_images_per_prompt", 1)
            return len(prompts) * number if isinstance(number, int) else None
        case {"over": dict(axes)} if all(isinstance(values, list) for values in axes.values()):
            return math.prod(len(values) for values in axes.values())
    return None


def animation_finding(field: str | FieldPath, found: str, allowed: str) -> Finding:
    """Return a mistake in a field of the animation, given by its name or its path in the animation."""
    path = (field,) if isinstance(field, str) else field
    return Finding(path=("animation", *path), found=found, allowed=allowed)


def _frames_or_alphas(animation: Data) -> Iterator[Finding]:
    if animation.get("alphas") is None and "frames" not in animation:
        yield animation_finding(
            "frames", "missing", f"needed: a whole number from 1 to {MAX_FRAMES}, or alphas"
        )


def _alphas(animation: Data) -> Iterator[Finding]:
    alphas, frames = animation.get("alphas"), animation.get("frames")
    if not isinstance(alphas, list):
        return
    if isinstance(frames, int) and frames != len(alphas):
        yield animation_finding(
            "frames", f"{frames} frames with {len(alphas)} alphas", f"allowed: {len(alphas)}, or nothing"
        )
    if isinstance(animation.get("prompts"), dict):
        yield animation_finding(
            "alphas", "alphas with a map of prompts", "allowed: alphas with a list of prompts"
        )
    easing = animation.get("easing", "linear")
    if easing != "linear":
        yield animation_finding(
            "easing",
            f"found {describe_value(easing)} with alphas",
            "allowed: linear, since alphas already set the timing",
        )


def _prompt_frames(animation: Data) -> Iterator[Finding]:
    prompts, frames = animation.get("prompts"), frame_count(animation)
    if not isinstance(prompts, dict) or not all(isinstance(frame, int) for frame in prompts):
        return
    if frames is None:
        return
    for frame in prompts:
        if frame >= frames:
            found = f"frame {frame} of an animation of {frames} frames"
            yield animation_finding(("prompts", frame), found, f"allowed: frames from 0 to {frames - 1}")


def _noise_seeds(animation: Data) -> Iterator[Finding]:
    noise, prompts = animation.get("noise"), animation.get("prompts")
    seeds = noise.get("seeds") if isinstance(noise, dict) else None
    if not isinstance(noise, dict) or not isinstance(seeds, list):
        return
    mode = noise.get("mode", "fixed")
    if mode in ("fixed", "per_frame"):
        yield animation_finding(
            ("noise", "seeds"), f"seeds with mode {mode}", "allowed: seeds with mode keyframes"
        )
    elif isinstance(prompts, list | dict) and len(seeds) != len(prompts):
        found = f"{len(seeds)} seeds for {len(prompts)} prompts"
        yield animation_finding(("noise", "seeds"), found, f"allowed: {len(prompts)}, one per prompt")


def _grid_frames(animation: Data) -> Iterator[Finding]:
    match animation:
        case {"rows": int(rows), "columns": int(columns), "frames": int(frames)} if frames != rows * columns:
            found = f"{frames} frames in a grid of {rows} x {columns}"
            yield animation_finding("frames", found, f"allowed: {rows * columns}, or nothing")


def _seeds_or_number(animation: Data) -> Iterator[Finding]:
    match animation:
        case {"seeds": list(seeds), "num_images_per_prompt": int(number)} if number != len(seeds):
            found = f"{number} images per prompt with {len(seeds)} seeds"
            yield animation_finding("num_images_per_prompt", found, f"allowed: {len(seeds)}, or nothing")


def _not_too_many(animation: Data) -> Iterator[Finding]:
    frames = frame_count(animation)
    if frames is not None and frames > MAX_FRAMES:
        field = "over" if "over" in animation else "prompts"
        yield animation_finding(field, f"{frames} frames in total", f"allowed: up to {MAX_FRAMES}")


def _two_seeds(animation: Data) -> Iterator[Finding]:
    match animation:
        case {"noise": {"seeds": [int(x), int(y)]}} if x == y:
            yield animation_finding(("noise", "seeds"), f"{x} twice", "needed: two different seeds")


_CHECKS: dict[str, tuple[Callable[[Data], Iterator[Finding]], ...]] = {
    "interpolate": (_frames_or_alphas, _alphas, _prompt_frames, _noise_seeds),
    "grid": (_grid_frames,),
    "circle": (_two_seeds,),
    "stills": (_seeds_or_number, _not_too_many),
    "sweep": (_not_too_many,),
}


def keyframe_checks(manifest: Data) -> Iterator[Finding]:
    """Yield every keyframe after the last frame."""
    match manifest:
        case {"animation": dict(animation)}:
            frames = frame_count(animation)
        case _:
            return
    for path, keyframes in keyframed(manifest):
        for frame in keyframes if isinstance(keyframes, dict) else ():
            if frames is not None and isinstance(frame, int) and frame >= frames:
                yield Finding(
                    path=(*path, frame),
                    found=f"frame {frame} of an animation of {frames} frames",
                    allowed=f"allowed: frames from 0 to {frames - 1}",
                )


def keyframed(manifest: Data) -> Iterator[tuple[FieldPath, Any]]:
    """Yield the path and the written value of every field that takes keyframes."""
    match manifest:
        case {"model": dict(model)}:
            for field in ("loras", "ip_adapters"):
                for path, adapter in _each(("model", field), model.get(field)):
                    if isinstance(adapter, dict):
                        yield (*path, "scale"), adapter.get("scale")
    match manifest:
        case {"render": dict(render)}:
            for argument in (*KEYFRAMED_ARGUMENTS, "ip_adapter_image"):
                yield from _each(("render", argument), render.get(argument))


def _each(path: FieldPath, written: Any) -> Iterator[tuple[FieldPath, Any]]:
    """Yield the path and value of a field, or of each entry of a list."""
    if isinstance(written, list):
        yield from (((*path, number), entry) for number, entry in enumerate(written))
    else:
        yield path, written
