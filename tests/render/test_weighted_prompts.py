"""Weighted prompts equal compel's encodings, and without weights those of the pipeline, bit for bit."""

import accelerate
import pytest
import torch
from compel import CompelForSD, CompelForSDXL, DiffusersTextualInversionManager

from farm.errors import RenderError
from farm.render.loading.pipeline import _restore_text_model
from farm.render.prompts.weighted_prompts import WeightedPrompts
from tests.checkpoints.textual_inversion import save_textual_inversion

LONG = "a photo of a red star at night, " * 20
WEIGHTED = [
    "a (red star)++ at night",
    "a (red star)1.5 at night, dull-- sky",
    "a ((red)1.2 star)0.4",
    '("a red star", "a (blue)++ circle").blend(0.3, 0.7)',
    '("a red star", "a blue circle").and()',
    f"(dog)1.5 and {LONG}",
]
NEGATIVE = "dull, (blurry)++"


def by_compel(pipeline, prompts, negative_prompts):
    """Encode prompts as compel's README does."""
    kind = CompelForSDXL if hasattr(pipeline, "text_encoder_2") else CompelForSD
    with torch.no_grad():
        made = kind(pipeline)(list(prompts), negative_prompt=list(negative_prompts))
    arguments = {"prompt_embeds": made.embeds, "negative_prompt_embeds": made.negative_embeds}
    if made.pooled_embeds is None:
        return arguments
    return arguments | {
        "pooled_prompt_embeds": made.pooled_embeds,
        "negative_pooled_prompt_embeds": made.negative_pooled_embeds,
    }


def by_the_pipeline(pipeline, prompt, negative_prompt, clip_skip=None):
    with torch.no_grad():
        made = pipeline.encode_prompt(
            prompt,
            device="cpu",
            num_images_per_prompt=1,
            do_classifier_free_guidance=True,
            negative_prompt=negative_prompt,
            clip_skip=clip_skip,
        )
    names = [
        "prompt_embeds",
        "negative_prompt_embeds",
        "pooled_prompt_embeds",
        "negative_pooled_prompt_embeds",
    ]
    return dict(zip(names, made, strict=False))


def same(ours, theirs):
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("name", ["sd", "xl"])
@pytest.mark.parametrize("prompt", WEIGHTED)
def test_a_weighted_prompt_equals_compels_encoding(load, name, prompt):
    pipeline = load(name)
    ours = WeightedPrompts(pipeline).encode([prompt], [NEGATIVE])
    assert same(ours, by_compel(pipeline, [prompt], [NEGATIVE]))
    plain = by_the_pipeline(pipeline, "a red star at night", "dull, blurry")
    assert not torch.equal(ours["prompt_embeds"][:, :77], plain["prompt_embeds"])
    assert not torch.equal(ours["negative_prompt_embeds"][:, :77], plain["negative_prompt_embeds"])


@pytest.mark.parametrize("name", ["sd", "xl"])
def test_prompts_in_one_call_are_padded_to_the_longest(load, name):
    pipeline = load(name)
    prompts, negatives = ["a red star", *WEIGHTED], [NEGATIVE] * (1 + len(WEIGHTED))
    ours = WeightedPrompts(pipeline).encode(prompts, negatives)
    assert ours["prompt_embeds"].shape[1] == ours["negative_prompt_embeds"].shape[1] == 3 * 77
    assert same(ours, by_compel(pipeline, prompts, negatives))
    short, long = (
        WeightedPrompts(pipeline).encode(["a red star"], [words])["prompt_embeds"] for words in ("", LONG)
    )
    assert short.shape[1] == 77
    assert torch.equal(long[:, :77], short)


