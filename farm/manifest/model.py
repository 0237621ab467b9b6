"""The `model` section: pipeline, weights, adapters and memory options."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from farm.manifest.fields import Described, KeyframedScale, OneOf, Section, Text, not_allowed
from farm.manifest.pipelines import PIPELINES
from farm.manifest.schedulers import REFUSED, SCHEDULERS
from farm.manifest.sources import Commit, Pretrained, Source, Variant, WeightName
from farm.manifest.unknown_pipelines import explain_unknown_pipeline


class Memory(Section):
    """Options that reduce memory use at the cost of time, or of the last bits of the pictures."""

    offload: Literal["none", "model", "group", "sequential"] = "none"
    """What stays on the GPU. model: the active component; group: a few layers, slower; sequential: one, slowest."""

    vae_slicing: bool = False
    """Decode frames one at a time: slightly slower, but peak memory no longer grows with batch_size."""

    vae_tiling: bool = False
    """Decode large pictures in overlapping tiles: much less memory, but tones may differ slightly between tiles."""

    attention: Literal["default", "math", "flash", "efficient", "cudnn", "xformers", "sliced"] = "default"
    """default: torch chooses; sliced: one head at a time, slower; others: that kernel where it supports the shape."""

    release_text_encoders: bool = False
    """Unload text encoders once prompts are encoded; later prompts load them again."""


Folder = Annotated[str, Text(1000, words="the name of a folder in that repository or folder")]


class Configuration(Source):
    """The source of the configuration, tokenizer and scheduler of a single-file checkpoint."""


class Refiner(Source):
    """A second pipeline that continues from the first one's latents at `render.denoising_end`."""

    variant: Variant | None = None
    """The variant of the weights files, such as fp16."""


class ControlNet(Source):
    """A network that conditions the picture on another one, such as edges, depth or a pose."""

    subfolder: Folder = ""
    """Its folder within the repository or folder; empty for the top level."""

    variant: Variant | None = None
    """The variant of the weights files, such as fp16."""


class IpAdapter(Source):
    """An IP-Adapter, which accepts pictures as prompts (`render.ip_adapter_image`)."""

    subfolder: Folder = ""
    """The folder of the weights within the repository or folder; empty for the top level."""

    weight_name: WeightName
    """The `.safetensors` file in `subfolder`."""

    image_encoder_folder: Folder = "image_encoder"
    """The folder of the image encoder: inside `subfolder`, or from the top level if it contains a slash."""

    scale: KeyframedScale = 1.0
    """Strength of the picture relative to the text prompt: a number, or a map of frame to number."""


class TextualInversion(Source):
    """A textual-inversion embedding: a word learned from pictures."""

    weight_name: WeightName | None = None
    """The file in the repository or folder; null if there is only one."""

    token: Annotated[str, Text(100, least=1, words="a word, such as <cat-toy>")] | None = None
    """The word to use in prompts; null for the word named in the file."""


class Lora(Source):
    """A LoRA adapter for the model's weights."""

    weight_name: WeightName | None = None
    """The file in the repository or folder; null if there is only one."""

    scale: KeyframedScale = 1.0
    """Strength, 1 as trained: a number, or a map of frame to number."""


def _require_known(pipeline: object) -> object:
    if isinstance(pipeline, str) and pipeline in PIPELINES:
        return pipeline
    hint = explain_unknown_pipeline(pipeline) if isinstance(pipeline, str) else ""
    allowed = f"one of the diffusers pipelines that the farm supports: {', '.join(PIPELINES)}"
    raise not_allowed(allowed, choices=list(PIPELINES), hint=hint)


Pipeline = Annotated[
    str,
    BeforeValidator(_require_known, json_schema_input_type=str),
    Field(json_schema_extra={"enum": list(PIPELINES)}),
]

_Scalar = str | bool | int | Annotated[float, Field(allow_inf_nan=False)] | None
ConfigValue = Annotated[
    _Scalar | Annotated[tuple[_Scalar, ...], Field(strict=False)],
    Described("text, a finite number, true, false, null, or a list of these"),
]


SchedulerName = Annotated[
    str,
    OneOf(
        SCHEDULERS,
        "a diffusers scheduler that the farm supports, such as DDIMScheduler",
        REFUSED,
    ),
]


class Scheduler(Section):
    """A diffusers scheduler in place of the checkpoint's own."""

    model_config = ConfigDict(validate_by_alias=True, validate_by_name=True)

    class_: Annotated[SchedulerName, Field(alias="class")]
    """The name of the class in diffusers."""

    config: dict[str, ConfigValue] = Field(default_factory=dict)
    """Settings that override the checkpoint's scheduler configuration."""


class Model(Section):
    """The diffusers pipeline and its weights."""

    pipeline: Pipeline
    """A diffusers pipeline class."""

    pretrained: Pretrained
    """A hub id (`org/name`), a local folder, a `.safetensors` file, or the name of a shipped checkpoint."""

    revision: Commit | None = None
    """The full commit of a hub id; a branch can move, and change the pictures."""

    config: Configuration | None = None
    """The source of a `.safetensors` file's configuration, which it requires; null otherwise."""

    variant: Variant | None = None
    """The variant of the weights files, such as fp16."""

    torch_dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    """The floating-point type of the computation."""

    scheduler: Scheduler | None = None
    """The scheduler (sampler); null for the checkpoint's own."""

    refiner: Refiner | None = None
    """A second pipeline for the last steps of Stable Diffusion XL; null for none."""

    controlnets: Annotated[tuple[ControlNet, ...], Field(strict=False, max_length=10)] = ()
    """ControlNets to apply, each with its own control picture."""

    ip_adapters: Annotated[tuple[IpAdapter, ...], Field(strict=False, max_length=10)] = ()
    """IP-Adapters to load, which accept pictures as prompts."""

    textual_inversions: Annotated[tuple[TextualInversion, ...], Field(strict=False, max_length=100)] = ()
    """Textual-inversion embeddings to load."""

    loras: Annotated[tuple[Lora, ...], Field(strict=False, max_length=100)] = ()
    """LoRA adapters to load, in this order."""

    memory: Memory = Memory()
    """Options that reduce memory use."""
