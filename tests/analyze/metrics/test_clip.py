from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from transformers import AutoImageProcessor, AutoTokenizer, CLIPModel, pipeline

from farm.analyze.metrics.models import ClipModel, clip_change
from farm.models import HERE
from farm.records import ClipSpec, Pixels
from training.scenes import SHAPES

FOLDER = HERE / "tiny-world-clip"


@pytest.fixture(scope="module")
def model(clip: ClipSpec) -> ClipModel:
    return ClipModel(clip.source)


@torch.inference_mode()
def test_probabilities_are_those_of_the_zero_shot_pipeline(model: ClipModel, pictures: list[Pixels]) -> None:
    reference = pipeline(
        "zero-shot-image-classification",
        model=CLIPModel.from_pretrained(FOLDER),
        tokenizer=AutoTokenizer.from_pretrained(FOLDER),
        image_processor=AutoImageProcessor.from_pretrained(FOLDER, backend="pil"),
    )
    texts = [f"a {shape}" for shape in SHAPES]
    for pixels in pictures[:4]:
        output = reference(Image.fromarray(pixels), candidate_labels=list(SHAPES), hypothesis_template="a {}")
        theirs = {one["label"]: one["score"] for one in output}
        mine = dict(zip(SHAPES, model.probabilities(model.encode_image(pixels), texts), strict=True))
        assert mine == pytest.approx(theirs, abs=1e-5)


@torch.inference_mode()
def test_a_similarity_is_the_cosine_of_a_direct_call(model: ClipModel, pictures: list[Pixels]) -> None:
    theirs_model = CLIPModel.from_pretrained(FOLDER).eval()
    tokens = AutoTokenizer.from_pretrained(FOLDER)("a purple star in the snow", return_tensors="pt")
    pixels = torch.tensor(pictures[0]).permute(2, 0, 1)[None] / 127.5 - 1
    output = theirs_model(pixel_values=pixels, **tokens)
    theirs = output.logits_per_image.item() / theirs_model.logit_scale.exp().item()
    assert model.similarity(model.encode_image(pictures[0]), "a purple star in the snow") == pytest.approx(
        theirs, abs=1e-5
    )


@torch.inference_mode()
def test_a_text_has_the_same_vector_whatever_was_encoded_before(clip: ClipSpec, model: ClipModel) -> None:
    fresh = ClipModel(clip.source)
    for text in ("a much longer text than the other one", "x", "a red star"):
        model.encode_text(text)
    assert torch.equal(model.encode_text("a red star"), fresh.encode_text("a red star"))


@torch.inference_mode()
def test_a_text_too_long_for_the_model_is_truncated(model: ClipModel) -> None:
    long = "a red star " * 100
    assert torch.equal(model.encode_text(long), model.encode_text(long + "and a blue heart"))
    assert not torch.equal(model.encode_text(long), model.encode_text("a red star"))


def test_pictures_are_prepared_as_in_training(model: ClipModel, pictures: list[Pixels]) -> None:
    """With x / 127.5 - 1 (`training.dataset`)."""
    prepared = AutoImageProcessor.from_pretrained(FOLDER, backend="pil")(pictures[0], return_tensors="pt")
    by_hand = torch.tensor(pictures[0]).permute(2, 0, 1)[None] / 127.5 - 1
    assert torch.allclose(prepared.pixel_values, by_hand, atol=1e-6)


def test_the_change_of_two_vectors_is_one_minus_the_cosine_and_zero_for_equal_ones() -> None:
    torch.manual_seed(0)
    for vector, other in zip(
        F.normalize(torch.randn(200, 512)), F.normalize(torch.randn(200, 512)), strict=True
    ):
        assert clip_change(vector, vector) == 0
        assert clip_change(vector, other) == pytest.approx(1 - float(vector @ other), abs=1e-6)
        assert 1.999999 < clip_change(vector, -vector) <= 2
        assert math.isnan(clip_change(vector, other * math.nan))


@torch.inference_mode()
def test_the_least_recently_used_texts_are_evicted(clip: ClipSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ClipModel(clip.source, cached_texts=2)
    read: list[str] = []
    encode = model._encode
    monkeypatch.setattr(model, "_encode", lambda text: (read.append(text), encode(text))[1])
    for text in ("a star", "a heart", "a star", "a moon", "a star", "a heart"):
        model.encode_text(text)
    assert read == ["a star", "a heart", "a moon", "a heart"]


def test_threads_encode_each_text_once_and_evict_like_one(
    clip: ClipSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ClipModel(clip.source, cached_texts=16)
    read: list[str] = []
    encode = model._encode

    def slowly(text: str) -> torch.Tensor:
        read.append(text)
        time.sleep(0.001)
        return encode(text)

    @torch.inference_mode()
    def read_all(_: int) -> list[torch.Tensor]:
        return [model.encode_text(text) for text in texts]

    monkeypatch.setattr(model, "_encode", slowly)
    texts = [f"{shape} {number}" for number in range(2) for shape in SHAPES]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(read_all, range(8)))
    assert sorted(read) == sorted(texts)
    assert all(torch.equal(one, two) for each in found for one, two in zip(each, found[0], strict=True))
    texts = [f"number {number}" for number in range(60)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(read_all, range(8)))
    assert len(model._texts) == 16
    assert all(torch.equal(one, two) for each in found for one, two in zip(each, found[0], strict=True))
