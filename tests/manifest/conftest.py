"""A right manifest to put mistakes into, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from farm.errors import ManifestError
from farm.rules.load import parse

RIGHT = """\
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

Told = Callable[..., list[str]]


@pytest.fixture
def right() -> str:
    return RIGHT


@pytest.fixture
def told() -> Told:
    """Returns what is told of a text, line by line; an added `change` goes to the end of a right manifest."""

    def told(text: str = RIGHT, *overrides: str, change: str = "") -> list[str]:
        with pytest.raises(ManifestError) as caught:
            parse(text + change, Path("doggo.yaml"), overrides)
        return str(caught.value).splitlines()

    return told
