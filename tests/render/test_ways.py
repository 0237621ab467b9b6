"""Every way of making pictures: a chunk of the farm is a plain call of diffusers, whatever changes between frames.

These tests are columns of the README's table; `tests.support` says which pipelines they cover.
"""

import math

import numpy as np
import pytest
import torch

from farm.errors import ModelError
from farm.records import Drift, Noise
from farm.render import open_renderer
from farm.render.families import pipeline_class
from tests.checkpoints.ways import ONE_OF_EACH_FAMILY, WAYS
from tests.exhaustive import sample
from tests.render.embeddings import embeddings, noise
from tests.render.frames import chunk_of, noise_of
from tests.render.ways import PROMPTS, SEEDS, same
from tests.support import MOVES, PICTURED

ENCODED = [name for name in PICTURED if WAYS[name].pictures != ("image",) or not WAYS[name].nets]
"""All except those whose only picture is a ControlNet's."""

FROM_NOISE = [name for name in MOVES["circle"] if name not in ENCODED]
"""Ways whose initial latents are pure noise, so that a plain call accepts them."""

EMBEDDED = [name for name in MOVES["walk"] if WAYS[name].pipeline != "LDMTextToImagePipeline"]
"""All except the one that accepts no embeddings; its walk is in test_by_hand.py."""

TURNS = [(math.cos(turn), math.sin(turn)) for turn in (0.0, 1.0, 2.5)]

ALONE = [name for name in MOVES["any layout"] if not WAYS[name].pads_to_longest]
TOGETHER = [name for name in MOVES["any layout"] if WAYS[name].pads_to_longest]


def every(names):
    return pytest.mark.parametrize("way", names, indirect=True)


def ways(names):
    """One of each family, and the others with `make test-all`."""
    return every(sample(names, of=set(names) & set(ONE_OF_EACH_FAMILY)))


@every(MOVES["plain call"])
def test_a_chunk_equals_a_plain_call_bit_for_bit(way):
    ours = way.render(*map(way.frame, range(3)))
    assert same(ours, way.plain(PROMPTS, SEEDS)) == [True] * 3


@ways(MOVES["interpolate"])
def test_the_ends_of_an_interpolation_equal_plain_calls_and_its_middle_is_neither(way):
    first, second = PROMPTS[:2]
    shares = [{first: 1.0}, {first: 0.5, second: 0.5}, {second: 1.0}]
    start, middle, end = way.render(
        *(way.frame(index, share, noise=noise_of(7)) for index, share in enumerate(shares))
    )
    plain = way.plain([first, first, second], [7, 7, 7])
    assert same([start, end], [plain[0], plain[2]]) == [True, True]
    assert not np.array_equal(middle, plain[1])
    assert not np.array_equal(middle, way.plain([second] * 3, [7] * 3)[1])


@ways(EMBEDDED)
def test_a_walk_equals_a_plain_call_with_embeddings_moved_by_hand(way):
    drifts = [
        None,
        Drift(direction="random", distance=0.5, seed=1),
        Drift(direction="ones", distance=0.25, seed=0),
    ]
    ours = way.render(*(way.frame(0, drift=drift) for drift in drifts))
    pipeline, prompts, seeds = way.pipeline(), [PROMPTS[0]] * 3, [SEEDS[0]] * 3
    given = embeddings(pipeline, prompts, way.way.negative_prompt)
    for name in ("prompt_embeds", "pooled_prompt_embeds"):
        if name in given:
            still, random, ones = given[name]
            direction = torch.randn(random.shape, generator=torch.Generator("cpu").manual_seed(1))
            direction = direction / direction.square().mean().sqrt()
            moved = [still, random + 0.5 * direction, ones + 0.25]
            given[name] = moved if isinstance(given[name], list) else torch.stack(moved)
    assert same(ours, way.call(pipeline, prompts, seeds, **given)) == [True] * 3
    assert same(ours[1:], ours[:1] * 2) == [False] * 2


@ways(FROM_NOISE)
def test_a_circle_equals_a_plain_call_with_latents_mixed_by_hand(way):
    ours = way.render(*map(circling(way), TURNS))
    pipeline = way.pipeline()
    drawn_from = [torch.Generator("cpu").manual_seed(7) for _ in TURNS]
    latents = [
        x * noise(pipeline, way.way.side, generator)
        + y * noise(pipeline, way.way.side, torch.Generator("cpu").manual_seed(8))
        for (x, y), generator in zip(TURNS, drawn_from, strict=True)
    ]
    given = {"generator": drawn_from, "latents": torch.cat(latents)}
    assert same(ours, way.call(pipeline, PROMPTS[:1] * 3, [7] * 3, **given)) == [True] * 3
    assert same(ours[1:], ours[:1] * 2) == [False] * 2


