from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from training.loop import TrainConfig, learning_rate_at, load_weights, train


def config(tmp_path: Path) -> TrainConfig:
    return TrainConfig(
        name="toy",
        steps=12,
        learning_rate=0.05,
        checkpoint=tmp_path / "toy.pt",
        seed=3,
        warmup=2,
        ema_decay=0.9,
    )


def toy() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(3, 1)


def loss_of(model: nn.Linear, die_at: int = -1):  # type: ignore[no-untyped-def]
    def loss_at(step: int, rng: torch.Generator) -> torch.Tensor:
        if step == die_at:
            raise KeyboardInterrupt
        points = torch.randn(8, 3, generator=rng)
        return (model(points) - points.sum(1, keepdim=True)).square().mean()

    return loss_at


def test_a_resumed_training_ends_with_the_weights_of_an_uninterrupted_one(tmp_path: Path) -> None:
    uninterrupted, killed, resumed = toy(), toy(), toy()
    train(uninterrupted, loss_of(uninterrupted), config(tmp_path / "uninterrupted"))
    plan = replace(config(tmp_path / "killed"), save_every=5)
    with pytest.raises(KeyboardInterrupt):
        train(killed, loss_of(killed, die_at=7), plan)
    train(resumed, loss_of(resumed), plan)
    assert torch.equal(uninterrupted.weight, resumed.weight)


def test_a_finished_training_is_not_repeated(tmp_path: Path) -> None:
    first, again = toy(), toy()
    done = train(first, loss_of(first), config(tmp_path))
    assert train(again, loss_of(again, die_at=12), config(tmp_path)).step == done.step == 12
    assert torch.equal(first.weight, again.weight)


def test_the_weights_of_a_running_training_can_be_loaded(tmp_path: Path) -> None:
    model, reader = toy(), toy()
    train(model, loss_of(model), config(tmp_path))
    assert load_weights(reader, tmp_path / "toy.pt").step == 12
    assert torch.equal(model.weight, reader.weight)


def test_the_learning_rate_warms_up_and_ends_near_zero(tmp_path: Path) -> None:
    rates = [learning_rate_at(config(tmp_path), step) for step in range(13)]
    assert rates[0] == pytest.approx(0.025)
    assert max(rates) == pytest.approx(0.05)
    assert rates[12] == pytest.approx(0.05 * 0.02)
