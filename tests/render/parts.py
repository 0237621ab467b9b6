"""Additions to a model: their form for the farm, and the equivalent code for diffusers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import diffusers
import torch
from compel import CompelForSD, CompelForSDXL
from PIL import Image
from safetensors.torch import load_file

from farm.inputs.checkpoints.source import find_source
from farm.manifest.pipelines import PIPELINES
from farm.records import ControlNetSpec, ImagePrompt, IpAdapterSpec, LoraSpec, TextualInversionSpec
from tests.checkpoints.ip_adapter import save_ip_adapter
from tests.checkpoints.lora import save_lora
from tests.checkpoints.textual_inversion import (
    TOKEN,
    WEIGHTS,
    save_textual_inversion,
    save_textual_inversion_xl,
)
from tests.ldm_layout import save_as_single_file
from tests.render.frames import picture_of
from tests.sd3_layout import save_sd3_as_single_file

WEIGHTED = (
    "a (red)1.5 star",
    "a blue circle++ on a green square",
    "a white cat at night on the beach, " * 12,
)

"""Prompts in the syntax of compel; the last is longer than 77 tokens."""

NEGATIVE = "(dull)1.2"

OTHERS: Mapping[str, Any] = {
    "num_inference_steps": 5,
    "guidance_scale": 3.0,
    "true_cfg_scale": 2.0,
    "negative_prompt": "dull",
    "eta": 0.5,
    "guidance_rescale": 0.7,
    "clip_skip": 1,
    "max_sequence_length": 64,
    "original_inference_steps": 20,
    "use_resolution_binning": True,
    "strength": 0.5,
    "controlnet_conditioning_scale": 0.6,
    "control_guidance_start": 0.1,
    "control_guidance_end": 0.7,
    "guess_mode": True,
    "original_size": (32, 24),
    "target_size": (24, 8),
    "crops_coords_top_left": (3, 5),
    "negative_original_size": (8, 8),
    "negative_target_size": (8, 24),
    "negative_crops_coords_top_left": (1, 2),
    "aesthetic_score": 7.0,
    "negative_aesthetic_score": 1.5,
}
"""Arguments of calls with values other than any pipeline's default; sizes follow from the way."""

FOR_ONE_PICTURE = ("negative_original_size", "negative_target_size")
"""Those that diffusers' SDXL supports for one picture at a time."""

TESTED_ELSEWHERE = {
    "padding_mask_crop": "test_repainting.py",
    "depth_map": "test_depth.py",
    "denoising_end": "test_sdxl.py",
}
"""Arguments that another test covers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An addition to a model, in the form for each side.

    For the farm: `spec`, of what it loads, `frame`, of each recipe, and `before`, of another that must leave no trace.
    For diffusers: `loaded`, the arguments that load its pipeline, and `apply`, which adds the part to it and returns
    more arguments of the call; or another `model` for both. A part that `changes` nothing gives the same pictures as
    the model without it.
    """

    prompts: Sequence[str] = ()
    spec: Mapping[str, Any] = field(default_factory=dict)
    frame: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)
    loaded: Mapping[str, Any] = field(default_factory=dict)
    apply: Callable[[Any], Mapping[str, Any]] = lambda pipeline: {}
    model: Path | None = None
    changes: bool = True


def source(folder: Path) -> Any:
    """Find the files of a part."""
    return find_source(str(folder), None, folder, holds="adapter")


def lora(way: Any, folder: Path) -> Part:
    save_lora(folder, model=way.model, pipeline=way.way.pipeline)

    def apply(pipeline: Any) -> Mapping[str, Any]:
        pipeline.load_lora_weights(folder, adapter_name="style")
        pipeline.set_adapters(["style"], adapter_weights=[0.7])
        return {}

    return Part(
        spec={"loras": (LoraSpec(source=source(folder), weight_name=None),)},
        frame={"lora_scale.0": 0.7},
        before={"lora_scale.0": 0.2},
        apply=apply,
    )


def ip_adapter(way: Any, folder: Path) -> Part:
    place, name = ("sdxl_models", "sdxl") if _is_xl(way.way.pipeline) else ("models", "sd15")
    named = {"subfolder": place, "weight_name": f"ip-adapter_{name}.safetensors"}
    adapter = IpAdapterSpec(
        source=source(save_ip_adapter(folder)), image_encoder_folder="image_encoder", **named
    )
    path = way.draw("seen", 2)
    seen = ImagePrompt(prompts=((picture_of(path),),), weights=(1.0,))

    def apply(pipeline: Any) -> Mapping[str, Any]:
        pipeline.load_ip_adapter(str(folder), **named)
        pipeline.set_ip_adapter_scale(0.6)
        return {"ip_adapter_image": Image.open(path).convert("RGB")}

    return Part(
        spec={"ip_adapters": (adapter,)},
        frame={"image_prompts": (seen,), "ip_adapter_scale.0": 0.6},
        before={"ip_adapter_scale.0": 0.2},
        apply=apply,
    )


def learned_word(way: Any, folder: Path) -> Part:
    is_xl = _is_xl(way.way.pipeline)
    _ = save_textual_inversion_xl(folder) if is_xl else save_textual_inversion(folder, vectors=3)

    def apply(pipeline: Any) -> Mapping[str, Any]:
        learn(pipeline, folder)
        return {}

    word = TextualInversionSpec(source=source(folder), weight_name=None, token=TOKEN)
    prompts = [f"{words} {TOKEN} at night" for words in ("a", "the", "a red")]
    return Part(prompts=prompts, spec={"textual_inversions": (word,)}, apply=apply)


