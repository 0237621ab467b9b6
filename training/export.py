"""Write checkpoints as folders in the hub's format: float16 safetensors that load as float32 by default."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL, ControlNetModel, StableDiffusionPipeline, UNet2DConditionModel
from peft import get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import CLIPModel, CLIPTokenizer, ResNetForImageClassification

from training.clip import text_encoder_of
from training.unet import new_scheduler

WORLD, CLIP, RESNET, CANNY = "tiny-world", "tiny-world-clip", "tiny-world-resnet", "tiny-world-canny"
LCM_LORA = "tiny-world-lcm-lora"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoints:
    """The trained models."""

    vae: AutoencoderKL
    clip: CLIPModel
    resnet: ResNetForImageClassification
    unet: UNet2DConditionModel
    tokenizer: CLIPTokenizer


def export(models: Checkpoints, output: Path, size: int) -> None:
    """Write one folder per model below `output`; each replaces an older one once complete and keeps its card."""
    _write_folder(output / WORLD, lambda folder: _write_pipeline(models, folder))
    _write_folder(output / CLIP, lambda folder: _write_clip(models, folder, size))
    _write_folder(output / RESNET, lambda folder: _write_resnet(models, folder, size))


def export_controlnet(controlnet: ControlNetModel, output: Path) -> None:
    """Write the ControlNet below `output`."""
    _write_folder(output / CANNY, controlnet.save_pretrained)


def export_lora(unet: UNet2DConditionModel, output: Path) -> None:
    """Write the adapter in `unet` below `output`, in the format of `load_lora_weights`."""
    layers = get_peft_model_state_dict(unet)
    _write_folder(
        output / LCM_LORA,
        lambda folder: StableDiffusionPipeline.save_lora_weights(folder, unet_lora_layers=layers),
    )


def _write_pipeline(models: Checkpoints, folder: Path) -> None:
    pipeline = StableDiffusionPipeline(
        vae=models.vae,
        text_encoder=text_encoder_of(models.clip),
        tokenizer=models.tokenizer,
        unet=models.unet,
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    _write_vocabulary(models.tokenizer, folder / "tokenizer")


def _write_clip(models: Checkpoints, folder: Path, size: int) -> None:
    models.clip.save_pretrained(folder)
    models.tokenizer.save_pretrained(folder)
    _write_vocabulary(models.tokenizer, folder)
    _write_processor(folder, "CLIPImageProcessor", size)


def _write_resnet(models: Checkpoints, folder: Path, size: int) -> None:
    models.resnet.save_pretrained(folder)
    _write_processor(folder, "ViTImageProcessor", size)


def _write_vocabulary(tokenizer: CLIPTokenizer, folder: Path) -> None:
    """Write the two classic files, for libraries that cannot read `tokenizer.json`."""
    state = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    (folder / "vocab.json").write_text(json.dumps(state["vocab"], ensure_ascii=False), encoding="utf-8")
    merges = [" ".join(merge) for merge in state["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")


def _write_processor(folder: Path, kind: str, size: int) -> None:
    """Write the preprocessing: bilinear to `size` pixels, values -1..1."""
    settings = {
        "image_processor_type": kind,
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"height": size, "width": size},
        "resample": 2,
        "do_center_crop": False,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def _write_folder(target: Path, write: Callable[[Path], None]) -> None:
    part, old = target.with_name(f".{target.name}.part"), target.with_name(f".{target.name}.old")
    for leftover in (part, old):
        shutil.rmtree(leftover, ignore_errors=True)
    part.mkdir(parents=True)
    write(part)
    for weights in part.rglob("*.safetensors"):
        _convert_to_float16(weights)
    if target.exists():
        for card in target.glob("README.md"):
            shutil.copy(card, part)
        target.rename(old)
    part.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _convert_to_float16(path: Path) -> None:
    """Convert floats to 16 bits. The configs still say float32, which plain loading then gives."""
    tensors = {
        name: tensor.to(torch.float16) if tensor.is_floating_point() else tensor
        for name, tensor in load_file(path).items()
    }
    save_file(tensors, path, metadata={"format": "pt"})
    path.chmod(0o644)  # safetensors creates files readable by their owner only
