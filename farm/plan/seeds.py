"""Seeds made from seeds: a named place in a job always gives the same number."""

from __future__ import annotations

import hashlib


def derive(seed: int, *path: str | int) -> int:
    """Return the seed at `path` below `seed`, in [0, 2**63).

    It is the SHA-256 of the parts joined by "/", its first 8 bytes read big-endian and cut to 63 bits, so any
    change of any part gives an unrelated seed. Strings must not contain "/".
    """
    text = "/".join(str(part) for part in (seed, *path))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
