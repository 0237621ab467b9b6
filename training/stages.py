"""The stages of making the shipped checkpoints; each reads from the work folder what earlier stages wrote."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPModel

from training.clip import load_text, new_clip, new_tokenizer, text_encoder_of, train_clip, train_text
from training.config import RunConfig
from training.controlnet import evaluate_controlnet, new_controlnet, train_controlnet
from training.evaluation import evaluate
from training.export import Checkpoints, export, export_controlnet, export_lora
from training.inpainting import evaluate_inpainting
from training.lcm import add_adapter, evaluate_lcm, train_lcm
from training.loop import load_weights, spawn_replicas
from training.resnet import new_resnet, train_resnet
from training.unet import LatentDataset, caption_rows, embed_captions, new_unet, train_unet
from training.vae import encode_all, new_vae, train_vae


def run(stages: Sequence[str], config: RunConfig) -> None:
    """Run the named stages in the order given; a finished training is not repeated.

    Raises:
        KeyError: no such stage.
        FileNotFoundError: a stage needs the result of another one, which has not run.
    """
    config.work_dir.mkdir(parents=True, exist_ok=True)
    for stage in stages:
        print(f"stage {stage}", file=sys.stderr, flush=True)
        torch.manual_seed(config.seed)
        STAGES[stage](config)


def _vae(config: RunConfig) -> None:
    train_vae(new_vae(config.size), config.training_pictures(), config.train_config("vae"), config.device)


def _vae_sharp(config: RunConfig) -> None:
    """Continue from the first round with a loss on edges."""
    vae = new_vae(config.size)
    load_weights(vae, config.checkpoint("vae"))
    train_vae(vae, config.training_pictures(), config.train_config("vae-sharp"), config.device, edges=1.0)


def _text(config: RunConfig) -> None:
    tokenizer = new_tokenizer()
    train_text(new_clip(config.size, tokenizer), tokenizer, config.train_config("text"), config.device)


def _clip(config: RunConfig) -> None:
    tokenizer, clip = new_tokenizer(), _trained_text(config)
    train_clip(clip, tokenizer, config.training_pictures(), config.train_config("clip"), config.device)


def _clip_mean(config: RunConfig) -> None:
    """Continue from the first round; the result is the moving average of the weights."""
    tokenizer, clip = new_tokenizer(), new_clip(config.size, new_tokenizer())
    load_weights(clip, config.checkpoint("clip"))
    train_clip(clip, tokenizer, config.training_pictures(), config.train_config("clip-mean"), config.device)


def _resnet(config: RunConfig) -> None:
    train_resnet(new_resnet(), config.training_pictures(), config.train_config("resnet"), config.device)


def _unet(config: RunConfig) -> None:
    _latents(config)
    _embeddings(config)
    spawn_replicas(_unet_replica, config.replicas, config)


def _unet_replica(config: RunConfig) -> None:
    dataset = _latent_dataset(config)
    torch.manual_seed(config.seed)
    train_unet(new_unet(config.size), dataset, config.train_config("unet"), config.device)


def _controlnet(config: RunConfig) -> None:
    dataset, unet = _latent_dataset(config), _trained_unet(config)
    torch.manual_seed(config.seed)  # again, because computing the dataset may have drawn from it
    train_controlnet(
        new_controlnet(unet),
        unet,
        dataset,
        config.training_pictures(),
        config.train_config("controlnet"),
        config.device,
    )


def _lcm(config: RunConfig) -> None:
    dataset = _latent_dataset(config)
    torch.manual_seed(config.seed)
    train_lcm(_trained_unet(config), dataset, config.train_config("lcm"), config.device)


def _export(config: RunConfig) -> None:
    """Export the current weights of every model: untrained ones if a training has not started, but no such add-ons."""
    vae, unet, resnet = _trained_vae(config), new_unet(config.size), new_resnet()
    started = {name: config.checkpoint(name).exists() for name in ("clip-mean", "unet", "resnet")}
    if started["unet"]:
        load_weights(unet, config.checkpoint("unet"))
    if started["resnet"]:
        load_weights(resnet, config.checkpoint("resnet"))
    clip = _trained_clip(config) if started["clip-mean"] else _trained_text(config)
    scaling = float(_latents(config).std().reciprocal())
    vae.register_to_config(scaling_factor=round(scaling, 5))
    export(
        Checkpoints(vae=vae, clip=clip, resnet=resnet, unet=unet, tokenizer=new_tokenizer()),
        config.output,
        config.size,
    )
    if config.checkpoint("controlnet").exists():
        controlnet = new_controlnet(unet)
        load_weights(controlnet, config.checkpoint("controlnet"))
        export_controlnet(controlnet, config.output)
    if config.checkpoint("lcm").exists():
        load_weights(add_adapter(unet), config.checkpoint("lcm"))
        export_lora(unet, config.output)


def _evaluate(config: RunConfig) -> None:
    evaluate(config)


def _evaluate_controlnet(config: RunConfig) -> None:
    evaluate_controlnet(config)


def _evaluate_lcm(config: RunConfig) -> None:
    evaluate_lcm(config)


def _evaluate_inpainting(config: RunConfig) -> None:
    evaluate_inpainting(config)


STAGES: dict[str, Callable[[RunConfig], None]] = {
    "vae": _vae,
    "vae-sharp": _vae_sharp,
    "text": _text,
    "clip": _clip,
    "clip-mean": _clip_mean,
    "resnet": _resnet,
    "unet": _unet,
    "controlnet": _controlnet,
    "lcm": _lcm,
    "export": _export,
    "evaluate": _evaluate,
    "evaluate-controlnet": _evaluate_controlnet,
    "evaluate-lcm": _evaluate_lcm,
    "evaluate-inpainting": _evaluate_inpainting,
}
"""In the order for training from scratch."""


def _trained_vae(config: RunConfig) -> AutoencoderKL:
    vae = new_vae(config.size)
    load_weights(vae, config.checkpoint("vae-sharp"))
    return vae


def _trained_text(config: RunConfig) -> CLIPModel:
    """Return a CLIP with a trained text half and an untrained vision half."""
    clip = new_clip(config.size, new_tokenizer())
    load_text(clip, config.checkpoint("text"))
    return clip


def _trained_clip(config: RunConfig) -> CLIPModel:
    clip = new_clip(config.size, new_tokenizer())
    load_weights(clip, config.checkpoint("clip-mean"))
    return clip


def _trained_unet(config: RunConfig) -> UNet2DConditionModel:
    unet = new_unet(config.size)
    load_weights(unet, config.checkpoint("unet"))
    return unet


def _latent_dataset(config: RunConfig) -> LatentDataset:
    latents = _latents(config)
    return LatentDataset(
        latents=latents / latents.std(),
        scenes=config.training_pictures().scenes,
        embeddings=_embeddings(config),
    )


def _latents(config: RunConfig) -> torch.Tensor:
    """Return the unscaled latents (picture, 4, h, w) of all training pictures."""

    def compute() -> torch.Tensor:
        return encode_all(_trained_vae(config), config.training_pictures(), config.device)

    return _cached(config, "vae-sharp", "latents", compute)


def _embeddings(config: RunConfig) -> torch.Tensor:
    """Return the text embeddings of all captions and the empty one, in the order of `caption_rows`."""

    def compute() -> torch.Tensor:
        encoder = text_encoder_of(_trained_text(config)).to(config.device)
        return embed_captions(encoder, new_tokenizer(), list(caption_rows()))

    return _cached(config, "text", "embeddings", compute)


def _cached(config: RunConfig, source: str, name: str, compute: Callable[[], torch.Tensor]) -> torch.Tensor:
    """Return the result of `compute`, cached on disk until the checkpoint that it depends on changes."""
    path = config.work_dir / f"{name}-{config.checkpoint(source).stat().st_mtime_ns}.pt"
    if not path.exists():
        part = path.with_suffix(".part")
        torch.save(compute(), part)
        part.replace(path)
    tensor: torch.Tensor = torch.load(path, weights_only=True)
    return tensor
