"""Whether a ControlNet is made for the model's UNet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from farm.manifest.findings import Finding
from farm.manifest.location import FieldPath
from farm.records import ControlNet
from farm.render.checkpoints.architecture import Architecture, read_denoiser
from farm.render.checkpoints.checkpoint_contents import contents_of, read_settings
from farm.run.fit.clauses import misfit, unequal

_MOST_STAGES = 64


def controlnet_findings(field: FieldPath, net: ControlNet, model: Architecture) -> Iterator[Finding]:
    """Yield what is wrong with a ControlNet; nothing where the hub's is not on this machine yet."""
    place = contents_of(net.source)
    config = read_settings(place / net.subfolder / "config.json") if place else None
    if config is not None:
        clauses = _clauses(config, model)
        yield from misfit((*field, "pretrained"), clauses, "a ControlNet made for this model's UNet")
    elif net.source.kind != "hub":
        where = f"{net.subfolder} of {net.source.pretrained}" if net.subfolder else net.source.pretrained
        yield Finding(
            path=(*field, "subfolder" if net.subfolder else "pretrained"),
            found=f"there is no config.json in {where}",
            allowed="needed: the folder of a ControlNetModel, with its configuration",
        )


def _clauses(config: Mapping[str, Any], model: Architecture) -> Iterator[str]:
    net, unet = read_denoiser(config), model.denoiser
    if net.class_name != "ControlNetModel":
        yield f"it is a {net.class_name or 'model of no name'}, not a ControlNetModel"
        return
    yield from unequal("cross_attention_dim", net.cross_attention_dim, unet.cross_attention_dim)
    yield from unequal("block_out_channels", net.block_out_channels, unet.block_out_channels)
    yield from unequal("layers_per_block", net.layers_per_block, unet.layers_per_block)
    yield from unequal("in_channels", net.in_channels, model.latent_channels)
    hints = config.get("conditioning_embedding_out_channels")
    if isinstance(hints, list) and 0 < len(hints) <= _MOST_STAGES:
        # One halving less than channel counts: as high and wide as a latent in the end.
        yield from unequal("number of pixels per latent", 2 ** (len(hints) - 1), model.vae_factor)
