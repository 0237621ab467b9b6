"""Reads untrusted JSON of checkpoints, bounded in size, depth and numbers. Needs no torch.

Unlike `farm.typed_json`, which parses the farm's own records, it accepts any structure, and optionally infinite
numbers: the libraries that load these files interpret them.
"""

from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

from farm.errors import ModelError

MAX_JSON = 16 * 2**20
"""Maximum bytes of a configuration or an index; the largest known ones have 4 MB."""

MAX_VOCABULARY = 64 * 2**20
"""Maximum bytes of a vocabulary or tokenizer; Gemma's has 34 MB."""

MAX_DEPTH = 32
"""Maximum nesting of lists and objects; tokenizers have ten levels."""

MAX_VALUES = 250_000
"""Maximum values, lists and objects of a configuration or an index, counted by commas and brackets in its text."""

MAX_VOCABULARY_VALUES = 4_000_000
"""The same for vocabularies; Gemma's tokenizer has 2,000,000, five for each of its merges and tokens."""

_MAX_DIGITS = 40
"""Maximum digits of an integer: transformers writes 10 ** 30 as the maximum length of unlimited tokenizers."""


def read_json(file: Path, *, max_bytes: int = MAX_JSON, finite: bool = False) -> Any:
    """Return the value in a JSON file of at most `max_bytes` bytes; `finite` rejects Infinity and NaN.

    Configurations may contain them: some schedulers of diffusers have a setting of `-Infinity`.

    Raises:
        ModelError: when it is not a regular file, too large, too deep, or not JSON in UTF-8 with unique keys.
        OSError: when it cannot be read.
    """
    with open_regular(file) as stream:
        text = stream.read(max_bytes + 1)
    if len(text) > max_bytes:
        raise ModelError(f"{file} has more than {max_bytes} bytes")
    try:
        return parse_json(
            text, finite=finite, max_values=MAX_VALUES if max_bytes <= MAX_JSON else MAX_VOCABULARY_VALUES
        )
    except json.JSONDecodeError as error:
        raise NotJson(f"{file} is not JSON, from line {error.lineno} on") from None
    except ValueError as error:
        raise ModelError(f"{file} is not what diffusers and transformers write: {error}") from None


class NotJson(ModelError):
    """A file that is not JSON, which no library can read either."""


def parse_json(text: bytes | str, *, finite: bool = False, max_values: int = MAX_VOCABULARY_VALUES) -> Any:
    """Return the value in a JSON text.

    Raises:
        ValueError: when it is not UTF-8, is nested too deeply, or has too many values, a number with too many digits,
            or a duplicate key; its subclass JSONDecodeError when it is not JSON.
    """
    try:
        written = text.decode("utf-8") if isinstance(text, bytes) else text
        if sum(map(written.count, ",[{")) > max_values:
            raise ValueError(f"it has more than {max_values} values")
        value = json.loads(
            written,
            parse_int=_int,
            parse_float=_finite if finite else float,
            parse_constant=_reject_constant if finite else None,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    _check_depth(value)
    return value


def open_regular(file: Path) -> BinaryIO:
    """Open a regular file for reading, without waiting for a pipe or a device.

    Raises:
        ModelError: when it is anything else.
        OSError: when it cannot be opened.
    """
    number = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise ModelError(f"{file} is not a regular file")
    return os.fdopen(number, "rb")


_TOO_DEEP = f"it has more than {MAX_DEPTH} levels of nesting"


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        inner: list[object] = []
        for each in level:
            if isinstance(each, dict):
                inner += each.values()
            elif isinstance(each, list):
                inner += each
        level = [each for each in inner if isinstance(each, dict | list)]
        if not level:
            return
    raise ValueError(_TOO_DEEP)


def _int(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"it has a number with more than {_MAX_DIGITS} digits")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("it has a number that is not finite")
    return number


def _reject_constant(name: str) -> float:
    raise ValueError(f"it has a number that is not finite: {name}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("it has a duplicate key")
    return value
