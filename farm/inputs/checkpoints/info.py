"""Reads a checkpoint's architecture and settings from its files on this machine. Needs no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farm.errors import ModelError
from farm.inputs.checkpoints.bounded_json import read_json
from farm.inputs.checkpoints.hub_cache import cached_snapshot
from farm.inputs.checkpoints.layout import INDEX
from farm.inputs.checkpoints.safetensors_header import Shape, read_header
from farm.inputs.checkpoints.source import local_path
from farm.records import ModelSource


def contents_of(source: ModelSource) -> Path | None:
    """Return a checkpoint's folder or file on this machine; None if it was not fetched yet."""
    if source.kind != "hub":
        return Path(local_path(source))
    return cached_snapshot(source.location, source.revision)


def read_settings(file: Path) -> dict[str, Any] | None:
    """Return the object in a JSON file; None if it is missing or is not an object."""
    try:
        settings = read_json(file)
    except (OSError, ModelError):
        return None
    return settings if isinstance(settings, dict) else None


def read_shapes(file: Path) -> Mapping[str, Shape]:
    """Return the shapes of a safetensors file's tensors by name, from its header; empty if it has none."""
    try:
        return read_header(file)
    except (OSError, ModelError):
        return {}


_MAX_NUMBER = 2**20
"""Maximum number of channels, heads, layers or pixels; larger numbers count as unknown."""
_MAX_ENTRIES = 64
"""Maximum entries of a list, such as the stages of a UNet or autoencoder."""

_UNET = "model.diffusion_model."
_STAGE = re.compile(r"first_stage_model\.encoder\.down\.(\d+)\.")
"""A stage of the autoencoder; all but the first halve the resolution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Denoiser:
    """A UNet, a ControlNet, or a transformer; absent or unknown traits are None or empty.

    `width` is that of a transformer's tokens; `patch` is the height and width of a token in latents.
    """

    class_name: str
    in_channels: int | None = None
    cross_attention_dim: int | None = None
    block_out_channels: tuple[int, ...] = ()
    layers_per_block: int | None = None
    takes_sizes: bool = False
    """Whether it takes picture sizes and pooled text embeddings, like Stable Diffusion XL's."""
    takes_guidance: bool = False
    """Whether it takes the guidance scale, like a latent consistency model's."""
    width: int | None = None
    patch: int = 1
    sample_size: int | None = None
    """The default height and width of a picture in latents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A pipeline's parts; unknown traits are None.

    `components` are classes by name, None for a single file. A latent has `latent_channels`, and covers `vae_factor` by
    `vae_factor` pixels. `text_widths` are the widths of the text encoders' tokens.
    """

    components: Mapping[str, str] | None
    denoiser: Denoiser
    vae_factor: int | None
    latent_channels: int | None
    text_widths: Mapping[str, int]

    @property
    def step(self) -> int:
        """The number of pixels of which a picture's height and width must be multiples.

        A denoiser with four times the latent's channels takes latents packed in squares of two by two.
        """
        latent, channels = self.latent_channels, self.denoiser.in_channels
        patch = 2 if latent and channels == 4 * latent else self.denoiser.patch
        return (self.vae_factor or 1) * patch


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointInfo:
    """The settings in a pipeline's checkpoint; None or empty if they are missing or not on this machine yet.

    `scheduler` contains the settings of the checkpoint's own scheduler, `encoder_layers` the number of layers of each
    CLIP text encoder.
    """

    source: ModelSource
    architecture: Architecture | None
    scheduler: Mapping[str, object]
    encoder_layers: Mapping[str, int]
    guidance_embeds: bool | None
    """Whether the transformer takes the guidance scale as an input, like distilled models."""
    requires_aesthetics_score: bool | None

    @property
    def scheduler_class(self) -> str:
        """The class of the checkpoint's own scheduler, or an empty string."""
        return str(self.scheduler.get("_class_name", ""))


def read_checkpoint(source: ModelSource) -> CheckpointInfo:
    """Read the configuration files of a pipeline's checkpoint, or the header of a single file."""
    folder = contents_of(source)

    def settings(name: str) -> dict[str, Any] | None:
        return read_settings(folder / name) if folder else None

    def flag(name: str, setting: str) -> bool | None:
        config = settings(name)
        return None if config is None else bool(config.get(setting))

    layers = {
        encoder: (settings(f"{encoder}/config.json") or {}).get("num_hidden_layers")
        for encoder in ("text_encoder", "text_encoder_2")
    }
    return CheckpointInfo(
        source=source,
        architecture=read_architecture(source),
        scheduler=settings("scheduler/scheduler_config.json") or {},
        encoder_layers={encoder: count for encoder, count in layers.items() if isinstance(count, int)},
        guidance_embeds=flag("transformer/config.json", "guidance_embeds"),
        requires_aesthetics_score=flag(INDEX, "requires_aesthetics_score"),
    )


