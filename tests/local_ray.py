"""A small local Ray cluster."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from types import ModuleType


@contextlib.contextmanager
def started_ray(cpus: int, *by_value: ModuleType) -> Iterator[ModuleType]:
    """Start Ray; pickle objects of the modules `by_value` by value, since workers cannot import the tests."""
    import ray

    for module in by_value:
        ray.cloudpickle.register_pickle_by_value(module)
    ray.init(
        address="local",
        num_cpus=cpus,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        object_store_memory=100 * 2**20,
    )
    yield ray
    ray.shutdown()
