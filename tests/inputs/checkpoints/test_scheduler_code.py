"""What is read from the code of schedulers is what their classes say."""

import inspect
import subprocess
import sys

import diffusers
import pytest

from farm.inputs.checkpoints.schedulers import settings_of, takes_eta
from farm.manifest.schedulers import SCHEDULERS

HERE = [name for name in SCHEDULERS if not hasattr(getattr(diffusers, name), "_backends")]


@pytest.mark.parametrize("name", HERE)
def test_the_code_says_what_the_class_says(name):
    scheduler = getattr(diffusers, name)
    assert settings_of(name) == set(scheduler._get_init_keys(scheduler)) - {"self", "kwargs"}
    assert takes_eta(name) == ("eta" in inspect.signature(scheduler.step).parameters)


@pytest.mark.parametrize("name", sorted(set(SCHEDULERS) - set(HERE)))
def test_a_scheduler_whose_package_is_missing_can_be_read_all_the_same(name):
    assert "num_train_timesteps" in settings_of(name) or "sigma_min" in settings_of(name)


def test_of_an_unknown_scheduler_nothing_is_known():
    assert settings_of("EulerScheduler") == frozenset()
    assert not takes_eta("EulerScheduler")


def test_nothing_is_loaded_for_it():
    code = (
        "import sys; from farm.inputs.checkpoints.schedulers import settings_of; settings_of('DDIMScheduler'); "
        "print({'torch', 'diffusers'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "set()"
