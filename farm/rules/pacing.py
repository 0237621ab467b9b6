"""Whether a pilot can choose the alphas: its frames must be those of the job at other places, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.manifest.findings import Finding, describe_value
from farm.manifest.location import FieldPath
from farm.rules.animation import frame_count, keyframed

MOST_FRAMES = 10_000
"""So many are told apart on the way from prompt to prompt, and listed in the resolved manifest."""

Data = Mapping[Any, Any]


def pacing_checks(manifest: Data) -> Iterator[Finding]:
    """Yields whatever keeps alphas from being chosen; listed ones were, by whomever."""
    match manifest:
        case {
            "animation": {"kind": "interpolate", "pacing": "perceptual" | "clip" as pacing, **animation}
        } if animation.get("alphas") is None:
            beside = f"beside pacing {pacing}"
            yield from _motion(animation, beside)
            yield from _keyframes(manifest, beside)
            yield from _judge(manifest, pacing)


def _motion(animation: Data, beside: str) -> Iterator[Finding]:
    prompts, frames = animation.get("prompts"), frame_count(animation)
    if isinstance(prompts, dict):
        yield _told(
            "prompts", f"a map of prompts {beside}", "allowed: a list, whose frames the pacing chooses"
        )
    elif isinstance(prompts, list) and frames is not None and frames <= len(prompts):
        found = f"{frames} frames for {len(prompts)} prompts {beside}"
        yield _told(
            "frames", found, f"needed: at least {len(prompts) + 1}, since prompts stay where they are"
        )
    if frames is not None and frames > MOST_FRAMES:
        yield _told("frames", f"{frames} frames {beside}", f"allowed: up to {MOST_FRAMES}")
    easing = animation.get("easing", "linear")
    if isinstance(easing, str) and easing != "linear":
        yield _told(
            "easing",
            f"found {describe_value(easing)} {beside}",
            "allowed: linear, since the pacing says it all",
        )
    match animation.get("noise"):
        case {"mode": "per_frame"}:
            allowed = "allowed: fixed, keyframes; with noise of its own every frame differs from all others"
            yield _told(("noise", "mode"), f"found 'per_frame' {beside}", allowed)


def _keyframes(manifest: Data, beside: str) -> Iterator[Finding]:
    for path, written in keyframed(manifest):
        if isinstance(written, dict) and any(
            value != next(iter(written.values())) for value in written.values()
        ):
            allowed = "allowed: what is the same in every frame, as a pilot has other frames"
            yield Finding(path=path, found=f"keyframes {beside}", allowed=allowed)


def _judge(manifest: Data, pacing: str) -> Iterator[Finding]:
    if pacing != "clip":
        return
    match manifest:
        case {"analysis": {"clip": clip}} if clip is not None and clip is not False:
            return
        case {"analysis": analysis} if not isinstance(analysis, dict | bool | None):
            return  # wrong by itself
    allowed = "needed: a CLIPModel as analysis.clip.pretrained; or pacing perceptual, which needs no model"
    yield _told("pacing", "'clip' without analysis.clip", allowed)


def _told(field: str | FieldPath, found: str, allowed: str) -> Finding:
    path = (field,) if isinstance(field, str) else field
    return Finding(path=("animation", *path), found=found, allowed=allowed)
