"""Stored render speeds are read like any other untrusted file."""

import json
import os

import pytest

from farm.run import Rates, prepare
from farm.run.estimates import _key


@pytest.fixture
def plan(write_manifest, tmp_path):
    return prepare(write_manifest(frames=8), output_dir=str(tmp_path / "out"), procedural=True).plan


@pytest.fixture
def path(tmp_path):
    return tmp_path / "rates.json"


def test_a_rate_is_per_step_frame_and_worker(plan, path):
    path.write_text(json.dumps({_key(plan): [0.5, 2]}))
    assert Rates(path).estimate(plan, range(2)) == 0.5 * 2 * 4 * 5 / 2


@pytest.mark.parametrize(
    "rate", [[0.5, 0], [0.5, 1e400], [float("nan"), 1], [-1, 1], ["1", 1], [0.5], {}, None, 10**30]
)
def test_an_invalid_rate_is_ignored(plan, path, rate):
    path.write_text(json.dumps({_key(plan): rate}))
    assert Rates(path).estimate(plan, range(2)) is None


def test_a_pipe_does_not_block(plan, path):
    os.mkfifo(path)
    assert Rates(path).estimate(plan, range(2)) is None
