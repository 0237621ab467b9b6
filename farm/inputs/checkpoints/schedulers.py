"""Reads the parameters of diffusers' schedulers from its source, without importing it. Needs no torch."""

from __future__ import annotations

import ast
import functools
import importlib.util
from dataclasses import dataclass
from pathlib import Path

OPTIONAL_PACKAGES = ("scipy", "torchsde")
"""Packages that some schedulers need but diffusers does not install."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerInfo:
    """The settings of a diffusers scheduler, empty for an unknown class, and whether it takes `eta`."""

    settings: frozenset[str]
    takes_eta: bool


def read_scheduler(scheduler: str) -> SchedulerInfo:
    """Return the settings of a scheduler class, and whether it takes `eta`."""
    return SchedulerInfo(settings=settings_of(scheduler), takes_eta=takes_eta(scheduler))


def installed_packages() -> frozenset[str]:
    """Return which of `OPTIONAL_PACKAGES` are installed."""
    return frozenset(package for package in OPTIONAL_PACKAGES if importlib.util.find_spec(package))


def settings_of(scheduler: str) -> frozenset[str]:
    """Return the names of a scheduler's settings; empty if diffusers has no such class."""
    return _parameters(scheduler, "__init__")


def takes_eta(scheduler: str) -> bool:
    """Return whether a scheduler's step() takes `eta`; otherwise pipelines omit it."""
    return "eta" in _parameters(scheduler, "step")


def _parameters(scheduler: str, method: str) -> frozenset[str]:
    for entry in _methods(scheduler):
        if entry.name == method:
            parameters = [*entry.args.posonlyargs, *entry.args.args, *entry.args.kwonlyargs]
            return frozenset(parameter.arg for parameter in parameters) - {"self"}
    return frozenset()


@functools.cache
def _methods(scheduler: str) -> tuple[ast.FunctionDef, ...]:
    head = f"\nclass {scheduler}("
    for file in _files():
        text = file.read_text(encoding="utf-8")
        if head in text:
            for entry in ast.parse(text).body:
                if isinstance(entry, ast.ClassDef) and entry.name == scheduler:
                    return tuple(part for part in entry.body if isinstance(part, ast.FunctionDef))
    return ()


def _files() -> list[Path]:
    diffusers = importlib.util.find_spec("diffusers")
    locations = diffusers.submodule_search_locations if diffusers else None
    return [file for each in locations or () for file in sorted(Path(each, "schedulers").glob("*.py"))]
