"""A small CLIP: pictures and captions in one space. Its text half is the text encoder of the diffusion model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from transformers import CLIPConfig, CLIPModel, CLIPTextModel, CLIPTokenizer

from farm.demo.captions import background_wordings, colour_wordings, shape_wordings, style_wordings
from farm.demo.drawings import Drawings
from farm.demo.vocabulary import BACKGROUNDS, COLOURS, SHAPES, STYLES

GROUPS = {
    "shape": (SHAPES, shape_wordings),
    "colour": (tuple(COLOURS), colour_wordings),
    "background": (BACKGROUNDS, background_wordings),
    "style": (STYLES, style_wordings),
}
"""The groups of words, and the texts that name one word alone."""


def new_clip(size: int, tokenizer: CLIPTokenizer) -> CLIPModel:
    """An untrained CLIP of 1.55 million parameters, for pictures `size` pixels wide."""
    width = {"hidden_size": 128, "intermediate_size": 512, "num_attention_heads": 4, "projection_dim": 128}
    text = {
        "vocab_size": len(tokenizer),
        "max_position_embeddings": tokenizer.model_max_length,
        "num_hidden_layers": 4,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = {"image_size": size, "patch_size": size // 8, "num_hidden_layers": 3}
    return CLIPModel(
        CLIPConfig(text_config={**width, **text}, vision_config={**width, **vision}, projection_dim=128)
    )


def text_encoder_of(clip: CLIPModel) -> CLIPTextModel:
    """The text half as a model of its own, with the same weights."""
    encoder = CLIPTextModel(clip.config.text_config)
    encoder.load_state_dict(clip.text_model.state_dict())
    return encoder.eval()


def embed_texts(clip: CLIPModel, tokenizer: CLIPTokenizer, texts: Sequence[str]) -> torch.Tensor:
    """Unit vectors (text, 128)."""
    tokens = tokenizer(list(texts), padding="longest", truncation=True, return_tensors="pt").to(clip.device)
    return F.normalize(clip.get_text_features(**tokens).pooler_output, dim=-1)


@torch.no_grad()
def zero_shot_accuracy(clip: CLIPModel, tokenizer: CLIPTokenizer, drawn: Drawings) -> Mapping[str, float]:
    """Share of the pictures whose nearest wording names the right shape, colour, background and style."""
    clip.eval()
    batches = torch.arange(len(drawn.scenes)).split(100)
    images = [
        F.normalize(clip.get_image_features(drawn.batch(one).to(clip.device)).pooler_output, dim=-1)
        for one in batches
    ]
    image = torch.cat(images)
    accuracy = {}
    for group, (words, wordings) in GROUPS.items():
        nearest = (image @ embed_texts(clip, tokenizer, [wordings(word)[0] for word in words]).T).argmax(1)
        right = [
            getattr(scene, group) == words[k] for scene, k in zip(drawn.scenes, nearest.tolist(), strict=True)
        ]
        accuracy[group] = sum(right) / len(right)
    return accuracy
