"""Types of record fields, narrower than Python's, against which records from files are checked."""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime
from typing import Annotated

from farm.typed_json import Malformed, Satisfying, Within, parse

_MAX_FACTS = 2**16


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return True


@functools.lru_cache(maxsize=64)
def _is_facts(text: str) -> bool:
    try:
        parse(text.encode(), dict[str, object])
    except Malformed:
        return False
    return len(text) <= _MAX_FACTS


def _is_digest(text: str) -> bool:
    return re.fullmatch("[0-9a-f]{64}", text) is not None


Natural = Annotated[int, Within(0, 2**53)]
"""A count, or a frame index."""

Positive = Annotated[int, Within(1, 2**53)]

Pixel = Annotated[int, Within(1, 8192)]
"""Width or height of a frame, in pixels."""

Seconds = Annotated[float, Within(0, 10**12)]

Share = Annotated[float, Within(0, 1)]

Digest = Annotated[str, Satisfying(_is_digest, "64 hex digits")]

Moment = Annotated[str, Satisfying(_is_moment, "an ISO 8601 time")]

Facts = Annotated[str, Satisfying(_is_facts, "a JSON object of at most 65536 characters")]
