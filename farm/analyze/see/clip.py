"""A CLIP model: pictures and texts as vectors of one space (Radford et al. 2021, arXiv:2103.00020)."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import torch
import torch.nn.functional as F
import transformers

from farm.analyze.see.checkpoints import load_judge, load_tokenizer
from farm.records import ModelSource, Pixels

_MOST_TEXTS = 2**15
"""How many texts are remembered: more than the classes of any classifier that is likely, 100 MB at a width of 768."""


class Clip:
    """Looks at one picture and reads one text at a time: the bits depend on nothing beside it.

    Both become vectors of length 1, shape [width]. Texts are not padded, and cut where the model cannot read on; each
    is read once, as long as no more than `most_texts` others were asked for since. Several threads may use one.
    """

    def __init__(self, source: ModelSource, *, most_texts: int = _MOST_TEXTS) -> None:
        self._model, self._processor = load_judge(source, transformers.CLIPModel, "a CLIPModel")
        self._tokenizer = load_tokenizer(source)
        self._scale = self._model.logit_scale.detach().exp()
        self._longest = self._model.config.text_config.max_position_embeddings
        self._most_texts = most_texts
        self._texts: dict[str, torch.Tensor] = {}
        self._reading = threading.Lock()

    def look(self, pixels: Pixels) -> torch.Tensor:
        """Return a picture's vector."""
        prepared = self._processor(images=pixels, input_data_format="channels_last", return_tensors="pt")
        return F.normalize(self._model.get_image_features(**prepared).pooler_output[0], dim=-1)

    def read(self, text: str) -> torch.Tensor:
        """Return a text's vector."""
        with self._reading:
            vector = self._texts.pop(text, None)
            if vector is None:
                vector = self._encode(text)
            self._texts[text] = vector
            if len(self._texts) > self._most_texts:
                del self._texts[next(iter(self._texts))]
        return vector

    def similarity(self, seen: torch.Tensor, text: str) -> float:
        """Return the cosine of the angle between a picture and a text, -1 to 1."""
        return float(seen @ self.read(text))

    def probabilities(self, seen: torch.Tensor, texts: Sequence[str]) -> list[float]:
        """Return how probable each text is for a picture, if one of them is right: the zero-shot classifier."""
        cosines = torch.stack([self.read(text) for text in texts]) @ seen
        return torch.softmax(cosines * self._scale, dim=0).tolist()

    def _encode(self, text: str) -> torch.Tensor:
        tokens = self._tokenizer(text, truncation=True, max_length=self._longest, return_tensors="pt")
        features = self._model.get_text_features(
            input_ids=tokens.input_ids, attention_mask=tokens.attention_mask
        )
        return F.normalize(features.pooler_output[0], dim=-1)


def clip_change(before: torch.Tensor, this: torch.Tensor) -> float:
    """Return 1 - the cosine of the angle between two vectors of length 1, as half the square of their distance.

    So it is 0 between the same pictures, where 1 - a product that is rounded would not be, and never below; at most 2.
    """
    return min(float((before - this).square().sum()) / 2, 2.0)
