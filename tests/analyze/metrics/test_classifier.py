from __future__ import annotations

import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForImageClassification, pipeline

from farm.analyze.metrics.models import ClassifierModel
from farm.models import HERE
from farm.records import ClassifierSpec, Pixels
from training.scenes import SHAPES, scene_at

FOLDER = HERE / "tiny-world-resnet"


@pytest.fixture(scope="module")
def model(classifier: ClassifierSpec) -> ClassifierModel:
    return ClassifierModel(classifier.source)


@torch.inference_mode()
def test_classes_and_probabilities_are_those_of_the_pipeline(
    model: ClassifierModel, pictures: list[Pixels]
) -> None:
    reference = pipeline(
        "image-classification",
        model=AutoModelForImageClassification.from_pretrained(FOLDER),
        image_processor=AutoImageProcessor.from_pretrained(FOLDER, backend="pil"),
    )
    for pixels in pictures[:4]:
        theirs = [(one["label"], one["score"]) for one in reference(Image.fromarray(pixels), top_k=3)]
        mine = model.top(pixels, 3)
        assert [label for label, _ in mine] == [label for label, _ in theirs]
        assert [p for _, p in mine] == pytest.approx([p for _, p in theirs], abs=1e-5)


@torch.inference_mode()
def test_it_classifies_the_shapes_of_drawn_pictures(model: ClassifierModel, pictures: list[Pixels]) -> None:
    named = [model.top(pixels, 1)[0][0] for pixels in pictures]
    shapes = [scene_at("held-out", 1, index).shape for index in range(len(pictures))]
    assert sum(a == b for a, b in zip(named, shapes, strict=True)) >= len(pictures) - 1


@torch.inference_mode()
def test_no_more_classes_are_returned_than_exist(model: ClassifierModel, pictures: list[Pixels]) -> None:
    found = model.top(pictures[0], 100)
    assert model.classes == SHAPES
    assert sorted(label for label, _ in found) == sorted(SHAPES)
    assert sum(probability for _, probability in found) == pytest.approx(1)
