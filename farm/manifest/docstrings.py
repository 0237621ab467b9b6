"""Documentation of the manifest's fields: the docstrings below them, read from the source only when they are needed."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise


def field_docstrings(section: type) -> dict[str, str]:
    """Return the docstring of each field of a section and its base classes, by attribute name."""
    found: dict[str, str] = {}
    for base in section.__mro__:
        if base.__module__.startswith(__package__):
            found = _declared(base) | found
    return found


def _declared(section: type) -> dict[str, str]:
    [definition] = ast.parse(textwrap.dedent(inspect.getsource(section))).body
    assert isinstance(definition, ast.ClassDef)
    return {
        statement.target.id: inspect.cleandoc(below.value.value)
        for statement, below in pairwise(definition.body)
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if isinstance(below.value.value, str)
    }
