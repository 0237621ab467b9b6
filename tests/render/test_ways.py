"""Every way of making pictures: a chunk of the farm is a plain call of diffusers, whatever moves along its frames.

The columns of the README's table are these tests, and what each is asked of is in `tests.support`.
"""

import math

import numpy as np
import pytest

from farm.errors import ModelError
from farm.records import Drift, Noise
from farm.render.families import pipeline_class
from tests.checkpoints.ways import WAYS
from tests.render.frames import noise_of
from tests.render.ways import PROMPTS, SEEDS, Rendered, same
from tests.support import MOVES, PICTURED

ENCODED = [name for name in PICTURED if WAYS[name].pictures != ("image",) or not WAYS[name].nets]
"""All but those in which the only picture is a ControlNet's."""

ALONE = [name for name in MOVES["any layout"] if not WAYS[name].pads_together]
TOGETHER = [name for name in MOVES["any layout"] if WAYS[name].pads_together]


@pytest.fixture(scope="module")
def way(request, tmp_path_factory):
    return Rendered(WAYS[request.param], tmp_path_factory.mktemp("way"))


def ways(names):
    return pytest.mark.parametrize("way", names, indirect=True)


@ways(MOVES["plain call"])
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


@ways(MOVES["walk"])
def test_a_walk_moves_the_picture_and_leaves_no_trace(way):
    drift = Drift(direction="random", distance=0.5, seed=1)
    still = way.render(way.frame(0))[0]
    moved = way.render(way.frame(0, drift=drift))[0]
    assert not np.array_equal(still, moved)
    assert np.array_equal(way.render(way.frame(0))[0], still)


@ways(MOVES["circle"])
def test_a_circle_of_noise_begins_at_a_plain_call_and_moves_on(way):
    def at(turn):
        weights = (math.cos(turn), math.sin(turn))
        noise = Noise(mode="circle", mix="sum", seeds=(7, 8), weights=weights, stream=7)
        return way.render(way.frame(0, noise=noise))[0]

    assert np.array_equal(at(0.0), way.plain(PROMPTS[:1], [7])[0])
    assert not np.array_equal(at(0.0), at(1.0))
    assert np.array_equal(at(1.0), at(1.0))


@ways(ALONE)
def test_a_frame_has_its_bits_whatever_its_neighbours_are(way):
    mixture = {PROMPTS[0]: 0.3, PROMPTS[1]: 0.7}
    together = way.render(way.frame(0), way.frame(1, mixture), way.frame(2))
    apart = way.render(way.frame(3, picture=2), way.frame(1, mixture), way.frame(4), batch_size=3)
    assert np.array_equal(together[1], apart[1])
    assert np.array_equal(together[0], way.render(way.frame(0), batch_size=3)[0])


@ways(TOGETHER)
def test_where_prompts_are_padded_together_a_frame_has_its_bits_beside_the_same_prompts(way):
    mixture, other = ({PROMPTS[0]: share, PROMPTS[1]: 1 - share} for share in (0.3, 0.6))
    together = way.render(way.frame(0), way.frame(1, mixture), way.frame(2))
    beside = way.render(way.frame(0), way.frame(1, other), way.frame(2, noise=noise_of(9)))
    assert np.array_equal(together[0], beside[0])
    # And these are the bits of a plain call beside the longest of them.
    assert np.array_equal(together[0], way.plain(PROMPTS, [SEEDS[0]] * 3)[0])


@ways(MOVES["a picture per frame"])
def test_a_picture_per_frame_equals_a_plain_call_bit_for_bit(way):
    ours = way.render(*(way.frame(index, picture=index) for index in range(3)))
    assert same(ours, way.plain(PROMPTS, SEEDS, [0, 1, 2])) == [True] * 3
    assert not np.array_equal(ours[1], way.render(*map(way.frame, range(3)))[1])


@ways(ENCODED)
def test_a_fixed_picture_is_encoded_once(way, monkeypatch):
    # Picture 3 is in no other test.
    encoder = way.renderer._loaded.pipeline.vae.encoder
    calls, forward = [], encoder.forward
    monkeypatch.setattr(encoder, "forward", lambda x: calls.append(1) or forward(x))
    for index in range(3):
        way.render(way.frame(index, picture=3), way.frame(index + 1, picture=3))
    # With a mask what lies outside of it is a picture of its own.
    assert len(calls) in ((1, 2) if "mask_image" in way.way.pictures else (1,))


def test_a_pipeline_without_the_seams_is_refused_with_what_it_lacks():
    with pytest.raises(ModelError) as caught:
        pipeline_class("UnCLIPPipeline")
    assert str(caught.value) == (
        "UnCLIPPipeline: the farm cannot render with it: it has no encode_prompt, where prompts are mixed."
    )
