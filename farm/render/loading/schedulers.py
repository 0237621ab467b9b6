"""Schedulers by their names in diffusers."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import diffusers

from farm.errors import RenderError
from farm.records import SchedulerSpec


def make_scheduler(own_config: Mapping[str, Any], spec: SchedulerSpec) -> Any:
    """Return a fresh scheduler; an empty class name keeps the checkpoint's own class.

    `own_config` is the configuration of the checkpoint's scheduler, on which `spec.config` is laid.

    Raises:
        RenderError: when diffusers has no such scheduler, or it refuses the configuration.
    """
    cls = _scheduler_class(spec.class_name or own_config["_class_name"])
    unknown = sorted(set(spec.config) - cls._get_init_keys(cls))
    if unknown:
        raise RenderError(f"{cls.__name__}: takes no {', '.join(unknown)} in its configuration.")
    try:
        return cls.from_config(own_config, **spec.config)
    except (ValueError, TypeError, NotImplementedError, ImportError) as error:
        raise RenderError(f"{cls.__name__}: cannot be configured so: {error}") from error


def _scheduler_class(name: str) -> Any:
    cls = getattr(diffusers, name, None)
    if not (isinstance(cls, type) and issubclass(cls, diffusers.SchedulerMixin)):
        raise RenderError(f"{name}: {_why_absent(cls)}")
    return cls


def _why_absent(stand_in: Any) -> str:
    # diffusers puts a dummy, which knows what it stands in for, where a library is missing.
    missing = [library for library in getattr(stand_in, "_backends", ()) if find_spec(library) is None]
    if missing:
        needed = " ".join(missing)
        return f"needs {needed}, which this machine does not have: pip install {needed}"
    return f"diffusers {diffusers.__version__} has no scheduler of this name."
