"""Translates pydantic's errors into findings with the farm's messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from farm.manifest.animation import KINDS, Axes
from farm.manifest.docstrings import field_docstrings
from farm.manifest.fields import NOT_ALLOWED, Section
from farm.manifest.findings import Finding, found_value, nearest_match
from farm.manifest.location import FieldPath
from farm.manifest.schema import Manifest
from farm.manifest.yaml_reader import plain_scalar

Loc = tuple[int | str, ...]
"""The path of a field in pydantic's errors, which includes the tags of unions."""

_ALLOWED = {
    "string_type": "text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a map",
    "model_type": "a map",
    "too_short": "at least {min_length}",
    "too_long": "at most {max_length}",
    "string_unicode": "Unicode text",
}
"""The allowed values, by pydantic's type of error."""

_MAX_LISTED_KEYS = 10

_YAML_1_1_BOOLEANS = {"yes": "true", "y": "true", "on": "true", "no": "false", "n": "false", "off": "false"}

_COMMON_MISTAKES: Mapping[str, Mapping[str, str]] = {
    "render": {
        "steps": "'num_inference_steps'",
        "cfg": "'guidance_scale'",
        "cfg_scale": "'guidance_scale'",
        "prompt": "'animation.prompt' or 'animation.prompts', by its kind",
        "prompts": "'animation.prompts'",
        "sampler": "'model.scheduler'",
        "scheduler": "'model.scheduler'",
        "seed": "the top-level 'seed'",
        "n_iter": "'animation.num_images_per_prompt' with kind: stills",
        "num_images_per_prompt": "'animation.num_images_per_prompt' with kind: stills",
    }
}
"""The field that was probably meant, by section and key: other programs' names, and fields of other sections."""


def translate_errors(
    error: ValidationError, data: object, *, limit: int
) -> tuple[list[Finding], set[FieldPath]]:
    """Return findings for the first `limit` errors, and the path of every field with an error.

    Creating a finding is slow, since it searches for similar names.
    """
    errors = [each for each in error.errors(include_url=False) if not _is_consequence(each, data)]
    findings = [_finding(each) for each in errors[:limit]]
    wrong = {_path(each["loc"]) for each in errors[limit:]}
    return findings, wrong | {finding.path for finding in findings}


def _is_consequence(error: ErrorDetails, data: object) -> bool:
    """Return whether an error merely follows from another: pydantic counts only valid items, and derives defaults."""
    if error["type"] == "too_short":
        return len(error["input"]) >= error["ctx"]["min_length"]
    return error["type"] != "missing" and not _exists(_path(error["loc"]), data)


def _finding(error: ErrorDetails) -> Finding:
    path = _path(error["loc"])
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    if kind in ("extra_forbidden", "invalid_key"):
        return _unknown_key(error["loc"], path)
    if kind == "union_tag_not_found":
        return _unknown_kind(path, value)
    if kind == "missing":
        return Finding(path=path, found="missing", allowed=f"needed: {_description(error['loc'])}")
    choices = context.get("choices") or re.findall(r"'([^']*)'", str(context.get("expected", "")))
    return Finding(
        path=path,
        found=found_value(value, choices),
        allowed=f"allowed: {_allowed(kind, choices, context)}",
        hint=_type_hint(kind, context, value) or context.get("hint", ""),
    )


def _path(loc: Loc) -> FieldPath:
    """Return the path of a field without union tags and pydantic's mark for an invalid key."""
    return tuple(key for key in loc if not (isinstance(key, str) and re.fullmatch(r"<\w+>|\[key\]", key)))


def _exists(path: FieldPath, data: Any) -> bool:
    for key in path:
        try:
            data = data[key]
        except (LookupError, TypeError):
            return False
    return True


def _allowed(kind: str, choices: Iterable[str], context: dict[str, Any]) -> str:
    if kind == NOT_ALLOWED:
        return str(context["allowed"])
    if kind == "literal_error":
        return ", ".join(choices)
    return _ALLOWED[kind].format(**context) if kind in _ALLOWED else kind.replace("_", " ")


def _type_hint(kind: str, context: dict[str, Any], value: object) -> str:
    if kind == "bool_type" and isinstance(value, str):
        boolean = _YAML_1_1_BOOLEANS.get(value.lower())
        return f"Write {boolean}: YAML 1.2 reads {value!r} as text." if boolean else ""
    if context.get("kind") == "number" and isinstance(value, str):
        return "" if isinstance(plain_scalar(value), str | None) else "Remove the quotes."
    needs_text = kind == "string_type" or context.get("kind") == "text"
    return "Put it in quotes." if needs_text and isinstance(value, int | float) else ""


def _unknown_key(loc: Loc, path: FieldPath) -> Finding:
    keys = list(_fields(_section(loc[:-1])))
    names = [key for key in path[:-1] if isinstance(key, str)]
    section = names[-1] if names else "a manifest"
    meant = _COMMON_MISTAKES.get(section, {}).get(str(path[-1])) or nearest_match(path[-1], keys)
    excess = len(keys) - _MAX_LISTED_KEYS
    more = f" and {excess} more, listed by farm schema" if excess > 0 else ""
    return Finding(
        path=path,
        found=f"unknown key (did you mean {meant}?)" if meant else "unknown key",
        allowed=f"{section} takes {', '.join(keys[:_MAX_LISTED_KEYS])}{more}",
    )


def _unknown_kind(path: FieldPath, value: object) -> Finding:
    if not isinstance(value, dict):
        allowed = "allowed: a map with kind, prompts and more"
        return Finding(path=path, found=found_value(value), allowed=allowed)
    kinds = ", ".join(KINDS)
    if "kind" not in value:
        return Finding(path=(*path, "kind"), found="missing", allowed=f"needed: {kinds}")
    found = found_value(value["kind"], KINDS)
    return Finding(path=(*path, "kind"), found=found, allowed=f"allowed: {kinds}")


def _description(loc: Loc) -> str:
    """Return the documentation of a field as part of a sentence."""
    section = _section(loc[:-1])
    names = {field.alias: name for name, field in getattr(section, "model_fields", {}).items()}
    name = names.get(str(loc[-1]), str(loc[-1]))
    description = field_docstrings(section).get(name, "a value").rstrip(".")
    return description[0].lower() + description[1:]


def _section(loc: Loc) -> Any:
    section: Any = Manifest
    for key in loc:
        if isinstance(key, str) and key.startswith("<"):
            section = KINDS.get(key.strip("<>"), section)
        elif isinstance(key, str):
            field = _fields(section).get(key)
            section = next(_sections_in(getattr(field, "annotation", field)), section)
    return section


def _fields(section: Any) -> dict[str, Any]:
    if section is Axes:
        return dict(Axes.__annotations__)
    return {field.alias or name: field for name, field in section.model_fields.items()}


def _sections_in(annotation: Any) -> Iterator[Any]:
    if annotation is Axes or (isinstance(annotation, type) and issubclass(annotation, Section)):
        yield annotation
    for part in get_args(annotation):
        yield from _sections_in(part)
