"""What the stages have left in the work folder, for the stages after them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPModel

from farm.demo.clip import new_clip, text_encoder_of
from farm.demo.clip_training import load_text
from farm.demo.loop import load_weights
from farm.demo.recipe import Recipe
from farm.demo.tokenizer import new_tokenizer
from farm.demo.unet import caption_rows, embed_captions, new_unet
from farm.demo.vae import encode_all, new_vae


def trained_vae(recipe: Recipe) -> AutoencoderKL:
    """The autoencoder as far as its second round has come."""
    vae = new_vae(recipe.size)
    load_weights(vae, recipe.course("vae-sharp").checkpoint)
    return vae


def trained_text(recipe: Recipe) -> CLIPModel:
    """A CLIP whose text half is trained and whose vision half is not."""
    clip = new_clip(recipe.size, new_tokenizer())
    load_text(clip, recipe.course("text").checkpoint)
    return clip


def trained_clip(recipe: Recipe) -> CLIPModel:
    """The CLIP as far as the second round of its vision half has come."""
    clip = new_clip(recipe.size, new_tokenizer())
    load_weights(clip, recipe.course("clip-mean").checkpoint)
    return clip


def trained_unet(recipe: Recipe) -> UNet2DConditionModel:
    """The denoiser as far as it has come."""
    unet = new_unet(recipe.size)
    load_weights(unet, recipe.course("unet").checkpoint)
    return unet


def latents(recipe: Recipe) -> torch.Tensor:
    """Unscaled latents (picture, 4, h, w) of all training pictures."""

    def compute() -> torch.Tensor:
        return encode_all(trained_vae(recipe), recipe.training_pictures(), recipe.device)

    return _kept(recipe, "vae-sharp", "latents", compute)


def embeddings(recipe: Recipe) -> torch.Tensor:
    """Text states of all captions and the empty one, in the order of `caption_rows`."""

    def compute() -> torch.Tensor:
        encoder = text_encoder_of(trained_text(recipe)).to(recipe.device)
        return embed_captions(encoder, new_tokenizer(), list(caption_rows()))

    return _kept(recipe, "text", "embeddings", compute)


def _kept(recipe: Recipe, source: str, name: str, compute: Callable[[], torch.Tensor]) -> torch.Tensor:
    """What `compute` gives, kept on disk for as long as the checkpoint it comes from does not change."""
    checkpoint = recipe.course(source).checkpoint
    path = recipe.work_dir / f"{name}-{checkpoint.stat().st_mtime_ns}.pt"
    if not path.exists():
        part = path.with_suffix(".part")
        torch.save(compute(), part)
        part.replace(path)
    tensor: torch.Tensor = torch.load(path, weights_only=True)
    return tensor
