"""A manifest back to YAML, with every default said."""

from __future__ import annotations

from typing import Any

import yaml

from farm.manifest.schema import Manifest
from farm.manifest.yaml_reader import plain_scalar


def to_yaml(manifest: Manifest) -> str:
    """Returns the resolved manifest: no default is left unsaid, and it loads to an equal one."""
    data = manifest.model_dump(by_alias=True)
    text = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000)
    return f"# Resolved by the farm: every default is said.\n{text}"


class _Dumper(yaml.SafeDumper):
    """Quotes also what only YAML 1.2 reads as no text; writes out what is there twice, without aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    is_plain = plain_scalar(text) == text and text.isprintable()
    style = None if is_plain else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(tuple, yaml.SafeDumper.represent_list)
