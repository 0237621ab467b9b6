"""pydantic's errors, told in the farm's words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from farm.manifest.animation import KINDS
from farm.manifest.reading.findings import Finding, near, nearest, shown
from farm.manifest.reading.keys import keys_of, meaning_of
from farm.manifest.reading.other_names import OTHER_NAMES
from farm.manifest.reading.places import Path
from farm.manifest.reading.yaml_scalars import plain_scalar
from farm.manifest.takes import TAKES

_ALLOWED = {
    "string_type": "a text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a map",
    "model_type": "a map",
    "too_short": "at least {min_length}",
    "too_long": "at most {max_length}",
    "string_unicode": "Unicode text",
}
"""What is allowed, by pydantic's type of error."""

_LISTED = 10
"""So many keys of a section are told."""

_YAML_1_1_BOOLEANS = {"yes": "true", "y": "true", "on": "true", "no": "false", "n": "false", "off": "false"}


def field_findings(error: ValidationError, data: object, *, most: int) -> tuple[list[Finding], set[Path]]:
    """Returns what is wrong in single fields, up to `most` of it, and every field that is wrong.

    A message takes a while to make, as it looks for what was meant; nobody reads thousands.
    """
    errors = [each for each in error.errors(include_url=False) if not _is_echo(each, data)]
    findings = [_finding(each, data) for each in errors[:most]]
    wrong = {_path(each["loc"]) for each in errors[most:]}
    return findings, wrong | {finding.path for finding in findings}


def _is_echo(error: ErrorDetails, data: object) -> bool:
    """Whether it only follows from another: pydantic counts valid items alone, and derives defaults."""
    if error["type"] == "too_short":
        return len(error["input"]) >= error["ctx"]["min_length"]
    return error["type"] != "missing" and not _exists(_path(error["loc"]), data)


def _finding(error: ErrorDetails, data: object) -> Finding:
    path = _path(error["loc"])
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    if kind in ("extra_forbidden", "invalid_key"):
        return _unknown_key(error["loc"], path)
    if kind == "union_tag_not_found":
        return _unknown_kind(path, value)
    if kind == "missing":
        return Finding(path=path, found="missing", allowed=f"needed: {meaning_of(error['loc'])}")
    choices = context.get("choices") or re.findall(r"'([^']*)'", str(context.get("expected", "")))
    return Finding(
        path=path,
        found=f"found {shown(value)}",
        allowed=f"allowed: {_allowed(kind, choices, context)}",
        hint=near(value, choices) or _type_hint(kind, context, value) or context.get("hint", ""),
    )


def _path(loc: tuple[int | str, ...]) -> Path:
    """Leaves out what is no key: the tags of unions, and pydantic's mark of a bad key."""
    return tuple(key for key in loc if not (isinstance(key, str) and re.fullmatch(r"<\w+>|\[key\]", key)))


def _exists(path: Path, data: Any) -> bool:
    for key in path:
        try:
            data = data[key]
        except (LookupError, TypeError):
            return False
    return True


def _allowed(kind: str, choices: Iterable[str], context: dict[str, Any]) -> str:
    if kind == TAKES:
        return str(context["allowed"])
    if kind == "literal_error":
        return _one_of(choices)
    return _ALLOWED[kind].format(**context) if kind in _ALLOWED else kind.replace("_", " ")


def _one_of(choices: Iterable[str]) -> str:
    return ", ".join(choices)


def _type_hint(kind: str, context: dict[str, Any], value: object) -> str:
    if kind == "bool_type" and isinstance(value, str):
        meant = _YAML_1_1_BOOLEANS.get(value.lower())
        return f"Write {meant}: YAML 1.2 reads {value!r} as a text." if meant else ""
    if context.get("kind") == "number" and isinstance(value, str):
        return "" if isinstance(plain_scalar(value), str | None) else "Leave out the quotes."
    wants_text = kind == "string_type" or context.get("kind") == "text"
    return "Put it in quotes." if wants_text and isinstance(value, int | float) else ""


def _unknown_key(loc: tuple[int | str, ...], path: Path) -> Finding:
    keys = keys_of(loc[:-1])
    names = [key for key in path[:-1] if isinstance(key, str)]
    section = names[-1] if names else "a manifest"
    meant = OTHER_NAMES.get(section, {}).get(str(path[-1])) or nearest(path[-1], keys)
    more = f" and {len(keys) - _LISTED} more, told by farm schema" if len(keys) > _LISTED else ""
    return Finding(
        path=path,
        found=f"unknown key (did you mean {meant}?)" if meant else "unknown key",
        allowed=f"{section} takes {', '.join(keys[:_LISTED])}{more}",
    )


def _unknown_kind(path: Path, value: object) -> Finding:
    if not isinstance(value, dict):
        return Finding(
            path=path, found=f"found {shown(value)}", allowed="allowed: a map with kind, prompts and more"
        )
    allowed = _one_of(KINDS)
    if "kind" not in value:
        return Finding(path=(*path, "kind"), found="missing", allowed=f"needed: {allowed}")
    kind = value["kind"]
    return Finding(
        path=(*path, "kind"),
        found=f"found {shown(kind)}",
        allowed=f"allowed: {allowed}",
        hint=near(kind, KINDS),
    )
