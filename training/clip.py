"""A small CLIP: pictures and captions in one space. Its text half is the text encoder of the diffusion model.

The text half is trained first, then the vision half against the locked text half.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import nn
from transformers import CLIPConfig, CLIPModel, CLIPTextModel, CLIPTokenizer

from training.dataset import Drawings
from training.loop import TrainConfig, TrainResult, load_weights, train
from training.resnet import random_affine
from training.scenes import (
    BACKGROUNDS,
    COLOURS,
    SHAPES,
    STYLES,
    Caption,
    Scene,
    all_captions,
    background_wordings,
    colour_wordings,
    random_caption,
    random_scene,
    shape_wordings,
    style_wordings,
)

START, END = "<|startoftext|>", "<|endoftext|>"
CONTEXT = 32
"""Tokens per text, start and end included: the longest caption has 14, and CLIP's own 77 would only cost time."""

BATCH = 96
HALF = BATCH // 2
PARTIAL = 0.5
"""Share of captions that name only some words of a scene, which teach each word on its own."""

WORDS = (*SHAPES, *COLOURS, *BACKGROUNDS, *STYLES)
GROUPS = {
    "shape": (SHAPES, shape_wordings),
    "colour": (tuple(COLOURS), colour_wordings),
    "background": (BACKGROUNDS, background_wordings),
    "style": (STYLES, style_wordings),
}
"""The groups of words, and the texts that name one word alone."""


def new_tokenizer() -> CLIPTokenizer:
    """Return a tokenizer with all 256 bytes, so that any text has tokens, and a token for each word of the captions."""
    merges = _merges(all_captions())
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [
        *letters,
        *(letter + "</w>" for letter in letters),
        *(one + two for one, two in merges),
        START,
        END,
    ]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=CONTEXT)


def new_clip(size: int, tokenizer: CLIPTokenizer) -> CLIPModel:
    """Return an untrained CLIP of 1.55 million parameters for pictures `size` pixels wide."""
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
    """Return the text half as a separate model with the same weights."""
    encoder = CLIPTextModel(clip.config.text_config)
    encoder.load_state_dict(clip.text_model.state_dict())
    return encoder.eval()


class TextTraining(nn.Module):  # type: ignore[misc]
    """The text half, with an embedding of the vocabulary's words that replaces the pictures."""

    def __init__(self, clip: CLIPModel) -> None:
        super().__init__()
        self.text_model = clip.text_model
        self.text_projection = clip.text_projection
        self.table = nn.Linear(len(WORDS), clip.config.projection_dim)
        self.logit_scale = clip.logit_scale


def train_text(
    clip: CLIPModel, tokenizer: CLIPTokenizer, config: TrainConfig, device: torch.device
) -> TrainResult:
    """Train the text half contrastively against the words of scenes, without pictures.

    Trained on pictures from the start, the text half learns to ignore shapes, which a vision transformer recognizes
    long after colours and backdrops. A caption may be true of several scenes of a batch, as short ones often are. Such
    pairs are not negatives: the targets are spread evenly over all true pairs (Khosla et al. 2020, eq. 2).
    """
    model = TextTraining(clip).to(device)

    def loss_at(step: int, rng: torch.Generator) -> torch.Tensor:
        caption_rng = random.Random(f"{config.seed} {step}")
        scenes = [random_scene("train", caption_rng) for _ in range(BATCH)]
        captions = [random_caption(scene, caption_rng, PARTIAL) for scene in scenes]
        words = F.normalize(model.table(_multi_hot([scene.words for scene in scenes]).to(device)), dim=-1)
        text = embed_texts(clip, tokenizer, [caption.text for caption in captions])
        return _contrastive_loss(clip, words, text, true_pairs(scenes, captions).to(device))

    clip.to(device)
    return train(model, loss_at, config)


def load_text(clip: CLIPModel, checkpoint: Path) -> None:
    """Load a checkpoint of `train_text` into the text half."""
    load_weights(TextTraining(clip), checkpoint)


