from __future__ import annotations

from farm.manifest.schedulers import SCHEDULERS


def test_the_schedulers_are_those_of_the_installed_diffusers() -> None:
    import diffusers

    installed = tuple(sorted(name for name in dir(diffusers) if name.endswith("Scheduler")))
    assert installed == SCHEDULERS, (
        f"diffusers {diffusers.__version__} has others: see farm/manifest/schedulers.py"
    )
