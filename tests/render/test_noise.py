import math
from contextlib import suppress

import pytest
import torch
from diffusers.utils.torch_utils import randn_tensor

from farm.records import Noise
from farm.render.noise import make_generators, mixed_noise, normal, slerp, weighted_sum

SHAPE = (1, 4, 8, 8)


def drawn(noise, dtype=None):
    """Return a pipeline's first draw for one frame, and the frame's generator after it."""
    generators = make_generators([noise])
    with mixed_noise([noise], generators, torch.nn.Identity()):
        return randn_tensor(SHAPE, generator=generators, dtype=dtype), generators[0]


def circle(turn):
    weights = (math.cos(turn), math.sin(turn))
    return Noise(mode="circle", mix="sum", seeds=(1, 2), weights=weights, stream=1)


def test_seed_42_here_is_seed_42_in_diffusers():
    ours = normal(42, SHAPE)
    theirs = randn_tensor(SHAPE, generator=torch.Generator("cpu").manual_seed(42))
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_cast_float32_noise_equals_diffusers_noise_in_half_precision(dtype):
    generator = torch.Generator("cpu").manual_seed(7)
    assert torch.equal(normal(7, SHAPE).to(dtype), randn_tensor(SHAPE, generator=generator, dtype=dtype))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_noise_is_mixed_before_it_is_cast(dtype):
    mixed, _ = drawn(circle(0.7), dtype)
    full, _ = drawn(circle(0.7))
    assert mixed.dtype == dtype
    assert torch.equal(mixed, full.to(dtype))


def test_a_circle_starts_at_its_first_noise_and_passes_through_its_second():
    x, y = normal(1, SHAPE), normal(2, SHAPE)
    assert torch.equal(drawn(circle(0.0))[0], x)
    assert torch.allclose(drawn(circle(math.pi / 2))[0], y, atol=1e-6)
    assert torch.allclose(drawn(circle(0.7))[0], math.cos(0.7) * x + math.sin(0.7) * y, atol=1e-6)


def test_draws_are_mixtures_only_until_the_denoiser_is_called():
    generators, denoiser = make_generators([circle(0.7)]), torch.nn.Identity()
    x, y = (torch.Generator("cpu").manual_seed(seed) for seed in (1, 2))
    with mixed_noise([circle(0.7)], generators, denoiser):
        for _ in range(2):
            expected = math.cos(0.7) * torch.randn(SHAPE, generator=x) + math.sin(0.7) * torch.randn(
                SHAPE, generator=y
            )
            assert torch.allclose(randn_tensor(SHAPE, generator=generators), expected, atol=1e-6)
        denoiser(torch.zeros(1))
        assert torch.equal(randn_tensor(SHAPE, generator=generators), torch.randn(SHAPE, generator=x))


def test_frames_with_one_seed_next_to_a_mixture_draw_their_own_noise():
    plain = Noise(mode="seeds", mix="sum", seeds=(5,), weights=(1.0,), stream=5)
    generators = make_generators([plain, circle(0.7)])
    with mixed_noise([plain, circle(0.7)], generators, torch.nn.Identity()):
        both = randn_tensor((2, *SHAPE[1:]), generator=generators)
    assert torch.equal(both[:1], normal(5, SHAPE))
    assert torch.equal(both[1:], drawn(circle(0.7))[0])


def test_slerp_preserves_the_length_and_lerp_does_not():
    a, b = normal(1, (1, 4, 64, 64)), normal(2, (1, 4, 64, 64))
    middle = slerp(a, b, 0.5)
    assert middle.std().item() == pytest.approx(1.0, abs=0.02)
    assert torch.lerp(a, b, 0.5).std().item() == pytest.approx(math.sqrt(0.5), abs=0.02)


def test_slerp_of_parallel_tensors_is_their_lerp():
    a = normal(1, SHAPE)
    assert torch.allclose(slerp(a, 1.0001 * a, 0.5), 1.00005 * a)


def test_slerp_of_nearly_parallel_tensors_is_on_the_arc():
    angle = math.acos(0.9994)
    start, middle, end = (torch.tensor([math.cos(turn), math.sin(turn)]) for turn in (0.0, angle / 2, angle))
    assert torch.allclose(slerp(start, end, 0.5), middle, rtol=0, atol=1e-5)
    assert not torch.allclose(torch.lerp(start, end, 0.5), middle, rtol=0, atol=1e-4)


def test_a_single_part_of_weight_one_is_returned_exactly():
    a, b = normal(1, SHAPE), normal(2, SHAPE)
    assert weighted_sum([a, b], [1.0, 0.0]) is a


def test_the_sampler_continues_with_the_stream_seed_after_its_own_draw():
    noise = Noise(mode="keyframes", mix="slerp", seeds=(5, 6), weights=(0.5, 0.5), stream=9)
    _, generator = drawn(noise)
    expected = torch.Generator("cpu").manual_seed(9)
    torch.randn(SHAPE, generator=expected)
    assert torch.equal(generator.get_state(), expected.get_state())


def test_a_slerp_of_noise_goes_from_the_first_seed_to_the_second():
    x, y = normal(5, SHAPE), normal(6, SHAPE)
    angle = torch.acos((x * y).sum() / (x.norm() * y.norm()))
    expected = (x * torch.sin(0.8 * angle) + y * torch.sin(0.2 * angle)) / torch.sin(angle)
    noise = Noise(mode="keyframes", mix="slerp", seeds=(5, 6), weights=(0.8, 0.2), stream=9)
    assert torch.allclose(drawn(noise)[0], expected, atol=1e-6)


@pytest.mark.parametrize("happens", ["a step", "nothing", "an error"])
def test_a_mixture_leaves_no_hook_in_the_denoiser_or_in_torch(happens):
    generators, denoiser = make_generators([circle(0.7)]), torch.nn.Identity()
    with suppress(ArithmeticError), mixed_noise([circle(0.7)], generators, denoiser):
        if happens == "a step":
            denoiser(torch.zeros(1))
        if happens == "an error":
            raise ArithmeticError
    assert not denoiser._forward_pre_hooks
    assert torch.equal(randn_tensor(SHAPE, generator=generators), normal(1, SHAPE))
