"""A valid manifest to introduce mistakes into, and fixtures that report them, for tests of manifests and rules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from farm.errors import ManifestError
from farm.rules.load import parse

VALID = """\
version: 1
name: doggo
model:
  pipeline: StableDiffusionPipeline
  pretrained: tiny-world
animation:
  kind: interpolate
  prompts: [a dog, a bowl of fruit]
  frames: 10
"""

Problems = Callable[..., list[str]]


@pytest.fixture
def valid() -> str:
    return VALID


@pytest.fixture
def problems() -> Problems:
    """Return the problems of a manifest, one per line; `change` is appended to a valid manifest."""

    def problems(text: str = VALID, *overrides: str, change: str = "") -> list[str]:
        with pytest.raises(ManifestError) as caught:
            parse(text + change, Path("doggo.yaml"), overrides)
        return str(caught.value).splitlines()

    return problems
