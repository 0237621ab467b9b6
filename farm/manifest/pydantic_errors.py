"""Translate pydantic's errors into findings in the farm's words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from farm.manifest.animation import KINDS, Axes
from farm.manifest.fields import NOT_ALLOWED, Section
from farm.manifest.findings import Finding, describe_value, did_you_mean, nearest_match
from farm.manifest.location import FieldPath
from farm.manifest.schema import Manifest
from farm.manifest.yaml_reader import plain_scalar

Loc = tuple[int | str, ...]
"""A place as pydantic's errors give it: with the tags of unions."""


def keys_of(loc: Loc) -> list[str]:
    """Returns the keys that the section at this place takes."""
    return list(_fields(_section(loc)))


def meaning_of(loc: Loc) -> str:
    """Returns what the field at this place is documented to be, as part of a sentence."""
    field = _fields(_section(loc[:-1]))[str(loc[-1])]
    description = (getattr(field, "description", None) or "a value").rstrip(".")
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


OTHER_NAMES: Mapping[str, Mapping[str, str]] = {
    "render": {
        "steps": "'num_inference_steps'",
        "cfg": "'guidance_scale'",
        "cfg_scale": "'guidance_scale'",
        "prompt": "'animation.prompt' or 'animation.prompts', by its kind",
        "prompts": "'animation.prompts'",
        "sampler": "'model.scheduler'",
        "scheduler": "'model.scheduler'",
        "seed": "'seed' beside render",
        "n_iter": "'animation.num_images_per_prompt' with kind: stills",
        "num_images_per_prompt": "'animation.num_images_per_prompt' with kind: stills",
    }
}
"""By section and key: what is meant, as part of a sentence."""


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


def translate_errors(
    error: ValidationError, data: object, *, most: int
) -> tuple[list[Finding], set[FieldPath]]:
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
        found=f"found {describe_value(value)}",
        allowed=f"allowed: {_allowed(kind, choices, context)}",
        hint=did_you_mean(value, choices) or _type_hint(kind, context, value) or context.get("hint", ""),
    )


def _path(loc: tuple[int | str, ...]) -> FieldPath:
    """Leaves out what is no key: the tags of unions, and pydantic's mark of a bad key."""
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


def _unknown_key(loc: tuple[int | str, ...], path: FieldPath) -> Finding:
    keys = keys_of(loc[:-1])
    names = [key for key in path[:-1] if isinstance(key, str)]
    section = names[-1] if names else "a manifest"
    meant = OTHER_NAMES.get(section, {}).get(str(path[-1])) or nearest_match(path[-1], keys)
    more = f" and {len(keys) - _LISTED} more, told by farm schema" if len(keys) > _LISTED else ""
    return Finding(
        path=path,
        found=f"unknown key (did you mean {meant}?)" if meant else "unknown key",
        allowed=f"{section} takes {', '.join(keys[:_LISTED])}{more}",
    )


def _unknown_kind(path: FieldPath, value: object) -> Finding:
    if not isinstance(value, dict):
        return Finding(
            path=path,
            found=f"found {describe_value(value)}",
            allowed="allowed: a map with kind, prompts and more",
        )
    allowed = _one_of(KINDS)
    if "kind" not in value:
        return Finding(path=(*path, "kind"), found="missing", allowed=f"needed: {allowed}")
    kind = value["kind"]
    return Finding(
        path=(*path, "kind"),
        found=f"found {describe_value(kind)}",
        allowed=f"allowed: {allowed}",
        hint=did_you_mean(kind, KINDS),
    )
