"""One Ray with two CPU cores; each test has its own executor on it."""

from contextlib import ExitStack

import pytest

from tests.execute import shards as shards_module
from tests.execute.ray import test_background_tasks
from tests.local_ray import started_ray


@pytest.fixture(scope="package")
def shared_ray():
    """A Ray that starts on first use; tests with a head of their own close it first."""
    with ExitStack() as started:
        yield started


@pytest.fixture
def local_ray(shared_ray):
    import ray

    if not ray.is_initialized():
        shared_ray.enter_context(started_ray(2, shards_module, test_background_tasks))
    return ray
