import dataclasses

import diffusers
import numpy as np
import pytest
import torch
from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

from farm.errors import ModelError, RenderError
from farm.records import Drift
from farm.render import open_renderer
from farm.render.loading.pipeline import _restore_text_model
from tests.render.frames import chunk_of, frame_of, noise_of, spec_of

SCHEDULERS = [
    "",
    "EulerDiscreteScheduler",
    "EulerAncestralDiscreteScheduler",
    "DPMSolverMultistepScheduler",
    "PNDMScheduler",
    "LCMScheduler",
]


@pytest.fixture(scope="module")
def renderer(tiny_sd):
    return open_renderer(spec_of(tiny_sd))


@pytest.fixture(scope="module")
def plain(tiny_sd):
    torch.set_num_threads(1)
    pipeline = diffusers.StableDiffusionPipeline.from_pretrained(tiny_sd)
    pipeline.set_progress_bar_config(disable=True)
    _restore_text_model(pipeline)
    own = pipeline.scheduler

    def call(prompt, seeds, scheduler="", **arguments):
        cls = getattr(diffusers, scheduler) if scheduler else type(own)
        pipeline.scheduler = cls.from_config(own.config)
        images = pipeline(
            prompt,
            negative_prompt=["dull"] * len(prompt),
            generator=[torch.Generator("cpu").manual_seed(seed) for seed in seeds],
            **({"num_inference_steps": 4, "guidance_scale": 5.0} | arguments),
        ).images
        return [np.asarray(image) for image in images]

    return call


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_chunk_equals_a_plain_diffusers_call_bit_for_bit(renderer, plain, scheduler, batch_size):
    prompts = ["a red star", "a blue heart", "fish"][:batch_size]
    frames = [
        frame_of(i, {prompt: 1.0}, noise=noise_of(40 + i), scheduler=scheduler)
        for i, prompt in enumerate(prompts)
    ]
    ours = renderer.render(chunk_of(*frames))
    theirs = plain(prompts, [40 + i for i in range(batch_size)], scheduler)
    assert [np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True)] == [True] * batch_size


@pytest.mark.parametrize(
    "arguments", [{"guidance_scale": 1.0}, {"eta": 0.7}, {"guidance_rescale": 0.5}, {"clip_skip": 1}]
)
def test_call_arguments_have_the_same_effect_as_in_diffusers(renderer, plain, arguments):
    ours = renderer.render(chunk_of(frame_of(**arguments)))
    assert np.array_equal(ours[0], plain(["a red star"], [42], **arguments)[0])


def test_a_size_other_than_the_checkpoints_own_equals_a_plain_call(renderer, plain):
    ours = renderer.render(chunk_of(frame_of(height=32, width=24)))[0]
    assert ours.shape == (32, 24, 3)
    assert np.array_equal(ours, plain(["a red star"], [42], height=32, width=24)[0])


def test_a_padded_chunk_gives_its_frames_the_bits_of_a_full_one(renderer):
    frames = [frame_of(i, noise=noise_of(i)) for i in range(3)]
    full = renderer.render(chunk_of(*frames))
    short = renderer.render(chunk_of(*frames[:2], batch_size=3))
    assert len(short) == 2
    assert all(np.array_equal(a, b) for a, b in zip(short, full, strict=False))


def test_a_frame_between_prompts_is_neither_and_an_end_is_exact(renderer, plain):
    at = {
        alpha: renderer.render(chunk_of(frame_of(0, {"a red star": 1 - alpha, "fish": alpha})))[0]
        for alpha in (0.5, 0.999)
    }
    end = renderer.render(chunk_of(frame_of(0, {"fish": 1.0})))[0]
    assert np.array_equal(end, plain(["fish"], [42])[0])
    distance = {alpha: np.abs(end.astype(int) - frame).mean() for alpha, frame in at.items()}
    assert 0 < distance[0.999] < distance[0.5]


def test_a_drift_moves_the_conditioning_step_by_step(renderer):
    still = renderer.render(chunk_of(frame_of()))[0].astype(int)
    moved = [
        renderer.render(chunk_of(frame_of(drift=Drift(direction=kind, distance=distance, seed=1))))[0]
        for kind in ("ones", "random")
        for distance in (0.01, 0.5)
    ]
    changes = [np.abs(still - picture).mean() for picture in moved]
    assert changes[0] < changes[1]
    assert changes[2] < changes[3]


