"""The manifest: what a user writes, checked all at once and told with places.

load(path, overrides) -> Document(manifest, path, folder)     or ManifestError with every Problem
to_yaml(manifest) -> str                                      the resolved manifest
json_schema() -> dict                                         for editors
"""

from __future__ import annotations

from farm.manifest.document import Document
from farm.manifest.dump import to_yaml
from farm.manifest.reading.load import load, parse
from farm.manifest.schema import Manifest, json_schema

__all__ = ["Document", "Manifest", "json_schema", "load", "parse", "to_yaml"]
