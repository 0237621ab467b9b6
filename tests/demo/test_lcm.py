import warnings
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler, LCMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from torch import nn

from farm.demo.evaluation import held_out_prompts
from farm.demo.export import LCM_LORA, export_lora
from farm.demo.lcm import SOLVER_STEPS, add_adapter, ddim_step, denoised, solver_times, train_lcm
from farm.demo.lcm_measuring import FAST, FULL, Way, accuracy, draw
from farm.demo.loop import Course
from farm.demo.unet import Lessons, caption_rows, new_scheduler, new_unet
from farm.demo.vocabulary import Scene
from farm.models import HERE, find

MEGABYTE = 1_000_000


@pytest.fixture
def noisy() -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(5)
    return torch.randn(1, 4, 8, 8, generator=rng), torch.randn(1, 4, 8, 8, generator=rng)


@pytest.mark.parametrize("time", [19, 499, 999])
def test_the_consistency_function_is_the_one_that_the_scheduler_computes(
    noisy: tuple[torch.Tensor, torch.Tensor], time: int
) -> None:
    scheduler = LCMScheduler.from_config(new_scheduler().config)
    scheduler.set_timesteps(timesteps=[time])
    theirs = scheduler.step(noisy[1], scheduler.timesteps[0], noisy[0]).denoised
    mine = denoised(*noisy, torch.tensor([time]), scheduler.alphas_cumprod[[time]])
    torch.testing.assert_close(mine, theirs)


def test_the_consistency_function_leaves_at_time_zero_what_it_gets(
    noisy: tuple[torch.Tensor, torch.Tensor],
) -> None:
    assert torch.equal(denoised(*noisy, torch.tensor([0]), torch.tensor([0.999])), noisy[0])


@pytest.mark.parametrize(("later", "earlier"), [(19, 0), (39, 19), (999, 979)])
def test_a_solver_step_is_ddims(noisy: tuple[torch.Tensor, torch.Tensor], later: int, earlier: int) -> None:
    scheduler: DDIMScheduler = new_scheduler()
    scheduler.set_timesteps(SOLVER_STEPS)
    theirs = scheduler.step(noisy[1], later, noisy[0]).prev_sample
    alphas = scheduler.alphas_cumprod
    torch.testing.assert_close(ddim_step(*noisy, alphas[[later]], alphas[[earlier]]), theirs)


def test_the_times_learnt_are_those_that_the_scheduler_asks_for() -> None:
    scheduler = LCMScheduler.from_config(new_scheduler().config)
    drawn = [solver_times(torch.Generator().manual_seed(seed)) for seed in range(20)]
    later = {time for times, _ in drawn for time in times.tolist()}
    scheduler.set_timesteps(SOLVER_STEPS)
    assert later == set(scheduler.timesteps.tolist())
    assert {int(a) - int(b) for times, before in drawn for a, b in zip(times, before, strict=True)} == {
        19,
        20,
    }
    for steps in (1, 2, 4, 8):
        scheduler.set_timesteps(steps)
        assert set(scheduler.timesteps.tolist()) <= later


def test_a_new_adapter_changes_nothing(noisy: tuple[torch.Tensor, torch.Tensor]) -> None:
    unet = new_unet(64).eval()
    before = _predicted(unet, noisy[0])
    add_adapter(unet)
    assert torch.equal(_predicted(unet, noisy[0]), before)


def test_training_changes_the_adapter_alone(tmp_path: Path) -> None:
    unet = new_unet(64)
    before = {name: weight.clone() for name, weight in unet.state_dict().items()}
    train_lcm(unet, _lessons(), _course(tmp_path), torch.device("cpu"))
    after = {name.replace(".base_layer", ""): weight for name, weight in unet.state_dict().items()}
    assert [name for name in before if not torch.equal(before[name], after[name])] == []
    learnt = [weight for name, weight in after.items() if ".lora_B." in name]
    assert min(float(weight.abs().max()) for weight in learnt) > 0


def test_what_is_written_loads_into_a_pipeline_whole_and_silently(
    tmp_path: Path, noisy: tuple[torch.Tensor, torch.Tensor]
) -> None:
    pipeline = StableDiffusionPipeline.from_pretrained(HERE / "tiny-world")
    unet = UNet2DConditionModel.from_pretrained(HERE / "tiny-world", subfolder="unet")
    for weight in add_adapter(unet):
        nn.init.normal_(weight, std=0.1, generator=torch.Generator().manual_seed(weight.numel()))
        weight.data = weight.data.half().float()
    export_lora(unet, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        pipeline.load_lora_weights(tmp_path / LCM_LORA)
    torch.testing.assert_close(_predicted(pipeline.unet, noisy[0]), _predicted(unet.eval(), noisy[0]))


def test_the_shipped_lora_is_found_by_its_name_and_is_small() -> None:
    lora = find(LCM_LORA)
    assert lora is not None
    assert (lora.kind, lora.architecture, lora.pipeline_class) == ("lora", "LoRA", None)
    assert lora.bytes <= 2.5 * MEGABYTE, f"{lora.bytes / MEGABYTE:.2f} MB, allowed 2.5"


def test_four_steps_draw_what_25_steps_draw_and_need_the_lora_for_it() -> None:
    prompts = held_out_prompts(40)
    bare = Way(lora=False, scheduler=FAST.scheduler, steps=FAST.steps, guidance=FAST.guidance)
    full, fast, without = (accuracy(HERE, prompts, draw(HERE, way, prompts)) for way in (FULL, FAST, bare))
    short = {name: fast[name] for name in fast if fast[name] < 0.9 * full[name]}
    assert short == {}, f"measured {fast}, required nine tenths of {full}"
    assert without["shape"] < 0.9 * full["shape"], f"measured {without} without the LoRA, {full} at 25 steps"


def _predicted(unet: UNet2DConditionModel, noisy: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return unet(noisy, 499, torch.ones(1, 77, 128)).sample


def _lessons() -> Lessons:
    scene = Scene(shape="star", colour="red", background="beach", style="neon")
    rng = torch.Generator().manual_seed(6)
    return Lessons(
        latents=torch.randn(4, 4, 8, 8, generator=rng),
        scenes=(scene,) * 4,
        embeddings=torch.randn(len(caption_rows()), 1, 128, generator=rng),
    )


def _course(tmp_path: Path) -> Course:
    return Course(name="toy", steps=2, learning_rate=1e-3, checkpoint=tmp_path / "toy.pt", seed=3)
