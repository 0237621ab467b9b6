"""The model: its located checkpoints, and everything that a renderer needs to load them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Determinism = Literal["strict", "fast"]
"""Whether a device must always produce the same bits, or may choose the fastest algorithm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """A located checkpoint.

    `pretrained` is the user's text; `location` is a folder, a `.safetensors` file or a hub id; `revision` is the full
    commit of a hub id, else empty; `fingerprint` changes whenever the weights may have changed (the commit, or a
    SHA-256 of the files).
    """

    pretrained: str
    kind: Literal["shipped", "folder", "file", "hub"]
    location: str
    revision: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraSpec:
    """A LoRA adapter. Its scale is a frame's argument, `lora_scale.<number>`: 1.0 is its trained strength."""

    source: ModelSource
    weight_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerSpec:
    """A diffusers scheduler class with overrides of its configuration; an empty class keeps the checkpoint's."""

    class_name: str
    config: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlNetSpec:
    """A ControlNet of the model. Its scale is a frame's argument, `controlnet_conditioning_scale.<number>`."""

    source: ModelSource
    subfolder: str
    variant: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IpAdapterSpec:
    """An adapter for image prompts. Its scale is a frame's argument, `ip_adapter_scale.<number>`.

    `image_encoder_folder` is relative to `source`, or to its `subfolder` if it contains no slash, as in diffusers.
    """

    source: ModelSource
    subfolder: str
    weight_name: str
    image_encoder_folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextualInversionSpec:
    """Learned embeddings of a word; if `token` is None, their file names the word."""

    source: ModelSource
    weight_name: str | None
    token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefinerSpec:
    """A second pipeline that continues from the first one's latents at `denoising_end`."""

    source: ModelSource
    variant: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySpec:
    """Options that reduce a renderer's memory use, at the cost of time or of the last bits.

    `attention` selects the implementation: `default` is torch's choice, `sliced` computes one head at a time.
    """

    offload: Literal["none", "model", "group", "sequential"] = "none"
    vae_slicing: bool = False
    vae_tiling: bool = False
    attention: Literal["default", "math", "flash", "efficient", "cudnn", "xformers", "sliced"] = "default"
    release_text_encoders: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffusersSpec:
    """Everything that a diffusers renderer needs to load a pipeline; equal specs share one loaded pipeline.

    `config` is the source of a single file's configuration, tokenizer and scheduler.
    """

    pipeline: str
    source: ModelSource
    config: ModelSource | None = None
    variant: str | None
    torch_dtype: Literal["float32", "float16", "bfloat16"]
    refiner: RefinerSpec | None = None
    controlnets: tuple[ControlNetSpec, ...] = ()
    ip_adapters: tuple[IpAdapterSpec, ...] = ()
    textual_inversions: tuple[TextualInversionSpec, ...] = ()
    loras: tuple[LoraSpec, ...]
    memory: MemorySpec = MemorySpec()
    determinism: Determinism


@dataclass(frozen=True, slots=True, kw_only=True)
class ProceduralSpec:
    """A renderer without a model, which draws a frame from its recipe alone.

    It sleeps `seconds_per_chunk` in each call, to simulate a model's time.
    """

    height: int = 64
    width: int = 64
    seconds_per_chunk: float = 0.0


RendererSpec = DiffusersSpec | ProceduralSpec
