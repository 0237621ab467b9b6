"""The parameters read from the code of schedulers are those of their classes."""

import inspect
import subprocess
import sys

import diffusers
import pytest

from farm.inputs.checkpoints.schedulers import settings_of, takes_eta
from farm.manifest.schedulers import SCHEDULERS

INSTALLED = [name for name in SCHEDULERS if not hasattr(getattr(diffusers, name), "_backends")]


@pytest.mark.parametrize("name", INSTALLED)
def test_the_code_and_the_class_agree(name):
    scheduler = getattr(diffusers, name)
    assert settings_of(name) == set(scheduler._get_init_keys(scheduler)) - {"self", "kwargs"}
    assert takes_eta(name) == ("eta" in inspect.signature(scheduler.step).parameters)


@pytest.mark.parametrize("name", sorted(set(SCHEDULERS) - set(INSTALLED)))
def test_a_scheduler_with_a_missing_package_can_be_read(name):
    assert "num_train_timesteps" in settings_of(name) or "sigma_min" in settings_of(name)


def test_an_unknown_scheduler_has_no_settings():
    assert settings_of("EulerScheduler") == frozenset()
    assert not takes_eta("EulerScheduler")


def test_reading_schedulers_loads_no_library():
    code = (
        "import sys; from farm.inputs.checkpoints.schedulers import settings_of; settings_of('DDIMScheduler'); "
        "print({'torch', 'diffusers'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "set()"
