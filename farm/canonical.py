"""Canonical JSON: the form in which recipes are digested, stored and compared.

Written by hand because digests of existing frames depend on every byte of it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping

NOT_IDENTITY: Mapping[str, bool] = {"is_identity": False}
"""Metadata of a record field that locates something instead of identifying it; the canonical form omits it."""


def canonical_json(value: object) -> str:
    """Return the canonical JSON of records, mappings, sequences and scalars.

    Keys are sorted, floats are written as their shortest exact decimal, and all text is ASCII, so that equal values
    give equal texts on every platform.

    Raises:
        ValueError: for NaN and infinities, which have no canonical form.
        TypeError: for any other type.
    """
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical JSON, as 64 hex digits."""
    return hashlib.sha256(canonical_json(value).encode("ascii")).hexdigest()


def _plain(value: object) -> object:
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.metadata.get("is_identity", True)
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no canonical form")
