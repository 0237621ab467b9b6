import math

import pytest
import torch
from diffusers.utils.torch_utils import randn_tensor

from farm.records import Noise
from farm.render.noise import initial_latents, normal, slerp, sum_of

SHAPE = (1, 4, 8, 8)


def test_seed_42_here_is_seed_42_in_diffusers():
    ours, _ = normal(42, SHAPE)
    theirs = randn_tensor(SHAPE, generator=torch.Generator("cpu").manual_seed(42))
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_casting_float32_noise_gives_what_diffusers_draws_in_half_precision(dtype):
    ours, after = normal(7, SHAPE)
    generator = torch.Generator("cpu").manual_seed(7)
    assert torch.equal(ours.to(dtype), randn_tensor(SHAPE, generator=generator, dtype=dtype))
    assert torch.equal(after.get_state(), generator.get_state())


def test_a_circle_begins_at_its_first_noise_and_passes_its_second():
    x, y = normal(1, SHAPE)[0], normal(2, SHAPE)[0]

    def at(turn):
        weights = (math.cos(turn), math.sin(turn))
        noise = Noise(mode="circle", mix="sum", seeds=(1, 2), weights=weights, stream=1)
        return initial_latents(noise, SHAPE)[0]

    assert torch.equal(at(0.0), x)
    assert torch.allclose(at(math.pi / 2), y, atol=1e-6)
    assert torch.allclose(at(0.7), math.cos(0.7) * x + math.sin(0.7) * y, atol=1e-6)


def test_slerp_keeps_the_length_that_lerp_loses():
    a, b = normal(1, (1, 4, 64, 64))[0], normal(2, (1, 4, 64, 64))[0]
    middle = slerp(a, b, 0.5)
    assert middle.std().item() == pytest.approx(1.0, abs=0.02)
    assert torch.lerp(a, b, 0.5).std().item() == pytest.approx(math.sqrt(0.5), abs=0.02)


def test_slerp_of_parallel_tensors_is_their_lerp():
    a = normal(1, SHAPE)[0]
    assert torch.allclose(slerp(a, 1.0001 * a, 0.5), 1.00005 * a)


def test_one_part_of_weight_one_is_returned_exact():
    a, b = normal(1, SHAPE)[0], normal(2, SHAPE)[0]
    assert sum_of([a, b], [1.0, 0.0]) is a


def test_the_sampler_goes_on_with_the_stream_seed_after_its_own_draw():
    noise = Noise(mode="keyframes", mix="slerp", seeds=(5, 6), weights=(0.5, 0.5), stream=9)
    _, generator = initial_latents(noise, SHAPE)
    expected = torch.Generator("cpu").manual_seed(9)
    torch.randn(SHAPE, generator=expected)
    assert torch.equal(generator.get_state(), expected.get_state())
