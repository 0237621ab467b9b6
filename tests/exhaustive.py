"""Samples of large products of cases: `make test` runs one way of each family, `make test-all` runs all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

import pytest


def sample(
    cases: Iterable[Any], *, of: Collection[Any], ids: Callable[[Any], str] | None = None
) -> list[Any]:
    """Return a test's parameters: the cases in `of` run with `make test`, and all with `make test-all`.

    Raises:
        ValueError: when an entry of `of` is not among the cases, such as a renamed one.
    """
    cases = list(cases)
    if unknown := [case for case in of if case not in cases]:
        raise ValueError(f"not among the cases: {unknown}")
    return [
        pytest.param(*_values(case), marks=() if case in of else pytest.mark.exhaustive, id=ids and ids(case))
        for case in cases
    ]


def _values(case: Any) -> tuple[Any, ...]:
    return case if isinstance(case, tuple) else (case,)
