from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from farm.demo.loop import Course, learning_rate_at, load_weights, train


def course(tmp_path: Path) -> Course:
    return Course(
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


def test_a_training_that_was_killed_ends_with_the_weights_of_one_that_was_not(tmp_path: Path) -> None:
    straight, killed, resumed = toy(), toy(), toy()
    train(straight, loss_of(straight), course(tmp_path / "straight"))
    plan = replace(course(tmp_path / "killed"), save_every=5)
    with pytest.raises(KeyboardInterrupt):
        train(killed, loss_of(killed, die_at=7), plan)
    train(resumed, loss_of(resumed), plan)
    assert torch.equal(straight.weight, resumed.weight)


def test_a_finished_training_does_nothing_again(tmp_path: Path) -> None:
    first, again = toy(), toy()
    done = train(first, loss_of(first), course(tmp_path))
    assert train(again, loss_of(again, die_at=12), course(tmp_path)).step == done.step == 12
    assert torch.equal(first.weight, again.weight)


def test_the_weights_of_a_running_training_can_be_loaded(tmp_path: Path) -> None:
    model, reader = toy(), toy()
    train(model, loss_of(model), course(tmp_path))
    assert load_weights(reader, tmp_path / "toy.pt").step == 12
    assert torch.equal(model.weight, reader.weight)


def test_the_learning_rate_warms_up_and_ends_near_zero(tmp_path: Path) -> None:
    rates = [learning_rate_at(course(tmp_path), step) for step in range(13)]
    assert rates[0] == pytest.approx(0.025)
    assert max(rates) == pytest.approx(0.05)
    assert rates[12] == pytest.approx(0.05 * 0.02)