_VARIANT = re.compile(r"\w+?(?:-\d{5}-of-\d{5})?\.([\w-]+?)(?:-\d{5}-of-\d{5})?\.safetensors", re.ASCII)
"""`model.fp16.safetensors`, in one file or in shards."""


def read_variants(source: ModelSource, subfolder: str = "") -> tuple[str, ...] | None:
    """Return the variants of the weights in a folder, sorted.

    None if they are unknown: for a single file, or a hub repository, which may contain more files than its cache.
    """
    folder = contents_of(source)
    if source.kind == "hub" or folder is None or not folder.is_dir():
        return None
    matches = (_VARIANT.fullmatch(file.name) for file in (folder / subfolder).rglob("*.safetensors"))
    return tuple(sorted({match[1] for match in matches if match}))


def read_architecture(source: ModelSource) -> Architecture | None:
    """Return the architecture of a checkpoint; None if its files are not on this machine yet, or it is unknown."""
    path = contents_of(source)
    if path is None:
        return None
    return _of_file(path) if path.is_file() else _of_folder(path)


def read_denoiser(config: Mapping[str, Any]) -> Denoiser:
    """Return the traits of a UNet, ControlNet or transformer from its configuration."""
    name = _name(config.get("_class_name"))
    heads, head = (
        _positive_int(config.get("num_attention_heads")),
        _positive_int(config.get("attention_head_dim")),
    )
    patch = config.get("patch_size", next(iter(_row(config.get("all_patch_size"))), None))
    return Denoiser(
        class_name=name,
        in_channels=_positive_int(config.get("in_channels")),
        cross_attention_dim=_positive_int(config.get("cross_attention_dim")),
        block_out_channels=_row(config.get("block_out_channels")),
        layers_per_block=_positive_int(config.get("layers_per_block")),
        takes_sizes=config.get("addition_embed_type") == "text_time",
        takes_guidance=config.get("time_cond_proj_dim") is not None,
        width=heads * head if heads and head else _positive_int(config.get("dim")),
        patch=_positive_int(patch) or 1,
        sample_size=_positive_int(config.get("sample_size")),
    )


def _of_folder(folder: Path) -> Architecture | None:
    index = read_settings(folder / INDEX)
    if index is None:
        return None
    components = {
        name: str(value[1])
        for name, value in index.items()
        if isinstance(value, list) and len(value) == 2 and value[1] is not None
    }
    config = {name: read_settings(folder / name / "config.json") or {} for name in components}
    vae = config.get("vae") or config.get("vqvae") or {}
    widths = {
        name: _positive_int(config[name].get("hidden_size"))
        for name in components
        if name.startswith("text_encoder")
    }
    return Architecture(
        components=components,
        denoiser=read_denoiser(config.get("transformer") or config.get("unet") or {}),
        vae_factor=_factor(vae),
        latent_channels=_positive_int(vae.get("latent_channels", vae.get("z_dim"))),
        text_widths={name: width for name, width in widths.items() if width is not None},
    )


def _of_file(file: Path) -> Architecture | None:
    """Return the architecture of a file in the original layout of Stable Diffusion; None for other layouts."""
    shapes = read_shapes(file)
    unet = {name.removeprefix(_UNET): shape for name, shape in shapes.items() if name.startswith(_UNET)}
    if "input_blocks.0.0.weight" not in unet:
        return None
    widths = [shape[-1] for name, shape in unet.items() if name.endswith("attn2.to_k.weight")]
    stages = [int(match[1]) for match in map(_STAGE.match, shapes) if match]
    latent = shapes.get("first_stage_model.post_quant_conv.weight")
    return Architecture(
        components=None,
        denoiser=Denoiser(
            class_name="UNet2DConditionModel",
            in_channels=unet["input_blocks.0.0.weight"][1],
            cross_attention_dim=widths[0] if widths else None,
            takes_sizes="label_emb.0.0.weight" in unet,
            takes_guidance=any("cond_proj" in name for name in unet),
        ),
        vae_factor=2 ** max(stages) if stages else None,
        latent_channels=latent[0] if latent else None,
        text_widths={},
    )


def _factor(vae: Mapping[str, Any]) -> int | None:
    """Return the height and width of a latent in pixels, calculated as in diffusers' pipelines."""
    stages = _row(vae.get("block_out_channels", vae.get("encoder_block_out_channels")))
    halvings = len(stages) - 1 if stages else len(_row(vae.get("temperal_downsample")))
    return 2**halvings if stages or halvings else None


def _positive_int(value: object) -> int | None:
    return value if type(value) is int and 0 < value <= _MAX_NUMBER else None


def _row(value: object) -> tuple[Any, ...]:
    entries = value if isinstance(value, list) and len(value) <= _MAX_ENTRIES else []
    return (
        tuple(entries)
        if all(isinstance(entry, str | bool) or _positive_int(entry) for entry in entries)
        else ()
    )


def _name(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= 100 and value.isidentifier() else ""