def test_the_scheduler_of_one_frame_leaves_no_trace_in_the_next(renderer):
    before = renderer.render(chunk_of(frame_of()))[0]
    renderer.render(chunk_of(frame_of(scheduler="LCMScheduler", config={"beta_schedule": "linear"})))
    assert np.array_equal(renderer.render(chunk_of(frame_of()))[0], before)


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_a_picture_with_nan_or_infinity_is_none_and_its_neighbours_are_unchanged(
    renderer, monkeypatch, value
):
    frames = [frame_of(slot, noise=noise_of(slot)) for slot in range(3)]
    before = renderer.render(chunk_of(*frames))
    processor = renderer._loaded.pipeline.image_processor
    plain = processor.postprocess

    def broken(*arguments, **named):
        images = plain(*arguments, **named)
        images[1, 3, 5, 0] = value
        return images

    monkeypatch.setattr(processor, "postprocess", broken)
    first, middle, last = renderer.render(chunk_of(*frames))
    assert middle is None
    assert np.array_equal(first, before[0])
    assert np.array_equal(last, before[2])
    assert renderer.render(chunk_of(frames[0], batch_size=3))[0] is not None


def test_latents_that_overflow_give_no_picture(renderer, monkeypatch):
    plain = renderer._loaded.pipeline.unet.forward

    def overflowing(*arguments, **named):
        return (plain(*arguments, **named)[0] * float("inf"),)

    monkeypatch.setattr(renderer._loaded.pipeline.unet, "forward", overflowing)
    assert renderer.render(chunk_of(frame_of())) == [None]


def test_any_error_of_a_scheduler_is_reported_as_the_pipelines_failure(renderer):
    with pytest.raises(RenderError) as caught:
        renderer.render(chunk_of(frame_of(scheduler="FlowMatchEulerDiscreteScheduler")))
    assert str(caught.value) == (
        "StableDiffusionPipeline: AttributeError: 'FlowMatchEulerDiscreteScheduler' object has no attribute "
        "'init_noise_sigma'"
    )


def test_a_tokenizer_that_gives_up_on_its_regular_expression_fails_only_the_chunk(renderer):
    """In this case tokenizers raises a BaseException."""
    backend = renderer._loaded.pipeline.tokenizer.backend_tokenizer
    honest, backend.pre_tokenizer = backend.pre_tokenizer, Split(Regex("(a+)+$x"), behavior="removed")
    try:
        with pytest.raises(RenderError) as caught:
            renderer.render(chunk_of(frame_of(prompts={"a" * 60: 1.0})))
    finally:
        backend.pre_tokenizer = honest
    assert str(caught.value) == (
        "StableDiffusionPipeline: PanicException: Onig: Regex search error: retry-limit-in-match over"
    )
    assert renderer.render(chunk_of(frame_of())) is not None


def test_an_unknown_scheduler_setting_is_refused(renderer):
    with pytest.raises(RenderError, match="^DDIMScheduler: has no setting karras.$"):
        renderer.render(chunk_of(frame_of(scheduler="DDIMScheduler", config={"karras": True})))


def test_a_size_that_the_checkpoint_does_not_support_is_refused(renderer):
    with pytest.raises(
        RenderError, match="^height 17: this checkpoint rendered 16 pixels; choose a size that it supports.$"
    ):
        renderer.render(chunk_of(frame_of(height=17)))


def test_pickled_weights_are_never_loaded(tiny_sd, tmp_path):
    import shutil

    folder = tmp_path / "pickled"
    shutil.copytree(tiny_sd, folder)
    found_whole = spec_of(folder)
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    torch.save({}, folder / "unet" / "diffusion_pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot be loaded as StableDiffusionPipeline"):
        open_renderer(found_whole)


def test_an_unknown_pipeline_class_is_refused(tiny_sd):
    with pytest.raises(ModelError, match="^NoSuchPipeline: diffusers .* has no pipeline of this name.$"):
        open_renderer(dataclasses.replace(spec_of(tiny_sd), pipeline="NoSuchPipeline"))
