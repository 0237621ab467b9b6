"""The user's manifest, read and checked; every value and mistake has a location.

to_yaml(manifest) -> str                                      the resolved manifest
json_schema() -> dict                                         for editors
"""

from __future__ import annotations

from farm.manifest.document import Document
from farm.manifest.dump import to_yaml
from farm.manifest.schema import Manifest, json_schema

__all__ = ["Document", "Manifest", "json_schema", "to_yaml"]