@ways(ENCODED)
def test_a_circle_from_a_picture_equals_a_plain_call_whose_draws_are_mixed_by_hand(way, monkeypatch):
    ours = way.render(*map(circling(way), TURNS))
    pipeline, randn = way.pipeline(), torch.randn
    mixtures = {
        torch.Generator("cpu").manual_seed(7): (x, y, torch.Generator("cpu").manual_seed(8)) for x, y in TURNS
    }

    def mixed(*size, generator=None, **kind):
        x, y, other = mixtures[generator]
        return x * randn(*size, generator=generator, **kind) + y * randn(*size, generator=other, **kind)

    with monkeypatch.context() as until_sampling:
        until_sampling.setattr(torch, "randn", mixed)
        pipeline.unet.register_forward_pre_hook(lambda *_: until_sampling.undo())
        theirs = way.call(pipeline, PROMPTS[:1] * 3, [7] * 3, generator=list(mixtures))
    assert same(ours, theirs) == [True] * 3
    assert same(ours[1:], ours[:1] * 2) == [False] * 2


def circling(way):
    """Make frames on the circle through the noises of seeds 7 and 8."""

    def frame(weights):
        return way.frame(0, noise=Noise(mode="circle", mix="sum", seeds=(7, 8), weights=weights, stream=7))

    return frame


@ways(MOVES["any layout"])
def test_a_frame_has_the_same_bits_from_any_renderer_after_any_other_work(way):
    mixture = {PROMPTS[0]: 0.3, PROMPTS[1]: 0.7}
    first = chunk_of(
        way.frame(0),
        way.frame(1, mixture),
        way.frame(2, drift=Drift(direction="random", distance=0.5, seed=1)),
    )
    second = chunk_of(*map(circling(way), TURNS))
    here = [way.renderer.render(chunk) for chunk in (first, second)]
    elsewhere = open_renderer(way.spec)
    elsewhere.render(chunk_of(way.frame(2, guidance_scale=2.0, num_inference_steps=3), way.frame(0)))
    there = [elsewhere.render(chunk) for chunk in (second, first)][::-1]
    assert [same(*chunks) for chunks in zip(here, there, strict=True)] == [[True] * 3] * 2


@ways(ALONE)
def test_a_frame_has_the_same_bits_with_any_neighbours(way):
    mixture = {PROMPTS[0]: 0.3, PROMPTS[1]: 0.7}
    together = way.render(way.frame(0), way.frame(1, mixture), way.frame(2))
    apart = way.render(way.frame(3, picture=2), way.frame(1, mixture), way.frame(4), batch_size=3)
    assert np.array_equal(together[1], apart[1])
    assert np.array_equal(together[0], way.render(way.frame(0), batch_size=3)[0])


@ways(TOGETHER)
def test_a_frame_whose_prompts_are_padded_together_has_the_same_bits_next_to_the_same_prompts(way):
    mixture, other = ({PROMPTS[0]: share, PROMPTS[1]: 1 - share} for share in (0.3, 0.6))
    together = way.render(way.frame(0), way.frame(1, mixture), way.frame(2))
    with_others = way.render(way.frame(0), way.frame(1, other), way.frame(2, noise=noise_of(9)))
    assert np.array_equal(together[0], with_others[0])
    # These are also the bits of a plain call together with the longest of them.
    assert np.array_equal(together[0], way.plain(PROMPTS, [SEEDS[0]] * 3)[0])


@ways(MOVES["a picture per frame"])
def test_a_picture_per_frame_equals_a_plain_call_bit_for_bit(way):
    ours = way.render(*(way.frame(index, picture=index) for index in range(3)))
    assert same(ours, way.plain(PROMPTS, SEEDS, [0, 1, 2])) == [True] * 3
    assert not np.array_equal(ours[1], way.render(*map(way.frame, range(3)))[1])


@ways(ENCODED)
def test_a_fixed_picture_is_encoded_once(way, monkeypatch):
    # No other test uses picture 3.
    encoder = way.renderer._loaded.pipeline.vae.encoder
    calls, forward = [], encoder.forward
    monkeypatch.setattr(encoder, "forward", lambda x: calls.append(1) or forward(x))
    for index in range(3):
        way.render(way.frame(index, picture=3), way.frame(index + 1, picture=3))
    # With a mask, the area outside of it is a separate picture.
    assert len(calls) in ((1, 2) if "mask_image" in way.way.pictures else (1,))


def test_a_pipeline_without_encode_prompt_is_refused_with_the_reason():
    with pytest.raises(ModelError) as caught:
        pipeline_class("UnCLIPPipeline")
    assert str(caught.value) == (
        "UnCLIPPipeline: the farm cannot use it: it has no encode_prompt, in which prompts are mixed."
    )
