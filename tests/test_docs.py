"""What the documents show must work."""

import re
from pathlib import Path

import pytest

from farm.manifest import parse

ROOT = Path(__file__).parent.parent
MANIFESTS = [
    pytest.param(block, id=f"{page}-{number}")
    for page in ("README.md", "docs/manifest.md")
    for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", (ROOT / page).read_text(), re.DOTALL))
    if block.startswith("version:")
]


@pytest.mark.parametrize("text", MANIFESTS)
def test_every_manifest_shown_is_right(text):
    assert parse(text, ROOT / "shown.yaml").manifest.animation.frame_count > 0


@pytest.mark.parametrize(
    "page", [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")], ids=lambda page: page.name
)
def test_every_link_within_the_project_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", page.read_text())
    targets = [link for pair in links for link in pair if link and "://" not in link]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_test_that_the_guarantees_name_is_there():
    text = (ROOT / "docs" / "guarantees.md").read_text()
    named = [
        name.replace("g/", "guarantees/", 1) for name in re.findall(r"`((?:\w+/)+(?:test_)?\w+\.py)`", text)
    ]
    tests = [name for name in named if not name.startswith(("farm/", "benchmarks/"))]
    assert len(tests) > 20
    assert [name for name in tests if not (ROOT / "tests" / name).is_file()] == []
