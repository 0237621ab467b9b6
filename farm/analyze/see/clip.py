"""A CLIP model: pictures and texts as vectors of one space (Radford et al. 2021, arXiv:2103.00020)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
import transformers

from farm.analyze.see.checkpoints import load_judge, load_tokenizer
from farm.records import ModelSource, Pixels


class Clip:
    """Looks at one picture and reads one text at a time: the bits depend on nothing beside it.

    Both become vectors of length 1, shape [width]. Texts are not padded, and cut where the model cannot read on; each
    is read once.
    """

    def __init__(self, source: ModelSource) -> None:
        self._model, self._processor = load_judge(source, transformers.CLIPModel, "a CLIPModel")
        self._tokenizer = load_tokenizer(source)
        self._scale = self._model.logit_scale.detach().exp()
        self._longest = self._model.config.text_config.max_position_embeddings
        self._texts: dict[str, torch.Tensor] = {}

    def look(self, pixels: Pixels) -> torch.Tensor:
        """Return a picture's vector."""
        prepared = self._processor(images=pixels, input_data_format="channels_last", return_tensors="pt")
        return F.normalize(self._model.get_image_features(**prepared).pooler_output[0], dim=-1)

    def read(self, text: str) -> torch.Tensor:
        """Return a text's vector."""
        if text not in self._texts:
            tokens = self._tokenizer(text, truncation=True, max_length=self._longest, return_tensors="pt")
            features = self._model.get_text_features(
                input_ids=tokens.input_ids, attention_mask=tokens.attention_mask
            )
            self._texts[text] = F.normalize(features.pooler_output[0], dim=-1)
        return self._texts[text]

    def similarity(self, seen: torch.Tensor, text: str) -> float:
        """Return the cosine of the angle between a picture and a text, -1 to 1."""
        return float(seen @ self.read(text))

    def probabilities(self, seen: torch.Tensor, texts: Sequence[str]) -> list[float]:
        """Return how probable each text is for a picture, if one of them is right: the zero-shot classifier."""
        cosines = torch.stack([self.read(text) for text in texts]) @ seen
        return torch.softmax(cosines * self._scale, dim=0).tolist()