def train_clip(
    clip: CLIPModel, tokenizer: CLIPTokenizer, drawings: Drawings, config: TrainConfig, device: torch.device
) -> TrainResult:
    """Train the vision half on drawn pictures, the text half locked (Zhai et al. 2022).

    Half of the loss is contrastive, the other half classifies each picture in every group of words. Half of a batch
    has its channels swapped and is classified by shape only: in training every colour and background occurs with seven
    of the eight shapes, so a model may otherwise learn that they rule out the eighth.
    """
    clip.to(device)
    for locked in (clip.text_model, clip.text_projection):
        locked.requires_grad_(False)
    with torch.no_grad():
        words = {
            group: embed_texts(clip, tokenizer, [wordings(word)[0] for word in vocabulary])
            for group, (vocabulary, wordings) in GROUPS.items()
        }

    def loss_at(step: int, rng: torch.Generator) -> torch.Tensor:
        indices = torch.randint(len(drawings.scenes), (BATCH,), generator=rng)
        pixels = random_affine(drawings.batch(indices), rng)
        pixels = torch.cat([pixels[:HALF], swap_channels(pixels[HALF:], rng)])
        pixels = (pixels + 0.04 * torch.randn(pixels.shape, generator=rng)).to(device)
        scenes = [drawings.scenes[index] for index in indices.tolist()]
        caption_rng = random.Random(f"{config.seed} {step}")
        captions = [random_caption(scene, caption_rng, PARTIAL) for scene in scenes[:HALF]]
        image = F.normalize(clip.get_image_features(pixels).pooler_output, dim=-1)
        with torch.no_grad():
            text = embed_texts(clip, tokenizer, [caption.text for caption in captions])
        loss = _contrastive_loss(clip, image[:HALF], text, true_pairs(scenes[:HALF], captions).to(device))
        for group, (vocabulary, _) in GROUPS.items():
            count = BATCH if group == "shape" else HALF
            labels = torch.tensor([vocabulary.index(getattr(scene, group)) for scene in scenes[:count]])
            logits = _scale(clip) * image[:count] @ words[group].T
            loss = loss + F.cross_entropy(logits, labels.to(device)) / 4
        return loss

    return train(clip, loss_at, config)


def swap_channels(pixels: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return pictures (B, 3, H, W), each with its colour channels in a random order."""
    orders = torch.rand(len(pixels), 3, generator=rng).argsort(1)
    return pixels.gather(1, orders[:, :, None, None].expand_as(pixels))


def true_pairs(scenes: Sequence[Scene], captions: Sequence[Caption]) -> torch.Tensor:
    """Return which caption is true of which scene: float32 (scene, caption) of zeros and ones."""
    shown = _multi_hot([scene.words for scene in scenes])
    claimed = _multi_hot([caption.claims for caption in captions])
    return (shown @ claimed.T == claimed.sum(1)).float()


def embed_texts(clip: CLIPModel, tokenizer: CLIPTokenizer, texts: Sequence[str]) -> torch.Tensor:
    """Return unit vectors (text, 128)."""
    tokens = tokenizer(list(texts), padding="longest", truncation=True, return_tensors="pt").to(clip.device)
    return F.normalize(clip.get_text_features(**tokens).pooler_output, dim=-1)


@torch.no_grad()
def zero_shot_accuracy(clip: CLIPModel, tokenizer: CLIPTokenizer, drawings: Drawings) -> Mapping[str, float]:
    """Return the share of pictures whose nearest wording names the right word, by group."""
    clip.eval()
    batches = torch.arange(len(drawings.scenes)).split(100)
    images = [
        F.normalize(clip.get_image_features(drawings.batch(one).to(clip.device)).pooler_output, dim=-1)
        for one in batches
    ]
    image = torch.cat(images)
    accuracy = {}
    for group, (words, wordings) in GROUPS.items():
        nearest = (image @ embed_texts(clip, tokenizer, [wordings(word)[0] for word in words]).T).argmax(1)
        right = [
            getattr(scene, group) == words[k]
            for scene, k in zip(drawings.scenes, nearest.tolist(), strict=True)
        ]
        accuracy[group] = sum(right) / len(right)
    return accuracy


def _merges(texts: list[str]) -> list[tuple[str, str]]:
    """Return byte-pair merges that make every word of the texts one token (Sennrich et al. 2016)."""
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.normalizer = normalizers.Lowercase()
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Punctuation(),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    learner.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=1000, end_of_word_suffix="</w>", show_progress=False)
    )
    return [(one, two) for one, two in json.loads(learner.to_str())["model"]["merges"]]


def _multi_hot(sets: Sequence[frozenset[str]]) -> torch.Tensor:
    return torch.tensor([[word in one for word in WORDS] for one in sets], dtype=torch.float32)


def _scale(clip: CLIPModel) -> torch.Tensor:
    return clip.logit_scale.exp().clamp(max=100)


def _contrastive_loss(
    clip: CLIPModel, one: torch.Tensor, other: torch.Tensor, pairs: torch.Tensor
) -> torch.Tensor:
    logits = _scale(clip) * one @ other.T
    return 0.5 * (_cross_entropy(logits, pairs) + _cross_entropy(logits.T, pairs.T))


def _cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return -(F.log_softmax(logits, 1) * targets).sum(1).div(targets.sum(1)).mean()
