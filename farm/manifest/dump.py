"""Writes a manifest back to YAML with every default filled in."""

from __future__ import annotations

from typing import Any

import yaml

from farm.manifest.schema import Manifest
from farm.manifest.yaml_reader import plain_scalar


def to_yaml(manifest: Manifest) -> str:
    """Return the resolved manifest as YAML; loading it gives an equal manifest."""
    data = manifest.model_dump(by_alias=True)
    text = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000)
    return f"# Resolved by the farm: every default is filled in.\n{text}"


class _Dumper(yaml.SafeDumper):
    """Quotes strings that YAML 1.2 would read as another type, and writes repeated values in full, without aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    is_plain = plain_scalar(text) == text and text.isprintable()
    style = None if is_plain else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_string)
_Dumper.add_representer(tuple, yaml.SafeDumper.represent_list)
