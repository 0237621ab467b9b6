"""The examples and references in the documentation work."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from farm.records import ProceduralSpec
from farm.rules.load import parse
from farm.store import decode_frame, encode_frame
from tests import support
from tests.render.frames import frame_of

ROOT = Path(__file__).parent.parent
MANIFESTS = [
    pytest.param(block, id=f"{page}-{number}")
    for page in ("README.md", "docs/manifest.md")
    for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", (ROOT / page).read_text(), re.DOTALL))
    if block.startswith("version:")
]


@pytest.mark.parametrize("text", MANIFESTS)
def test_every_documented_manifest_is_valid(text):
    assert parse(text, ROOT / "shown.yaml").manifest.animation.frame_count > 0


@pytest.mark.parametrize(
    "page", [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")], ids=lambda page: page.name
)
def test_every_link_within_the_project_has_a_target(page):
    links = re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", page.read_text())
    targets = [link for pair in links for link in pair if link and "://" not in link]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_test_named_in_the_guarantees_exists():
    text = (ROOT / "docs" / "guarantees.md").read_text()
    named = [
        name.replace("g/", "guarantees/", 1) for name in re.findall(r"`((?:\w+/)+(?:test_)?\w+\.py)`", text)
    ]
    tests = [name for name in named if not name.startswith(("farm/", "benchmarks/"))]
    assert len(tests) > 20
    assert [name for name in tests if not (ROOT / "tests" / name).is_file()] == []


def test_the_documented_command_removes_all_text_from_a_frame(tmp_path):
    command = re.search(r'python -c "(from PIL.*?)"', (ROOT / "docs" / "security.md").read_text())[1]
    frame = encode_frame(np.full((8, 8, 3), 7, np.uint8), frame_of(), ProceduralSpec())
    assert b"a red star" in frame
    (tmp_path / "frame000000.png").write_bytes(frame)
    subprocess.run([sys.executable, "-c", command], cwd=tmp_path, check=True)
    with Image.open(tmp_path / "plain.png") as plain:
        assert plain.text == {}
        assert np.asarray(plain).tolist() == decode_frame(frame, "frame").tolist()


def test_the_documented_minimum_versions_are_the_required_ones():
    versions = (ROOT / "docs" / "security.md").read_text().partition("## Versions")[2].partition(":")[0]
    floors = re.findall(r"([a-z]+) ([0-9.]*[0-9])", versions)
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert len(floors) == 7
    assert [
        floor
        for floor in map(">=".join, floors)
        if floor not in [word.replace("[default]", "") for word in required]
    ] == []


def test_the_support_tables_match_the_tests():
    assert support.readme_tables() == support.tables(), "run: python -m tests.support"


def test_every_row_of_the_support_tables_parametrizes_a_test():
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "render").glob("test_*.py"))
    assert [row for row in support.FEATURES if f'FEATURES["{row}"]' not in tests] == []
    assert "PARTS.items()" in tests
    assert [column for column in support.MOVES if f'MOVES["{column}"]' not in tests] == []
