"""Textual inversions give the same pictures as in diffusers."""

import huggingface_hub.constants
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from farm.errors import ModelError
from farm.inputs.checkpoints.source import find_source
from farm.records import ModelSource, TextualInversionSpec
from farm.render.loading.adapters import load_textual_inversions
from tests.checkpoints.hub_cache import fill_cache
from tests.checkpoints.lora import save_style_lora
from tests.checkpoints.textual_inversion import (
    TOKEN,
    WEIGHTS,
    save_textual_inversion,
    save_textual_inversion_xl,
)


def inversion_of(path, *, weight_name=None, token=None):
    source = find_source(str(path), None, path.parent, holds="adapter")
    return TextualInversionSpec(source=source, weight_name=weight_name, token=token)


def draw(pipeline, prompt):
    generator = torch.Generator("cpu").manual_seed(0)
    return pipeline(prompt, num_inference_steps=2, generator=generator, output_type="np").images[0]


def refusal_of(pipeline, *inversions):
    with pytest.raises(ModelError) as refused:
        load_textual_inversions(pipeline, inversions)
    return str(refused.value)


@pytest.mark.parametrize("vectors", [1, 3])
@pytest.mark.parametrize("token", [None, "<other>"])
def test_a_textual_inversion_renders_the_same_as_in_diffusers(load, tmp_path, vectors, token):
    save_textual_inversion(tmp_path, vectors=vectors)
    ours, theirs = load("sd"), load("sd")
    load_textual_inversions(ours, (inversion_of(tmp_path, token=token),))
    theirs.load_textual_inversion(str(tmp_path), token=token, use_safetensors=True)
    prompt = f"a photo of {token or TOKEN} at night"
    picture = draw(ours, prompt)
    assert np.array_equal(picture, draw(theirs, prompt))
    assert not np.array_equal(picture, draw(load("sd"), prompt))
    tokens = ours.tokenizer.tokenize(ours.maybe_convert_prompt(prompt, ours.tokenizer))
    assert len(tokens) == 5 + vectors


def test_each_text_encoder_of_sdxl_has_its_own_vectors(load, tmp_path):
    weights = load_file(save_textual_inversion_xl(tmp_path) / WEIGHTS)
    ours, theirs = load("xl"), load("xl")
    load_textual_inversions(ours, (inversion_of(tmp_path, token=TOKEN),))
    for key, number in (("clip_l", ""), ("clip_g", "_2")):
        theirs.load_textual_inversion(
            weights[key],
            token=TOKEN,
            text_encoder=getattr(theirs, f"text_encoder{number}"),
            tokenizer=getattr(theirs, f"tokenizer{number}"),
        )
        table = getattr(ours, f"text_encoder{number}").get_input_embeddings().weight
        number = getattr(ours, f"tokenizer{number}").convert_tokens_to_ids(TOKEN)
        assert torch.equal(table[number], weights[key][0])
    prompt = f"a photo of {TOKEN}"
    assert np.array_equal(draw(ours, prompt), draw(theirs, prompt))


def test_a_textual_inversion_is_found_in_a_folder_a_file_and_the_hub_cache(load, tmp_path, monkeypatch):
    save_textual_inversion(tmp_path / "folder")
    (tmp_path / "folder" / "other.safetensors").write_bytes((tmp_path / "folder" / WEIGHTS).read_bytes())
    commit = fill_cache(tmp_path / "hub", "studio/doodle", tmp_path / "folder")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    hub = find_source("studio/doodle", commit, tmp_path, holds="adapter")
    for inversion in (
        inversion_of(tmp_path / "folder"),
        inversion_of(tmp_path / "folder", weight_name="other.safetensors"),
        inversion_of(tmp_path / "folder" / WEIGHTS),
        TextualInversionSpec(source=hub, weight_name=None, token=None),
        TextualInversionSpec(source=hub, weight_name="other.safetensors", token=None),
    ):
        pipeline = load("sd")
        load_textual_inversions(pipeline, (inversion,))
        assert TOKEN in pipeline.tokenizer.get_vocab()


def test_an_existing_token_is_refused_and_nothing_is_changed(load, tmp_path):
    learned = inversion_of(save_textual_inversion(tmp_path / "one"))
    xl = inversion_of(save_textual_inversion_xl(tmp_path / "xl"), token="dog</w>")
    assert refusal_of(load("sd"), learned, learned) == (
        f"{tmp_path}/one: the token <doodle> already exists in this StableDiffusionPipeline: "
        "set another token in model.textual_inversions."
    )
    pipeline = load("xl")
    pipeline.tokenizer_2.add_tokens("<new>")
    before = len(pipeline.tokenizer)
    assert refusal_of(pipeline, xl).startswith(f"{tmp_path}/xl: the token dog</w> already exists in this ")
    refusal_of(pipeline, inversion_of(tmp_path / "xl", token="<new>"))
    assert len(pipeline.tokenizer) == before


def test_an_embedding_for_another_model_is_refused_with_both_sizes(load, tmp_path):
    save_file({"<wide>": torch.zeros(2, 24)}, tmp_path / WEIGHTS)
    assert refusal_of(load("sd"), inversion_of(tmp_path)) == (
        f"{tmp_path}: the embedding is for another model: its vectors have 24 dimensions, those of this "
        "StableDiffusionPipeline's text_encoder have 16."
    )
    save_textual_inversion_xl(tmp_path)
    assert refusal_of(load("sd"), inversion_of(tmp_path, token="<x>")) == (
        f"{tmp_path}: the embedding is for a text_encoder_2, which this StableDiffusionPipeline does not have."
    )
    assert refusal_of(load("refiner"), inversion_of(tmp_path, token="<x>")) == (
        f"{tmp_path}: the embedding is for a text_encoder, which this StableDiffusionXLImg2ImgPipeline does not have."
    )
    assert refusal_of(load("pixart"), inversion_of(tmp_path, token="<x>")) == (
        f"{tmp_path}: PixArtSigmaPipeline does not support textual inversion."
    )


@pytest.mark.parametrize("name", ["emb_params", "clip_l"])
def test_a_file_without_its_token_needs_it_from_the_manifest(load, tmp_path, name):
    save_file({name: torch.zeros(1, 16)}, tmp_path / WEIGHTS)
    assert refusal_of(load("sd"), inversion_of(tmp_path)) == (
        f"{tmp_path}: {WEIGHTS} does not name its token: set token in model.textual_inversions."
    )
    pipeline = load("sd")
    load_textual_inversions(pipeline, (inversion_of(tmp_path, token="<x>"),))
    assert "<x>" in pipeline.tokenizer.get_vocab()


def test_a_file_that_is_not_a_textual_inversion_is_refused(load, tmp_path):
    save_style_lora(tmp_path)
    [file] = tmp_path.glob("*.safetensors")
    count, first = len(load_file(file)), sorted(load_file(file))[:3]
    assert refusal_of(load("sd"), inversion_of(file)) == (
        f"{file}: {file.name} is not a textual inversion: it has {count} tensors ({', '.join(first)}, ...)."
    )


def test_a_pickle_is_never_loaded(load, tmp_path):
    source = ModelSource(pretrained="a/b", kind="hub", location="a/b", revision="0" * 40, fingerprint="")
    inversion = TextualInversionSpec(source=source, weight_name="learned_embeds.bin", token=None)
    assert refusal_of(load("sd"), inversion) == (
        "a/b: learned_embeds.bin is not a .safetensors file, and no other format is loaded."
    )