def learn(pipeline: Any, folder: Path) -> None:
    """Load the textual inversion of a folder into a plain pipeline."""
    if "text_encoder_2" not in pipeline.components:
        pipeline.load_textual_inversion(folder, weight_name=WEIGHTS)
        return
    weights = load_file(folder / WEIGHTS)
    for key, number in (("clip_l", ""), ("clip_g", "_2")):
        pipeline.load_textual_inversion(
            {TOKEN: weights[key]},
            text_encoder=getattr(pipeline, f"text_encoder{number}"),
            tokenizer=getattr(pipeline, f"tokenizer{number}"),
        )


def weighted_words(way: Any, folder: Path) -> Part:
    is_steered = "negative_prompt" in PIPELINES[way.way.pipeline].arguments

    def apply(pipeline: Any) -> Mapping[str, Any]:
        embeds = by_compel(pipeline, WEIGHTED)
        return {"prompt": None} | {
            name: tensor for name, tensor in embeds.items() if is_steered or "negative" not in name
        }

    frame = {"syntax": "compel"} | ({"negative_prompt": NEGATIVE} if is_steered else {})
    return Part(prompts=WEIGHTED, frame=frame, apply=apply)


def by_compel(pipeline: Any, prompts: Sequence[str]) -> dict[str, torch.Tensor]:
    """Encode prompts as compel's README does."""
    is_xl = "text_encoder_2" in pipeline.components
    with torch.no_grad():
        compel = (CompelForSDXL if is_xl else CompelForSD)(pipeline)
        made = compel(list(prompts), negative_prompt=[NEGATIVE] * len(prompts))
    embeds = {"prompt_embeds": made.embeds, "negative_prompt_embeds": made.negative_embeds}
    pooled = {
        "pooled_prompt_embeds": made.pooled_embeds,
        "negative_pooled_prompt_embeds": made.negative_pooled_embeds,
    }
    return embeds | (pooled if is_xl else {})


def several_controlnets(way: Any, folder: Path) -> Part:
    [save] = way.way.nets
    nets = [save(folder / str(seed), seed=seed) for seed in (1, 2)]
    name = PIPELINES[way.way.pipeline].control_argument
    assert name is not None
    paths = [_of_another_size(way.draw(name, number), folder) for number in (1, 2)]
    numbers = {
        "controlnet_conditioning_scale": [0.4, 0.9],
        "control_guidance_start": [0.0, 0.3],
        "control_guidance_end": [0.5, 1.0],
    }
    size = {"height": way.way.side, "width": way.way.side}

    def apply(pipeline: Any) -> Mapping[str, Any]:
        opened = [Image.open(path).convert("RGB") for path in paths]
        batches = [pipeline.control_image_processor.preprocess([one] * 3, **size) for one in opened]
        return {name: batches} | numbers | size

    pictures = way.pictures(0)
    del pictures[name]
    given = {f"{name}.{number}": picture_of(path) for number, path in enumerate(paths)}
    return Part(
        spec={"controlnets": tuple(map(_controlnet, nets))},
        frame={"pictures": pictures | given} | in_parts(numbers) | size,
        loaded={"controlnet": [diffusers.ControlNetModel.from_pretrained(net) for net in nets]},
        apply=apply,
    )


def single_file(way: Any, folder: Path) -> Part:
    is_sd3 = way.way.pipeline == "StableDiffusion3Pipeline"
    wide = {"second_width": 8} if is_sd3 or _is_xl(way.way.pipeline) else {}
    model = way.way.save(folder / "model", **wide)
    nets = [save(folder / "net", **wide) for save in way.way.nets]
    save_file = save_sd3_as_single_file if is_sd3 else save_as_single_file
    file = save_file(model, folder / "model.safetensors")
    configuration = folder / "configuration"
    shutil.copytree(model, configuration, ignore=shutil.ignore_patterns("*.safetensors"))
    return Part(
        spec={
            "source": find_source(str(file), None, folder),
            "config": find_source(str(configuration), None, folder),
            "controlnets": tuple(_controlnet(net) for net in nets),
        },
        loaded={"controlnet": diffusers.ControlNetModel.from_pretrained(nets[0])} if nets else {},
        model=model,
        changes=bool(wide),
    )


def other_arguments(way: Any, folder: Path, count: int = 1) -> Part:
    takes = PIPELINES[way.way.pipeline].arguments
    given = {
        name: value
        for name, value in OTHERS.items()
        if name in takes and (count == 1 or name not in FOR_ONE_PICTURE)
    }
    if way.way.pipeline == "LDMTextToImagePipeline":
        del given["eta"]  # with which diffusers' own draws from torch's global generator
    if "height" in takes:
        given |= {"height": 2 * way.way.side, "width": way.way.side}
    negative = {"negative_prompt": [given["negative_prompt"]] * count} if "negative_prompt" in given else {}
    return Part(frame=in_parts(given), apply=lambda pipeline: given | negative)


def in_parts(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe's arguments: pairs and lists have a name for each number."""
    return {
        f"{name}.{number}" if isinstance(value, tuple | list) else name: part
        for name, value in arguments.items()
        for number, part in enumerate(value if isinstance(value, tuple | list) else (value,))
    }


def _of_another_size(picture: Path, folder: Path) -> Path:
    Image.open(picture).resize((24, 40)).save(folder / picture.name)
    return folder / picture.name


def _controlnet(folder: Path) -> ControlNetSpec:
    return ControlNetSpec(source=source(folder), subfolder="", variant=None)


def _is_xl(pipeline: str) -> bool:
    return "XL" in pipeline
