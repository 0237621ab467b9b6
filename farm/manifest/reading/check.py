"""Plain data to a manifest, or to everything that is wrong with it."""

from __future__ import annotations

from itertools import islice

from pydantic import ValidationError

from farm.manifest.checks.cross_checks import cross_checks
from farm.manifest.findings import Finding
from farm.manifest.location import FieldPath
from farm.manifest.pydantic_errors import translate_errors
from farm.manifest.schema import Manifest

MAX_FINDINGS = 1000
"""Of fields, and of rules between them: nobody would read more to their end."""


def check(data: object) -> tuple[Manifest | None, list[Finding], int]:
    """Returns the manifest if nothing is wrong; what is wrong, in fields and between the sound ones; and of how many
    fields more nothing is said."""
    manifest, findings, wrong = None, list[Finding](), set[FieldPath]()
    try:
        manifest = Manifest.model_validate(data)
    except ValidationError as error:
        findings, wrong = translate_errors(error, data, most=MAX_FINDINGS)
    more = max(0, len(wrong) - len(findings))
    if isinstance(data, dict):
        findings += islice(cross_checks(data, wrong), MAX_FINDINGS)
    return (None if findings else manifest), findings, more
