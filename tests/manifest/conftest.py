from __future__ import annotations

from tests.manifest_texts import problems, valid

__all__ = ["problems", "valid"]
