"""Whether IP-Adapters are made for the model's UNet, and see through the image encoder that they were trained with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from farm.manifest.findings import Finding
from farm.records import IpAdapter, ModelSource
from farm.render.checkpoints.architecture import Architecture
from farm.render.checkpoints.checkpoint_contents import read_settings, read_shapes
from farm.render.checkpoints.weights_file import Shape
from farm.run.fit.clauses import among, misfit, unequal
from farm.run.fit.files import find_weights
from farm.run.fit.image_encoder import encoder_findings, shared_encoder

_EYES = {"proj.weight": "projection_dim", "proj_in.weight": "hidden_size"}
"""What of the image encoder a plain adapter takes, and what a plus one."""


def ip_adapter_findings(
    adapters: Sequence[IpAdapter], source: ModelSource, model: Architecture
) -> Iterator[Finding]:
    """Yield what is wrong with IP-Adapters; nothing of those of the hub that are not on this machine yet."""
    if not adapters:
        return
    shared = shared_encoder(adapters, source, model)
    yield from encoder_findings(adapters, shared)
    encoder = (shared.folder and read_settings(shared.folder / "config.json")) or {}
    for number, adapter in enumerate(adapters):
        field = ("model", "ip_adapters", number)
        file = find_weights(
            field, adapter.source, adapter.weight_name, usual=adapter.weight_name, subfolder=adapter.subfolder
        )
        if isinstance(file, Finding):
            yield file
        elif isinstance(file, Path):
            clauses = _clauses(read_shapes(file), model, encoder)
            yield from misfit(
                (*field, "weight_name"),
                clauses,
                "an IP-Adapter for a model of this kind, and its image encoder",
            )


def _clauses(shapes: Mapping[str, Shape], model: Architecture, encoder: Mapping[str, Any]) -> Iterator[str]:
    context = {shape[-1] for name, shape in shapes.items() if shape and name.endswith("to_k_ip.weight")}
    if not context:
        yield "it holds no weights of an IP-Adapter"
    yield from among("cross_attention_dim", context, [model.denoiser.cross_attention_dim])
    for part, trait in _EYES.items():
        eye = shapes.get(f"image_proj.{part}")
        if eye:
            yield from unequal(f"image encoder's {trait}", eye[-1], encoder.get(trait))
