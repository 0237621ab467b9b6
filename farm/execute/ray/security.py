"""Requirements on any Ray: a version without known vulnerabilities, a token, and no token in plain text."""

from __future__ import annotations

import ipaddress
import logging
import os
import re
from urllib.parse import urlsplit

from farm.errors import ClusterError

_OLDEST_RAY = (2, 54)
_logger = logging.getLogger(__name__)


def refuse_old_ray(version: str, where: str) -> None:
    """Refuse a Ray older than 2.54, found at `where`.

    Raises:
        ClusterError: when it is older.
    """
    if tuple(int(number) for number in re.findall(r"\d+", version)[:2]) < _OLDEST_RAY:
        oldest = ".".join(map(str, _OLDEST_RAY))
        raise ClusterError(
            f"{where}: Ray {version} is too old; required: {oldest} or newer. Below 2.52 it ignores "
            f"RAY_AUTH_MODE=token, and below {oldest} it has known remote code execution vulnerabilities. Install the "
            "version in the farm's deploy/runtime.lock."
        )


def warn_of_no_token(where: str) -> None:
    """Log a warning that a cluster accepts anyone."""
    _logger.warning(
        "%s: this cluster requires no token, so anyone who can reach it can run code on it. Start it with "
        "RAY_AUTH_MODE=token, as described in docs/cluster.md.",
        where,
    )


def sends_token_in_plain(address: str) -> bool:
    """Return whether a request to the dashboard at `address` sends the token unencrypted over a network.

    Loopback is not a network: it is where a port forwarded by SSH is reached.
    """
    url = urlsplit(address)
    has_token = "RAY_AUTH_TOKEN" in os.environ or os.environ.get("RAY_AUTH_MODE", "").lower() == "token"
    return url.scheme == "http" and has_token and not _is_loopback(url.hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
