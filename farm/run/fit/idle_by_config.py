"""Arguments that the checkpoint's own configuration leaves without effect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from farm.manifest import Manifest
from farm.manifest.findings import Finding
from farm.manifest.pipelines import PIPELINES
from farm.records import DiffusersSpec, ModelSource
from farm.render.checkpoints.checkpoint_contents import contents_of, read_settings
from farm.render.checkpoints.checkpoint_folder import INDEX
from farm.run.fit.asked_for import idle, is_asked, most, place

_SCORES = ("aesthetic_score", "negative_aesthetic_score")


def idle_by_config_remarks(manifest: Manifest, spec: DiffusersSpec) -> Iterator[Finding]:
    """Yield what the checkpoint is not told; nothing of one whose configuration is not on this machine yet."""
    own = spec.config or spec.source
    is_led = "true_cfg_scale" in PIPELINES[spec.pipeline].arguments
    is_told = is_asked(manifest, "guidance_scale") and most(manifest, "guidance_scale") > 0
    if is_led and is_told and _is_off(own, "transformer/config.json", "guidance_embeds"):
        yield idle(
            place(manifest, "guidance_scale"),
            f"a model distilled from guidance (guidance_embeds), which {own.pretrained} is not",
        )
    scored = spec.refiner.source if spec.refiner else own
    if _is_off(scored, INDEX, "requires_aesthetics_score"):
        for name in _SCORES:
            if is_asked(manifest, name):
                yield idle(
                    ("render", name),
                    f"a model told of scores (requires_aesthetics_score), which {scored.pretrained} is not",
                )


def _is_off(source: ModelSource, file: str, setting: str) -> bool:
    """Whether a configuration is there and does not switch a setting on; diffusers has both off unless told."""
    folder = contents_of(source)
    settings: dict[str, Any] | None = read_settings(folder / file) if folder else None
    return settings is not None and not settings.get(setting)
