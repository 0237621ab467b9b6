"""How the CLIP is trained: its text half first, then its vision half against the locked text half."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from transformers import CLIPModel, CLIPTokenizer

from farm.demo.captions import Caption, draw_caption, parts
from farm.demo.clip import GROUPS, embed_texts
from farm.demo.drawings import Drawings
from farm.demo.loop import Course, Trained, load_weights, train
from farm.demo.resnet import place_anew
from farm.demo.vocabulary import BACKGROUNDS, COLOURS, SHAPES, STYLES, Scene, random_scene

BATCH = 96
HALF = BATCH // 2
PARTIAL = 0.5
"""Share of captions that name only some parts: what teaches each part on its own."""

WORDS = (*SHAPES, *COLOURS, *BACKGROUNDS, *STYLES)


class TextLesson(nn.Module):  # type: ignore[misc]
    """The text half beside a table of the world's words that stands in for pictures."""

    def __init__(self, clip: CLIPModel) -> None:
        super().__init__()
        self.text_model = clip.text_model
        self.text_projection = clip.text_projection
        self.table = nn.Linear(len(WORDS), clip.config.projection_dim)
        self.logit_scale = clip.logit_scale


def train_text(clip: CLIPModel, tokenizer: CLIPTokenizer, course: Course, device: torch.device) -> Trained:
    """Train the text half contrastively against what scenes consist of, no picture drawn.

    Trained on pictures from the start, the text half learns to ignore shapes, which a vision transformer sees long
    after colours and backdrops. A caption may be true of several scenes of a batch, and one with few words often
    is. Such pairs are no negatives: the targets are spread evenly over all true ones (Khosla et al. 2020, eq. 2).
    """
    lesson = TextLesson(clip).to(device)

    def loss_at(step: int, rng: torch.Generator) -> torch.Tensor:
        speaker = random.Random(f"{course.seed} {step}")
        scenes = [random_scene("train", speaker) for _ in range(BATCH)]
        captions = [draw_caption(scene, speaker, PARTIAL) for scene in scenes]
        seen = F.normalize(lesson.table(_multi_hot([parts(scene) for scene in scenes]).to(device)), dim=-1)
        text = embed_texts(clip, tokenizer, [caption.text for caption in captions])
        return _contrast(clip, seen, text, truth(scenes, captions).to(device))

    clip.to(device)
    return train(lesson, loss_at, course)


def load_text(clip: CLIPModel, checkpoint: Path) -> None:
    """Load what `train_text` has reached into the text half."""
    load_weights(TextLesson(clip), checkpoint)


def train_clip(
    clip: CLIPModel, tokenizer: CLIPTokenizer, drawn: Drawings, course: Course, device: torch.device
) -> Trained:
    """Train the vision half on drawn pictures, the text half locked (Zhai et al. 2022).

    Half of the loss contrasts pictures and captions, half asks for each picture's word in every group of words.
    Half of a batch has its channels swapped and is asked for its shape only: since every colour and background go
    with seven of the eight shapes in training, a model may else learn that they rule out the eighth.
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
        chosen = torch.randint(len(drawn.scenes), (BATCH,), generator=rng)
        pixels = place_anew(drawn.batch(chosen), rng)
        pixels = torch.cat([pixels[:HALF], swap_channels(pixels[HALF:], rng)])
        pixels = (pixels + 0.04 * torch.randn(pixels.shape, generator=rng)).to(device)
        scenes = [drawn.scenes[index] for index in chosen.tolist()]
        speaker = random.Random(f"{course.seed} {step}")
        captions = [draw_caption(scene, speaker, PARTIAL) for scene in scenes[:HALF]]
        image = F.normalize(clip.get_image_features(pixels).pooler_output, dim=-1)
        with torch.no_grad():
            text = embed_texts(clip, tokenizer, [caption.text for caption in captions])
        loss = _contrast(clip, image[:HALF], text, truth(scenes[:HALF], captions).to(device))
        for group, (vocabulary, _) in GROUPS.items():
            count = BATCH if group == "shape" else HALF
            labels = torch.tensor([vocabulary.index(getattr(scene, group)) for scene in scenes[:count]]).to(
                device
            )
            loss = loss + F.cross_entropy(_scale(clip) * image[:count] @ words[group].T, labels) / 4
        return loss

    return train(clip, loss_at, course)


def swap_channels(pixels: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Pictures (B, 3, H, W), each with its colour channels in a random order."""
    orders = torch.rand(len(pixels), 3, generator=rng).argsort(1)
    return pixels.gather(1, orders[:, :, None, None].expand_as(pixels))


def truth(scenes: Sequence[Scene], captions: Sequence[Caption]) -> torch.Tensor:
    """Which caption is true of which scene: float32 (scene, caption) of zeros and ones."""
    shown, claimed = (
        _multi_hot([parts(scene) for scene in scenes]),
        _multi_hot([one.claims for one in captions]),
    )
    return (shown @ claimed.T == claimed.sum(1)).float()


def _multi_hot(sets: Sequence[frozenset[str]]) -> torch.Tensor:
    return torch.tensor([[word in one for word in WORDS] for one in sets], dtype=torch.float32)


def _scale(clip: CLIPModel) -> torch.Tensor:
    return clip.logit_scale.exp().clamp(max=100)


def _contrast(clip: CLIPModel, seen: torch.Tensor, text: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    logits = _scale(clip) * seen @ text.T
    return 0.5 * (_cross_entropy(logits, true) + _cross_entropy(logits.T, true.T))


def _cross_entropy(logits: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    return -(F.log_softmax(logits, 1) * true).sum(1).div(true.sum(1)).mean()
