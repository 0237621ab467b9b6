"""Render with every diffusers scheduler: the statements of farm.manifest.schedulers about it are true.

tests/rules/test_scheduler_checks.py tests which pipelines accept which schedulers.
"""

import inspect
from importlib.util import find_spec
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch

from farm.errors import RenderError
from farm.manifest.schedulers import DIFFUSION, REFUSED
from farm.records import Noise
from farm.render import open_renderer
from tests.render.frames import chunk_of, frame_of, noise_of, spec_of

NEEDS = {"CosineDPMSolverMultistepScheduler": "torchsde", "LMSDiscreteScheduler": "scipy"}
HERE = [name for name in DIFFUSION if name not in NEEDS or find_spec(NEEDS[name])]
NOT_HERE = [name for name in DIFFUSION if name not in HERE]

STOCHASTIC = [
    *(
        (name, {"algorithm_type": "sde-dpmsolver++", "solver_order": order}, {})
        for name in ("DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler")
        for order in (1, 2, 3)
    ),
    ("EDMDPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}, {}),
    *(("DDPMScheduler", {"variance_type": kind}, {}) for kind in ("fixed_small", "fixed_large")),
    *((name, {}, {"eta": 0.7}) for name in ("DDIMScheduler", "DDIMParallelScheduler", "TCDScheduler")),
    *((name, {}, {}) for name in ("EulerAncestralDiscreteScheduler", "KDPM2AncestralDiscreteScheduler")),
    *((name, {}, {}) for name in ("LCMScheduler", "SASolverScheduler", "CMStochasticIterativeScheduler")),
]
"""Schedulers and settings that draw noise while sampling."""

MAKEABLE = {
    "AmusedScheduler": {"mask_token_id": 1},
    "HeliosDMDScheduler": {"stages": 1},
    "HeliosScheduler": {"stages": 1},
    "RFD4ProteinaScheduler": {
        "schedule_mode": "log",
        "noise_mode": "tan",
        "tsr_k": 1.0,
        "tsr_sigma": 1.0,
    },
    "SCMScheduler": {"prediction_type": "trigflow"},
    "UnCLIPScheduler": {"beta_schedule": "squaredcos_cap_v2"},
    "VQDiffusionScheduler": {"num_vec_classes": 4},
}
"""Arguments that these require for construction, so that the failure is in sampling."""


@pytest.fixture(scope="module")
def renderer(tiny_sd):
    return open_renderer(spec_of(tiny_sd))


@pytest.fixture(scope="module")
def other_renderer(tiny_sd):
    """A renderer that has rendered fewer chunks, and none with the scheduler of the test."""
    return open_renderer(spec_of(tiny_sd))


def pictures(renderer, scheduler, noises, *, drawn_before=0, config=None, **arguments):
    frames = [
        frame_of(index, noise=noise, scheduler=scheduler, config=config, **arguments)
        for index, noise in enumerate(noises)
    ]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(drawn_before)
        return np.stack(renderer.render(chunk_of(*frames)))


def noises(*seeds):
    return [noise_of(seed) for seed in seeds]


def assert_exact(renderer, other_renderer, scheduler, **settings):
    first = pictures(renderer, scheduler, noises(1, 2, 3), **settings)
    assert np.array_equal(pictures(renderer, scheduler, noises(1, 2, 3), drawn_before=7, **settings), first)
    elsewhere = pictures(other_renderer, scheduler, noises(1, 2, 3), drawn_before=8, **settings)
    assert np.array_equal(elsewhere, first)
    neighbours = pictures(renderer, scheduler, noises(8, 2, 9), **settings)
    assert np.array_equal(neighbours[1], first[1])
    assert not np.array_equal(neighbours[0], first[0])


@pytest.mark.parametrize("scheduler", [name for name in HERE if (name, {}, {}) not in STOCHASTIC])
def test_bits_depend_on_the_frame_alone_not_on_draws_renders_and_neighbours(
    renderer, other_renderer, scheduler
):
    assert_exact(renderer, other_renderer, scheduler)


@pytest.mark.parametrize(("scheduler", "config", "arguments"), STOCHASTIC)
def test_noise_during_sampling_comes_from_the_frames_own_generator(
    renderer, other_renderer, scheduler, config, arguments
):
    assert_exact(renderer, other_renderer, scheduler, config=config, **arguments)
    same_start = [
        Noise(mode="fixed", mix="sum", seeds=(1,), weights=(1.0,), stream=stream) for stream in (1, 1, 5)
    ]
    first, second, other_stream = pictures(renderer, scheduler, same_start, config=config, **arguments)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other_stream)


@pytest.mark.parametrize("scheduler", NOT_HERE)
def test_a_library_that_a_scheduler_needs_is_named(renderer, scheduler):
    library = NEEDS[scheduler]
    with pytest.raises(RenderError) as refused:
        renderer.render(chunk_of(frame_of(scheduler=scheduler)))
    assert str(refused.value) == (
        f"{scheduler}: needs {library}, which is not installed here: pip install {library}"
    )


@pytest.mark.parametrize("scheduler", sorted(set(REFUSED) - {"DPMSolverSDEScheduler"}))
def test_a_refused_scheduler_cannot_sample(renderer, scheduler):
    with pytest.raises(RenderError, match="^StableDiffusionPipeline: "):
        pictures(renderer, scheduler, noises(1), config=MAKEABLE.get(scheduler), num_inference_steps=2)


@pytest.mark.skipif(not find_spec("torchsde"), reason="needs torchsde")
def test_the_refused_sde_scheduler_draws_from_the_global_generator(renderer):
    with pytest.raises(RenderError, match="drew noise from torch's global generator"):
        pictures(renderer, "DPMSolverSDEScheduler", noises(1))


def test_the_refused_sde_scheduler_takes_no_generator():
    source = Path(inspect.getfile(diffusers)).parent / "schedulers" / "scheduling_dpmsolver_sde.py"
    signature = source.read_text().partition("    def step(")[2].partition("->")[0]
    assert "sample:" in signature
    assert "generator" not in signature
