"""The `model` section: pipeline, weights, adapters and memory options."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from farm.manifest.fields import NOT_ALLOWED, Described, KeyframedScale, OneOf, Section, Text
from farm.manifest.findings import did_you_mean
from farm.manifest.pipelines import PIPELINES
from farm.manifest.schedulers import REFUSED, SCHEDULERS
from farm.manifest.sources import Commit, Pretrained, Source, Variant, WeightName
from farm.manifest.unknown_pipelines import what_it_takes


class Memory(Section):
    """How less memory is needed; each option trades time, or the last bits of the pictures, for it."""

    offload: Literal["none", "model", "group", "sequential"] = "none"
    """model: only the part at work is on the GPU, a little slower; group: some layers; sequential: one layer, slow."""

    vae_slicing: bool = False
    """Frames are decoded one at a time: the peak at the end no longer grows with batch_size, a little slower."""

    vae_tiling: bool = False
    """Large pictures are decoded in overlapping tiles: much less memory, but the tiles' tones may differ faintly."""

    attention: Literal["default", "math", "flash", "efficient", "cudnn", "xformers", "sliced"] = "default"
    """default: torch's choice; sliced: a head at a time, slower; others: that kernel where it takes the shape."""

    release_text_encoders: bool = False
    """Text encoders leave memory once prompts are encoded; prompts that come later cost loading them again."""


Folder = Annotated[str, Text(1000, words="a folder's name in that repository or folder")]


class Configuration(Source):
    """Where a single file's configuration, tokenizer and scheduler come from."""


class Refiner(Source):
    """A second pipeline that goes on with the first one's latents from `render.denoising_end` on."""

    variant: Variant | None = None
    """Which set of weights files to take, such as fp16."""


class ControlNet(Source):
    """A net that makes the picture follow another one: its edges, its depth, a pose."""

    subfolder: Folder = ""
    """The folder in that repository or folder that holds it; empty for none."""

    variant: Variant | None = None
    """Which set of weights files to take, such as fp16."""


class IpAdapter(Source):
    """An adapter that lets pictures be prompts (`render.ip_adapter_image`)."""

    subfolder: Folder = ""
    """The folder in that repository or folder that holds the weights; empty for none."""

    weight_name: WeightName
    """The `.safetensors` file in it."""

    image_encoder_folder: Folder = "image_encoder"
    """The folder of the image encoder: within `subfolder`, or from the top where it holds a slash."""

    scale: KeyframedScale = 1.0
    """How strongly the picture acts beside the words: a number, or a map of frame to number."""


class TextualInversion(Source):
    """A word that was learned from pictures."""

    weight_name: WeightName | None = None
    """The file in that repository or folder; null where there is only one."""

    token: Annotated[str, Text(100, least=1, words="a word, such as <cat-toy>")] | None = None
    """How prompts say it; null for the word that the file names."""


class Lora(Source):
    """A LoRA adapter laid over the model's weights."""

    weight_name: WeightName | None = None
    """The file in that repository or folder; null where there is only one."""

    scale: KeyframedScale = 1.0
    """How strongly it acts, 1 as trained: a number, or a map of frame to number."""


def _known(pipeline: object) -> object:
    if isinstance(pipeline, str) and pipeline in PIPELINES:
        return pipeline
    hints = [did_you_mean(pipeline, PIPELINES), what_it_takes(pipeline)] if isinstance(pipeline, str) else []
    context = {
        "allowed": f"one of the diffusers pipelines that the farm renders with: {', '.join(PIPELINES)}",
        "hint": " ".join(filter(None, hints)),
    }
    raise PydanticCustomError(NOT_ALLOWED, "{allowed}", context)


Pipeline = Annotated[
    str,
    BeforeValidator(_known, json_schema_input_type=str),
    Field(json_schema_extra={"enum": list(PIPELINES)}),
]

_Scalar = str | bool | int | Annotated[float, Field(allow_inf_nan=False)] | None
ConfigValue = Annotated[
    _Scalar | Annotated[tuple[_Scalar, ...], Field(strict=False)],
    Described("a text, a finite number, true, false, null, or a list of these"),
]


SchedulerName = Annotated[
    str,
    OneOf(
        SCHEDULERS,
        "a diffusers scheduler that the farm renders with, such as DDIMScheduler",
        REFUSED,
    ),
]


class Scheduler(Section):
    """A diffusers scheduler instead of the checkpoint's own."""

    model_config = ConfigDict(validate_by_alias=True, validate_by_name=True)

    class_: Annotated[SchedulerName, Field(alias="class")]
    """The class's name in diffusers."""

    config: dict[str, ConfigValue] = Field(default_factory=dict)
    """What differs from the checkpoint's own scheduler configuration."""


class Model(Section):
    """Which diffusers pipeline renders, with which weights."""

    pipeline: Pipeline
    """A diffusers pipeline class."""

    pretrained: Pretrained
    """A hub id (`org/name`), a local folder, a `.safetensors` file, or the name of a shipped checkpoint."""

    revision: Commit | None = None
    """The full commit of a hub id: a branch moves, and so would the pictures."""

    config: Configuration | None = None
    """Where a `.safetensors` file's configuration comes from, which needs one; null for all else."""

    variant: Variant | None = None
    """Which set of weights files to take, such as fp16."""

    torch_dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    """The number type the model computes in."""

    scheduler: Scheduler | None = None
    """The sampler; null keeps the checkpoint's own."""

    refiner: Refiner | None = None
    """A second pipeline for the last steps of Stable Diffusion XL; null for none."""

    controlnets: Annotated[tuple[ControlNet, ...], Field(strict=False, max_length=10)] = ()
    """Nets that make the picture follow others, each its own."""

    ip_adapters: Annotated[tuple[IpAdapter, ...], Field(strict=False, max_length=10)] = ()
    """Adapters that let pictures be prompts."""

    textual_inversions: Annotated[tuple[TextualInversion, ...], Field(strict=False, max_length=100)] = ()
    """Words that were learned."""

    loras: Annotated[tuple[Lora, ...], Field(strict=False, max_length=100)] = ()
    """Adapters, laid over the model in this order."""

    memory: Memory = Memory()
    """How less memory is needed."""
