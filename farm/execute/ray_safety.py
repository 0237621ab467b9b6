"""What the farm wants of any Ray that it talks to: a version that is not known to run strangers' code, and a token."""

from __future__ import annotations

import logging
import re

from farm.errors import ClusterError

OLDEST = (2, 54)
_logger = logging.getLogger(__name__)


def refuse_old_ray(version: str, where: str) -> None:
    """Refuse a Ray below OLDEST.

    Raises:
        ClusterError: with `where` it was found.
    """
    if tuple(int(number) for number in re.findall(r"\d+", version)[:2]) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ClusterError(
            f"{where}: Ray {version} is too old; needed: {oldest} or newer. Below 2.52 it ignores RAY_AUTH_MODE=token, "
            f"and below {oldest} others are known to run code through it. Install what the farm's "
            "deploy/runtime.lock says."
        )


def warn_of_no_token(where: str) -> None:
    """Say that a cluster lets everybody in."""
    _logger.warning(
        "%s: this cluster asks for no token, so whoever reaches it can run anything on it. Start it with "
        "RAY_AUTH_MODE=token, as docs/cluster.md shows.",
        where,
    )
