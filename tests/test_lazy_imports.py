"""Packages import their public names on first use."""

import subprocess
import sys
from importlib import import_module

import pytest

PACKAGES = ("analyze", "plan", "reduce", "report", "results", "run", "store")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_of_a_lazy_package_can_be_imported(package):
    module = import_module(f"farm.{package}")
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_an_unknown_name_is_an_attribute_error():
    import farm.plan

    with pytest.raises(AttributeError, match="module 'farm.plan' has no attribute 'nothing'"):
        _ = farm.plan.nothing


def test_a_name_refers_to_the_object_after_its_submodule_of_the_same_name_was_imported():
    code = "import farm.run.prepare; from farm.run import prepare; print(prepare.__name__, callable(prepare))"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "prepare True\n"


def test_a_package_imports_no_module_before_a_name_is_used():
    code = (
        "import sys, farm.results; print([name for name in sys.modules if name.startswith('farm.results.')])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
