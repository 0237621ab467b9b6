"""A single file holds weights only: its configuration is said beside it, so that it is part of what is rendered."""

from __future__ import annotations

from collections.abc import Iterator

from farm.manifest.checks.asked import Asked
from farm.manifest.reading.findings import Finding

_FILE = ".safetensors"
_SD = "stable-diffusion-v1-5/stable-diffusion-v1-5"
_SD_INPAINTING = "stable-diffusion-v1-5/stable-diffusion-inpainting"
_XL = "stabilityai/stable-diffusion-xl-base-1.0"
_USUAL = {
    "StableDiffusionInpaintPipeline": f"{_SD_INPAINTING} or {_SD}",
    "StableDiffusionControlNetInpaintPipeline": f"{_SD_INPAINTING} or {_SD}",
    "StableDiffusionXLInpaintPipeline": f"diffusers/stable-diffusion-xl-1.0-inpainting-0.1 or {_XL}",
    "StableDiffusion3Pipeline": "stabilityai/stable-diffusion-3-medium-diffusers",
    "FluxPipeline": "black-forest-labs/FLUX.1-dev",
}
"""Of which model single files for a pipeline mostly are, where it is not the base of Stable Diffusion 1.5 or XL."""


def single_file_checks(asked: Asked) -> Iterator[Finding]:
    """Yields a single file without configuration, and a configuration that is none or is beside none."""
    if "config" not in asked.traits.parts:
        return
    match asked.model:
        case {"pretrained": str(pretrained), "config": dict()} if not pretrained.endswith(_FILE):
            yield Finding(
                path=("model", "config"),
                found=f"a configuration beside {pretrained!r}, which brings its own",
                allowed=f"allowed: beside a {_FILE} file",
            )
        case {"pretrained": str(pretrained)} if pretrained.endswith(_FILE) and not asked.model.get("config"):
            yield Finding(
                path=("model", "config"),
                found="missing",
                allowed="needed: a hub id with its commit, or a folder, of which the file has its architecture, words "
                "and scheduler, since it holds weights only",
                hint=f"For {asked.pipeline} it is mostly {_usual(asked.pipeline)}.",
            )
    match asked.model:
        case {"config": {"pretrained": str(pretrained)}} if pretrained.endswith(_FILE):
            yield Finding(
                path=("model", "config", "pretrained"),
                found=f"found {pretrained!r}, which holds weights only",
                allowed="allowed: a hub id or a folder",
            )


def _usual(pipeline: str) -> str:
    return _USUAL.get(pipeline, _XL if "XL" in pipeline else _SD)
