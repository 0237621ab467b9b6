import pytest
import torch

from farm.errors import RenderError
from farm.render import open_renderer
from farm.render.determinism import no_global_noise
from tests.render.frames import chunk_of, frame_of, spec_of

CPU = torch.device("cpu")


def test_a_pipeline_that_draws_from_torchs_global_generator_is_refused(tiny_sd, monkeypatch):
    renderer = open_renderer(spec_of(tiny_sd))
    plain = renderer._loaded.pipeline.unet.forward

    def noisy(sample, *arguments, **named):
        return plain(sample + torch.randn_like(sample), *arguments, **named)

    monkeypatch.setattr(renderer._loaded.pipeline.unet, "forward", noisy)
    with torch.random.fork_rng(devices=[]), pytest.raises(RenderError) as refused:
        renderer.render(chunk_of(frame_of()))
    assert str(refused.value) == (
        "StableDiffusionPipeline with DDIMScheduler: drew noise from torch's global generator instead of the frame's "
        "own, so that the frame could not be reproduced from its recipe. Choose another model.scheduler; "
        "EulerAncestralDiscreteScheduler and DPMSolverMultistepScheduler with algorithm_type sde-dpmsolver++ are "
        "stochastic and reproducible."
    )


def test_noise_from_a_separate_generator_is_not_global_noise():
    with no_global_noise(CPU, "a sampler"):
        torch.randn(4, generator=torch.Generator().manual_seed(1))


def test_an_error_inside_is_raised_unchanged():
    with pytest.raises(ValueError, match="^first$"), no_global_noise(CPU, "a sampler"):
        torch.randn(1)
        raise ValueError("first")


@pytest.mark.gpu
def test_noise_of_the_gpus_global_generator_is_refused_too():
    device = torch.device("cuda")
    with pytest.raises(RenderError), no_global_noise(device, "a sampler"):
        torch.randn(4, device=device)
