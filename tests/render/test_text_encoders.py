"""Releasing and reloading text encoders does not change pictures."""

import os
import tempfile
from contextlib import suppress

import numpy as np
import psutil
import pytest
import torch
from transformers import CLIPTextConfig, CLIPTextModel

from farm.errors import ModelError
from farm.render.loading.memory import TextEncoders
from tests.checkpoints.lora import save_style_lora
from tests.checkpoints.textual_inversion import TOKEN, save_textual_inversion

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
CLIP = ("prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds")
ENCODED = {
    "StableDiffusionPipeline": ({}, CLIP[:2]),
    "StableDiffusionXLPipeline": ({}, CLIP),
    "StableDiffusion3Pipeline": ({"prompt_2": None, "prompt_3": None}, CLIP),
    "FluxPipeline": ({"prompt_2": None}, ("prompt_embeds", "pooled_prompt_embeds")),
}


def encoded(pipeline, prompt):
    more, names = ENCODED[type(pipeline).__name__]
    negative = {"negative_prompt": "dull"} if len(names) > 1 and "negative" in names[1] else {}
    positional = {"device": pipeline._execution_device, "num_images_per_prompt": 1}
    if type(pipeline).__name__ == "StableDiffusionPipeline":
        positional["do_classifier_free_guidance"] = True
    with torch.no_grad():
        tensors = pipeline.encode_prompt(prompt, **positional, **more, **negative)
    return dict(zip(names, tensors, strict=False))


def draw(pipeline, **prompt):
    generator = torch.Generator("cpu").manual_seed(0)
    return pipeline(
        **prompt, height=16, width=16, num_inference_steps=2, generator=generator, output_type="np"
    ).images[0]


@pytest.mark.parametrize("name", ENCODED)
def test_a_pipeline_renders_the_same_with_released_text_encoders(load, name):
    plain, pipeline = load(name), load(name)
    encoders = TextEncoders(pipeline, CPU)
    for prompt in ("a red star", "a blue circle"):
        encoders.load()
        embeddings = encoded(pipeline, prompt)
        encoders.release()
        assert pipeline.text_encoder is None
        negative = {"negative_prompt": "dull"} if "negative_prompt_embeds" in embeddings else {}
        assert np.array_equal(draw(pipeline, **embeddings), draw(plain, prompt=prompt, **negative))


def test_textual_inversions_and_loras_are_restored(load, tmp_path):
    plain, pipeline = load(), load()
    for one in (plain, pipeline):
        one.load_textual_inversion(str(save_textual_inversion(tmp_path / "word", vectors=2)))
        one.load_lora_weights(str(save_style_lora(tmp_path / "lora")), adapter_name="style")
    encoders = TextEncoders(pipeline, CPU)
    prompt = f"a photo of {TOKEN}"
    pictures = []
    for scale in (0.3, 2.0):
        encoders.load()
        for one in (plain, pipeline):
            one.set_adapters(["style"], adapter_weights=[scale])
        embeddings = encoded(pipeline, prompt)
        assert torch.equal(embeddings["prompt_embeds"], encoded(plain, prompt)["prompt_embeds"])
        encoders.release()
        pictures.append(draw(pipeline, **embeddings))
        assert np.array_equal(pictures[-1], draw(plain, prompt=prompt, negative_prompt="dull"))
    assert not np.array_equal(*pictures)


def test_releasing_and_restoring_are_idempotent(load):
    pipeline = load()
    before = {name: weight.clone() for name, weight in pipeline.text_encoder.state_dict().items()}
    encoders = TextEncoders(pipeline, CPU)
    for _ in range(2):
        encoders.release()
    for _ in range(2):
        encoders.load()
    after = pipeline.text_encoder.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)


@pytest.mark.parametrize("error", [None, ArithmeticError])
def test_text_encoders_are_loaded_inside_and_free_of_weights_afterwards(load, error):
    pipeline = load()
    encoder = pipeline.text_encoder
    encoders = TextEncoders(pipeline, CPU)
    for _ in range(2):
        with suppress(ArithmeticError), encoders.loaded():
            assert pipeline.text_encoder is encoder
            assert all(weight.nbytes for weight in encoder.parameters())
            if error is not None:
                raise error
        assert pipeline.text_encoder is None
        assert sum(weight.nbytes for weight in encoder.parameters()) == 0


def test_the_memory_of_released_text_encoders_is_free(load):
    pipeline, mine = load(), psutil.Process()
    pipeline.text_encoder = CLIPTextModel(
        CLIPTextConfig(vocab_size=700, hidden_size=1024, intermediate_size=4096, num_hidden_layers=5)
    )
    weights = sum(weight.nbytes for weight in pipeline.text_encoder.parameters())
    there = mine.memory_info().rss
    encoders = TextEncoders(pipeline, CPU)
    for _ in range(3):
        assert mine.memory_info().rss < there - 0.8 * weights
        encoders.load()
        assert mine.memory_info().rss < there + 0.2 * weights
        encoders.release()


def test_a_pipeline_that_encodes_inside_its_call_keeps_its_text_encoder(load):
    with pytest.raises(ModelError) as refused:
        TextEncoders(load("LDMTextToImagePipeline"), CPU)
    assert str(refused.value) == (
        "model.memory.release_text_encoders: LDMTextToImagePipeline cannot run without its text encoder; "
        "allowed: false."
    )


def test_a_full_disk_is_reported_with_the_variable_to_set(load, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("farm.render.loading.memory.save_file", full)
    with pytest.raises(ModelError) as refused:
        TextEncoders(load(), CPU)
    text = str(refused.value)
    assert text.startswith("model.memory.release_text_encoders: the text encoders cannot be written to ")
    assert text.endswith(
        ": [Errno 28] No space left on device. Set TMPDIR to a folder with enough free space."
    )


@pytest.mark.gpu
@pytest.mark.parametrize("name", ENCODED)
def test_on_a_gpu_the_memory_of_released_text_encoders_is_free(load, name):
    pipeline = load(name).to(CUDA)
    weights = sum(weight.nbytes for weight in pipeline.text_encoder.parameters())
    there = torch.cuda.memory_allocated()
    encoders = TextEncoders(pipeline, CUDA)
    assert torch.cuda.memory_allocated() <= there - weights
    encoders.load()
    embeddings, plain = encoded(pipeline, "a red star"), draw(pipeline, prompt="a red star")
    encoders.release()
    negative = "negative_prompt_embeds" in embeddings
    picture = draw(pipeline, **embeddings)
    encoders.load()
    expected = draw(pipeline, prompt="a red star", negative_prompt="dull") if negative else plain
    assert np.array_equal(picture, expected)


def test_files_of_a_killed_process_are_removed_by_the_next(load, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in (
        "farm-text-encoders-4194999-abc",
        f"farm-text-encoders-{os.getpid()}-abc",
        "farm-text-encoders-old",
    ):
        (tmp_path / name).mkdir()
    encoders = TextEncoders(load(), CPU)
    there = {path.name for path in tmp_path.iterdir()}
    assert "farm-text-encoders-4194999-abc" not in there
    assert {f"farm-text-encoders-{os.getpid()}-abc", "farm-text-encoders-old"} < there
    assert len(there) == 3
    del encoders
