"""Whether a LoRA is trained for a model of this kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from farm.manifest.findings import Finding
from farm.manifest.location import FieldPath
from farm.records import Lora
from farm.render.checkpoints.adapter_files import USUAL_LORA
from farm.render.checkpoints.architecture import Architecture
from farm.render.checkpoints.checkpoint_contents import read_shapes
from farm.render.checkpoints.lora_shapes import LoraShapes, read_lora
from farm.run.fit.clauses import among, misfit, word_widths
from farm.run.fit.files import find_weights


def lora_findings(field: FieldPath, lora: Lora, model: Architecture) -> Iterator[Finding]:
    """Yield what is wrong with a LoRA; nothing where the hub's is not on this machine yet."""
    file = find_weights(field, lora.source, lora.weight_name, usual=USUAL_LORA)
    if isinstance(file, Finding):
        yield file
    elif isinstance(file, Path):
        clauses = _clauses(read_lora(read_shapes(file)), model)
        yield from misfit((*field, "pretrained"), clauses, "a LoRA trained for a model of this kind")


def _clauses(lora: LoraShapes | None, model: Architecture) -> Iterator[str]:
    net = model.denoiser
    has = "unet" if net.class_name.startswith("UNet") else "transformer"
    if lora is None:
        yield "it holds no weights of a LoRA"
    elif net.class_name and lora.net not in (None, has):
        yield f"it is for a {lora.net}, and the model has a {has}"
    else:
        yield from among("cross_attention_dim", lora.context, [net.cross_attention_dim])
        yield from among("width of attention", lora.tokens, net.block_out_channels or [net.width])
        yield from word_widths(lora.words, model)
