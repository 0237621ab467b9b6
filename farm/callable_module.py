"""Packages that can be called: `farm.plan` and `farm.render` are packages as well as functions of the Python API."""

from __future__ import annotations

import importlib
import inspect
import sys
from types import ModuleType
from typing import Any

_API = "farm.api"


class _CallableModule(ModuleType):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._function(*arguments, **options)

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        return inspect.getdoc(self._function)

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self._function)

    @property
    def _function(self) -> Any:
        return getattr(importlib.import_module(_API), self.__name__.rpartition(".")[2])


def make_callable(name: str) -> None:
    """Make the module `name` callable: a call imports `farm.api` and calls its function of that name."""
    module = sys.modules[name]
    documentation = vars(_CallableModule)[
        "__doc__"
    ]  # a class without its own __doc__ would hide the property
    module.__class__ = type(
        "CallablePackage", (_CallableModule, module.__class__), {"__doc__": documentation}
    )
