"""An image classifier of transformers."""

from __future__ import annotations

import torch
import transformers

from farm.analyze.see.checkpoints import load_judge
from farm.records import ModelSource, Pixels


class Classifier:
    """Looks at one picture at a time: the bits depend on nothing beside it."""

    def __init__(self, source: ModelSource) -> None:
        loader = transformers.AutoModelForImageClassification
        self._model, self._processor = load_judge(source, loader, "an image classifier")
        names = self._model.config.id2label
        self.classes = tuple(str(names[number]) for number in range(self._model.config.num_labels))

    def likeliest(self, pixels: Pixels, count: int) -> list[tuple[str, float]]:
        """Return the likeliest classes with their probabilities, at most `count`, the likeliest first."""
        prepared = self._processor(images=pixels, input_data_format="channels_last", return_tensors="pt")
        probabilities = torch.softmax(self._model(**prepared).logits[0], dim=-1)
        best = probabilities.topk(min(count, len(self.classes)))
        return [
            (self.classes[number], probability)
            for number, probability in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]
