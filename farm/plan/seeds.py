"""Seeds derived from other seeds: a path below a seed always gives the same number."""

from __future__ import annotations

import hashlib


def derive(seed: int, *path: str | int) -> int:
    """Return the seed at `path` below `seed`, in [0, 2**63).

    It is the first 63 bits of the SHA-256 of the parts joined by "/", read as big-endian, so that any change of a part
    gives an unrelated seed. Strings must not contain "/".
    """
    text = "/".join(str(part) for part in (seed, *path))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
