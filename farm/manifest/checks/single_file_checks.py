"""A single file holds weights only: its configuration is said beside it, so that it is part of what is rendered."""

from __future__ import annotations

from collections.abc import Iterator

from farm.manifest.checks.asked import Asked
from farm.manifest.findings import Finding

_FILE = ".safetensors"


def single_file_checks(asked: Asked) -> Iterator[Finding]:
    """Yields a single file without configuration, and a configuration that is none or is beside none."""
    if "config" not in asked.traits.parts:
        return
    match asked.model:
        case {"pretrained": str(pretrained), "config": dict()} if not pretrained.endswith(_FILE):
            yield Finding(
                path=("model", "config"),
                found=f"a configuration beside {pretrained!r}, which brings its own",
                allowed=f"allowed: beside a {_FILE} file",
            )
        case {"pretrained": str(pretrained)} if pretrained.endswith(_FILE) and not asked.model.get("config"):
            yield Finding(
                path=("model", "config"),
                found="missing",
                allowed="needed: a hub id with its commit, or a folder, of which the file has its architecture, words "
                "and scheduler, since it holds weights only",
                hint=f"For {asked.pipeline} it is mostly {asked.traits.usual_config}.",
            )
    match asked.model:
        case {"config": {"pretrained": str(pretrained)}} if pretrained.endswith(_FILE):
            yield Finding(
                path=("model", "config", "pretrained"),
                found=f"found {pretrained!r}, which holds weights only",
                allowed="allowed: a hub id or a folder",
            )
