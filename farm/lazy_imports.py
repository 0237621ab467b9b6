"""Packages whose public names are imported on first use, so that a command loads only what it needs."""

from __future__ import annotations

import ast
import sys
from importlib import import_module
from importlib.abc import InspectLoader
from types import ModuleType
from typing import cast


def import_lazily(package: str) -> None:
    """Defer each import below `if TYPE_CHECKING:` in a package's `__init__` until its name is first used.

    Type checkers and import-linter read these imports as they are. A name shared with the submodule that defines it
    refers to the object, as after `from package.name import name`.
    """
    module = sys.modules[package]
    source = cast(InspectLoader, module.__loader__).get_source(package) or ""
    vars(module)["_origins"] = {
        alias.asname or alias.name: (statement.module, alias.name)
        for block in ast.parse(source).body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    module.__class__ = _LazyPackage


class _LazyPackage(ModuleType):
    """A package whose `_origins` map each lazily imported name to its module and its name in that module."""

    _origins: dict[str, tuple[str, str]]

    def __getattr__(self, name: str) -> object:
        if name not in self._origins:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        origin, original = self._origins[name]
        value = getattr(import_module(origin), original)
        setattr(self, name, value)
        return value

    def __setattr__(self, name: str, value: object) -> None:
        origin, original = self._origins.get(name, ("", ""))
        if isinstance(value, ModuleType) and value.__name__ == origin:  # the import system binds a submodule
            value = getattr(value, original)
        super().__setattr__(name, value)
