"""Schedulers by their diffusers names."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import diffusers

from farm.errors import RenderError
from farm.records import SchedulerSpec


def make_scheduler(own_config: Mapping[str, Any], spec: SchedulerSpec) -> Any:
    """Return a new scheduler; an empty class name stands for the checkpoint's own class.

    `spec.config` overrides settings of `own_config`, the configuration of the checkpoint's scheduler.

    Raises:
        RenderError: when diffusers has no such scheduler, or it rejects the configuration.
    """
    cls = _scheduler_class(spec.class_name or own_config["_class_name"])
    unknown = sorted(set(spec.config) - cls._get_init_keys(cls))
    if unknown:
        raise RenderError(f"{cls.__name__}: has no setting {', '.join(unknown)}.")
    try:
        return cls.from_config(own_config, **spec.config)
    except (ValueError, TypeError, NotImplementedError, ImportError) as error:
        raise RenderError(f"{cls.__name__}: cannot be configured: {error}") from error


def _scheduler_class(name: str) -> Any:
    cls = getattr(diffusers, name, None)
    if not (isinstance(cls, type) and issubclass(cls, diffusers.SchedulerMixin)):
        raise RenderError(f"{name}: {_why_missing(cls)}")
    return cls


def _why_missing(placeholder: Any) -> str:
    # If a library is missing, diffusers has a placeholder that names it.
    missing = [library for library in getattr(placeholder, "_backends", ()) if find_spec(library) is None]
    if missing:
        libraries = " ".join(missing)
        return f"needs {libraries}, which is not installed here: pip install {libraries}"
    return f"diffusers {diffusers.__version__} has no scheduler of this name."
