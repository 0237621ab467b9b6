import warnings
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler, LCMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from torch import nn

from farm.models import HERE, find
from tests.exhaustive import sample
from training.evaluation import Prompt, accuracy, classify, held_out_prompts
from training.export import LCM_LORA, RESNET, export_lora
from training.lcm import (
    FAST,
    FULL,
    SOLVER_STEPS,
    Sampling,
    add_adapter,
    ddim_step,
    denoised,
    generate_with,
    solver_times,
    train_lcm,
)
from training.loop import TrainConfig
from training.scenes import Scene
from training.unet import LatentDataset, caption_rows, new_scheduler, new_unet

MEGABYTE = 1_000_000


@pytest.fixture
def noisy() -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(5)
    return torch.randn(1, 4, 8, 8, generator=rng), torch.randn(1, 4, 8, 8, generator=rng)


@pytest.mark.parametrize("time", [19, 499, 999])
def test_the_consistency_function_is_that_of_the_scheduler(
    noisy: tuple[torch.Tensor, torch.Tensor], time: int
) -> None:
    scheduler = LCMScheduler.from_config(new_scheduler().config)
    scheduler.set_timesteps(timesteps=[time])
    theirs = scheduler.step(noisy[1], scheduler.timesteps[0], noisy[0]).denoised
    mine = denoised(*noisy, torch.tensor([time]), scheduler.alphas_cumprod[[time]])
    torch.testing.assert_close(mine, theirs)


def test_the_consistency_function_at_time_zero_is_the_identity(
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


def test_the_trained_times_include_all_that_the_scheduler_uses() -> None:
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


def test_a_new_adapter_has_no_effect(noisy: tuple[torch.Tensor, torch.Tensor]) -> None:
    unet = new_unet(64).eval()
    before = _predicted(unet, noisy[0])
    add_adapter(unet)
    assert torch.equal(_predicted(unet, noisy[0]), before)


def test_training_changes_only_the_adapter(tmp_path: Path) -> None:
    unet = new_unet(64)
    before = {name: weight.clone() for name, weight in unet.state_dict().items()}
    train_lcm(unet, _dataset(), _config(tmp_path), torch.device("cpu"))
    after = {name.replace(".base_layer", ""): weight for name, weight in unet.state_dict().items()}
    assert [name for name in before if not torch.equal(before[name], after[name])] == []
    trained = [weight for name, weight in after.items() if ".lora_B." in name]
    assert min(float(weight.abs().max()) for weight in trained) > 0


def test_an_exported_lora_loads_into_a_pipeline_completely_and_without_a_warning(
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


@pytest.mark.parametrize(
    ("count", "enough", "too_much"), sample([(12, 0.75, 0.95), (40, 0.9, 0.9)], of=[(12, 0.75, 0.95)])
)
def test_four_steps_with_the_lora_match_25_steps_and_four_without_it_do_not(
    count: int, enough: float, too_much: float
) -> None:
    prompts = held_out_prompts(count)
    bare = Sampling(lora=False, scheduler=FAST.scheduler, steps=FAST.steps, guidance=FAST.guidance)
    full, fast, without = (_accuracy(prompts, sampling) for sampling in (FULL, FAST, bare))
    short = {name: fast[name] for name in fast if fast[name] < enough * full[name]}
    assert short == {}, f"measured {fast}, required {enough} of {full}"
    assert without["shape"] < too_much * full["shape"], (
        f"measured {without} without the LoRA, {full} at 25 steps"
    )


def _accuracy(prompts: list[Prompt], sampling: Sampling) -> dict[str, float]:
    pictures = generate_with(HERE, sampling, prompts)
    return accuracy(classify(HERE / RESNET, prompts, pictures))


def _predicted(unet: UNet2DConditionModel, noisy: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return unet(noisy, 499, torch.ones(1, 77, 128)).sample


def _dataset() -> LatentDataset:
    scene = Scene(shape="star", colour="red", background="beach", style="neon")
    rng = torch.Generator().manual_seed(6)
    return LatentDataset(
        latents=torch.randn(4, 4, 8, 8, generator=rng),
        scenes=(scene,) * 4,
        embeddings=torch.randn(len(caption_rows()), 1, 128, generator=rng),
    )


def _config(tmp_path: Path) -> TrainConfig:
    return TrainConfig(name="toy", steps=2, learning_rate=1e-3, checkpoint=tmp_path / "toy.pt", seed=3)
