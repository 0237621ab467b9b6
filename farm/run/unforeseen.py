"""Errors that the farm did not foresee: a defect of its own, or of what it calls. They end as little as any other."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from farm.errors import STOPPING, FarmError, ManifestError, Problem

_MOST_CHARACTERS = 500
"""Of an error's own words, which may quote what it failed on."""

_logger = logging.getLogger(__name__)


def as_farm_error(error: BaseException) -> FarmError:
    """Return an error of the farm as it is, and any other as one, after logging where it came from.

    Raises:
        BaseException: `error` itself, where it ends the process because somebody wants it to.
    """
    if isinstance(error, STOPPING):
        raise error
    if isinstance(error, FarmError):
        return error
    _logger.error("an error that the farm did not foresee", exc_info=error)
    words = f"{type(error).__name__}: {error}".removesuffix(": ")
    return FarmError(words if len(words) <= _MOST_CHARACTERS else f"{words[:_MOST_CHARACTERS]}...")


@contextlib.contextmanager
def as_far_as_possible() -> Iterator[None]:
    """Go on after whatever fails in the body: an error that nobody foresaw is logged, one of the farm is not.

    Raises:
        BaseException: what ends the process because somebody wants it to.
    """
    try:
        yield
    except BaseException as error:
        as_farm_error(error)


def refusal(path: Path, error: BaseException) -> ManifestError:
    """Return whatever ended the preparation of a manifest as a refusal of it: one of the farm says what is wrong.

    Raises:
        BaseException: `error` itself, where it ends the process because somebody wants it to.
    """
    if isinstance(error, ManifestError):
        return error
    if isinstance(error, FarmError):
        return unprepared(path, str(error).rstrip("."))
    if isinstance(error, MemoryError):
        return unprepared(path, "there is not enough memory to prepare it")
    told = as_farm_error(error)
    hint = "The log has its traceback; please report it."
    return unprepared(path, f"an error that the farm did not foresee: {told}", hint)


def unprepared(path: Path, found: str, hint: str = "") -> ManifestError:
    """Return the refusal of a manifest that could not be prepared, for the reason that was `found`."""
    allowed = "needed: a manifest that can be prepared for rendering"
    return ManifestError([Problem(where=str(path), path="", found=found, allowed=allowed, hint=hint)])
