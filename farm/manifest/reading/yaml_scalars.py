"""Plain scalars by YAML 1.2's core schema: `no` and `on` are texts, `1e5` is a number."""

from __future__ import annotations

import math
import re

_INTEGER = re.compile(r"[-+]?[0-9]{1,40}|0o[0-7]{1,40}|0x[0-9a-fA-F]{1,40}")
"""Longer ones stay texts: no field takes them, and Python refuses to print very long ones."""

_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DIGITS = re.compile(r"[-+]?[0-9]+")
_LONGEST = 400
_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}


def plain_scalar(text: str) -> str | int | float | bool | None:
    """Returns what an unquoted scalar means (YAML 1.2.2, section 10.3.2)."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text, {"o": 8, "x": 16}.get(text[1:2], 10))
    if len(text) <= _LONGEST and _FLOAT.fullmatch(text) and not _DIGITS.fullmatch(text):
        return float(text)
    return text
