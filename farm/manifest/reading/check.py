"""Plain data to a manifest, or to everything that is wrong with it."""

from __future__ import annotations

from pydantic import ValidationError

from farm.manifest.checks.cross_checks import cross_checks
from farm.manifest.reading.field_findings import field_findings
from farm.manifest.reading.findings import Finding
from farm.manifest.schema import Manifest


def check(data: object) -> tuple[Manifest | None, list[Finding]]:
    """Returns the manifest if nothing is wrong, and what is wrong: in fields, and between the sound ones."""
    manifest, findings = None, []
    try:
        manifest = Manifest.model_validate(data)
    except ValidationError as error:
        findings = field_findings(error, data)
    if isinstance(data, dict):
        wrong = {finding.path for finding in findings}
        findings += cross_checks(data, wrong)
    return (None if findings else manifest), findings
