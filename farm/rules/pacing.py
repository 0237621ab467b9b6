"""Pacing by a pilot, whose frames may differ from the job's only in their alphas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.manifest.findings import Finding, describe_value
from farm.rules.animation import animation_finding, frame_count, keyframed

MAX_PACED_FRAMES = 10_000
"""Maximum number of alphas that a pilot resolves and the resolved manifest lists."""

Data = Mapping[Any, Any]


def pacing_checks(manifest: Data) -> Iterator[Finding]:
    """Yield everything that prevents a pilot from choosing alphas; nothing if the manifest lists alphas."""
    match manifest:
        case {
            "animation": {"kind": "interpolate", "pacing": "perceptual" | "clip" as pacing, **animation}
        } if animation.get("alphas") is None:
            suffix = f"with pacing {pacing}"
            yield from _motion(animation, suffix)
            yield from _keyframes(manifest, suffix)
            yield from _clip_model(manifest, pacing)


def _motion(animation: Data, suffix: str) -> Iterator[Finding]:
    prompts, frames = animation.get("prompts"), frame_count(animation)
    if isinstance(prompts, dict):
        yield animation_finding(
            "prompts", f"a map of prompts {suffix}", "allowed: a list, whose frames the pacing chooses"
        )
    elif isinstance(prompts, list) and frames is not None and frames <= len(prompts):
        found = f"{frames} frames for {len(prompts)} prompts {suffix}"
        yield animation_finding(
            "frames", found, f"needed: at least {len(prompts) + 1}, since each prompt keeps its frame"
        )
    if frames is not None and frames > MAX_PACED_FRAMES:
        yield animation_finding("frames", f"{frames} frames {suffix}", f"allowed: up to {MAX_PACED_FRAMES}")
    easing = animation.get("easing", "linear")
    if isinstance(easing, str) and easing != "linear":
        yield animation_finding(
            "easing",
            f"found {describe_value(easing)} {suffix}",
            "allowed: linear, since the pacing sets the timing",
        )
    match animation.get("noise"):
        case {"mode": "per_frame"}:
            allowed = "allowed: fixed, keyframes; with per-frame noise, every frame differs from all others"
            yield animation_finding(("noise", "mode"), f"found 'per_frame' {suffix}", allowed)


def _keyframes(manifest: Data, suffix: str) -> Iterator[Finding]:
    for path, written in keyframed(manifest):
        if isinstance(written, dict) and any(
            value != next(iter(written.values())) for value in written.values()
        ):
            allowed = "allowed: one value for all frames, since a pilot renders other frames"
            yield Finding(path=path, found=f"keyframes {suffix}", allowed=allowed)


def _clip_model(manifest: Data, pacing: str) -> Iterator[Finding]:
    if pacing != "clip":
        return
    match manifest:
        case {"analysis": {"clip": clip}} if clip is not None and clip is not False:
            return
        case {"analysis": analysis} if not isinstance(analysis, dict | bool | None):
            return  # the schema reports it
    allowed = "needed: a CLIPModel as analysis.clip.pretrained; or pacing perceptual, which needs no model"
    yield animation_finding("pacing", "'clip' without analysis.clip", allowed)
