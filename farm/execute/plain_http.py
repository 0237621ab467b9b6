"""Whether a cluster's token would travel in plain text."""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit


def sends_token_in_plain(address: str) -> bool:
    """Tell whether a request to a dashboard takes the token over a network unencrypted.

    Loopback is no network: a port that SSH forwards is reached there.
    """
    url = urlsplit(address)
    has_token = "RAY_AUTH_TOKEN" in os.environ or os.environ.get("RAY_AUTH_MODE", "").lower() == "token"
    return url.scheme == "http" and has_token and not _is_loopback(url.hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