@pytest.mark.parametrize("name", ["sd", "xl"])
@pytest.mark.parametrize("clip_skip", [None, 1])
def test_a_prompt_without_weights_equals_the_pipelines_encoding_bit_for_bit(load, name, clip_skip):
    pipeline = load(name)
    if name == "sd":
        _restore_text_model(pipeline)
    prompt, negative = "a photo of a red star, at night", "dull, blurry"
    ours = WeightedPrompts(pipeline).encode([prompt], [negative], clip_skip)
    assert same(ours, by_the_pipeline(pipeline, prompt, negative, clip_skip))


def test_without_negative_prompts_there_are_no_negative_embeddings(load):
    assert list(WeightedPrompts(load("sd")).encode(["a", "b"], None)) == ["prompt_embeds"]


def test_a_refiner_has_only_the_second_encoder(load):
    pipeline = load("refiner")
    ours = WeightedPrompts(pipeline).encode(["a red star"], ["dull"])
    assert same(ours, by_the_pipeline(pipeline, "a red star", "dull"))


def test_the_weights_of_a_conjunction_apply_in_sdxl_too(load):
    encode = WeightedPrompts(load("xl")).encode
    prompts = ('("a red star", "a dog").and(1, 0.5)', '("a red star", "a dog").and()', '("a dog", "").and()')
    half, unweighted, empty = (encode([prompt], None)["prompt_embeds"] for prompt in prompts)
    assert torch.equal(half[:, :77], unweighted[:, :77])
    assert torch.allclose(half[:, 77:], (unweighted[:, 77:] + empty[:, 77:]) / 2)


def test_a_weight_after_a_colon_equals_compels_weight(load):
    encode = WeightedPrompts(load("sd")).encode
    assert same(encode(["a (red star:1.5)"], ["(dull:0.5)"]), encode(["a (red star)1.5"], ["(dull)0.5"]))


@pytest.mark.parametrize("vectors", [1, 3])
def test_a_textual_inversion_uses_all_of_its_vectors(load, tmp_path, vectors):
    pipeline = load("sd")
    pipeline.load_textual_inversion(str(save_textual_inversion(tmp_path, vectors=vectors)))
    plain = "a photo of <doodle>, red"
    ours = WeightedPrompts(pipeline).encode([plain], ["dull"])
    assert same(ours, by_the_pipeline(pipeline, plain, "dull"))
    weighted = "a (<doodle>)++ star and (<doodle>)0.5"
    with torch.no_grad():
        theirs = CompelForSD(pipeline, DiffusersTextualInversionManager(pipeline))(weighted)
    assert torch.equal(WeightedPrompts(pipeline).encode([weighted], None)["prompt_embeds"], theirs.embeds)


def test_a_prompt_that_compel_cannot_read_is_reported(load):
    with pytest.raises(RenderError) as refused:
        WeightedPrompts(load("sd")).encode(["a star", "a (red star"], ["dull"])
    assert str(refused.value) == (
        r"prompt 'a (red star': the ( at character 3 is never closed; write \( for a literal one."
    )


@pytest.mark.parametrize(
    ("name", "kind"), [("pixart", "PixArtSigmaPipeline"), ("sd3", "StableDiffusion3Pipeline")]
)
def test_pipelines_with_other_encoders_are_refused(load, name, kind):
    with pytest.raises(RenderError) as refused:
        WeightedPrompts(load(name))
    assert str(refused.value) == (
        f"render.prompt_syntax: compel supports Stable Diffusion and SDXL, not {kind}; allowed: plain."
    )


def test_offloaded_encoders_encode_on_their_computing_device(load):
    plain, offloaded = load("xl"), load("xl")
    for part in (offloaded.text_encoder, offloaded.text_encoder_2, offloaded.unet, offloaded.vae):
        accelerate.cpu_offload(part, torch.device("cpu"), offload_buffers=True)
    assert offloaded.text_encoder.device.type == "meta"
    ours, theirs = (
        WeightedPrompts(pipeline).encode([WEIGHTED[2]], [NEGATIVE]) for pipeline in (offloaded, plain)
    )
    assert same(ours, theirs)
