"""Errors that the farm did not foresee: a defect of its own, or of what it calls. They end as little as any other."""

from __future__ import annotations

import logging

from farm.errors import FarmError

_logger = logging.getLogger(__name__)


def as_farm_error(error: Exception) -> FarmError:
    """Return an error of the farm as it is, and any other as one, after logging where it came from."""
    if isinstance(error, FarmError):
        return error
    _logger.error("an error that the farm did not foresee", exc_info=error)
    return FarmError(f"{type(error).__name__}: {error}")
