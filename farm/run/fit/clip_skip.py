"""Whether the text encoders have as many layers as are left out."""

from __future__ import annotations

from collections.abc import Iterator

from farm.manifest.findings import Finding
from farm.manifest.pipelines import PIPELINES
from farm.manifest.render import Render
from farm.records import DiffusersSpec, ModelSource
from farm.render.checkpoints.checkpoint_contents import contents_of, read_settings

_CLIP = ("text_encoder", "text_encoder_2")


def clip_skip_findings(render: Render, spec: DiffusersSpec) -> Iterator[Finding]:
    """Yield a clip_skip beyond what a text encoder has; nothing of one that is not on this machine yet.

    diffusers takes the output that many layers before the last; of two encoders, that before the last to begin with.
    """
    asked = render.clip_skip
    if asked is None:
        return
    sources = [spec.config or spec.source, *([spec.refiner.source] if spec.refiner else [])]
    begins = 1 if "text_encoder_2" in PIPELINES[spec.pipeline].components else 0
    for source in sources:
        for name in _CLIP:
            layers = _layers(source, name)
            if layers is not None and asked > layers - begins:
                yield Finding(
                    path=("render", "clip_skip"),
                    found=f"found {asked}, and the {name} of {source.pretrained} has {layers} layers",
                    allowed=f"allowed: 1 to {layers - begins}, or null for none",
                )
                return


def _layers(source: ModelSource, encoder: str) -> int | None:
    place = contents_of(source)
    config = read_settings(place / encoder / "config.json") if place else None
    layers = config.get("num_hidden_layers") if config else None
    return layers if isinstance(layers, int) else None
