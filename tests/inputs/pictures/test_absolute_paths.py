"""The resolved manifest is valid in any folder: local checkpoints and pictures have absolute paths."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from farm.errors import ManifestError
from farm.inputs.absolute_paths import with_absolute_paths
from farm.inputs.resolve import find_renderer
from farm.records import DiffusersSpec
from farm.rules.load import load
from tests.checkpoints.controlnet import save_controlnet
from tests.checkpoints.lora import save_style_lora

MANIFEST = """\
version: 1
name: a
model:
  pipeline: StableDiffusionControlNetInpaintPipeline
  pretrained: tiny-world
  controlnets: [{pretrained: net, subfolder: ""}, {pretrained: ./missing}]
  loras: [{pretrained: style}]
animation: {kind: circle, prompt: a, frames: 2}
render:
  image: a.png
  mask_image: masks/%04d.png
  control_image: [edges/*.png, {file: /b.png, canny: {}}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_controlnet(tmp_path / "net")
    save_style_lora(tmp_path / "style")
    return tmp_path


def _load(folder: Path, text: str):
    (folder / "a.yaml").write_text(text)
    return load(folder / "a.yaml")


def test_a_missing_part_is_reported_at_its_field(folder: Path) -> None:
    with pytest.raises(ManifestError) as caught:
        find_renderer(_load(folder, MANIFEST))
    (problem,) = caught.value.problems
    assert problem.path == "model.controlnets[1].pretrained"
    assert problem.found == "there is no checkpoint './missing'"


def test_every_part_is_found_and_named_by_its_absolute_path(folder: Path) -> None:
    document = _load(folder, MANIFEST.replace("./missing", "./net"))
    renderer = find_renderer(document)
    assert isinstance(renderer, DiffusersSpec)
    assert [net.source.location for net in renderer.controlnets] == [str(folder / "net")] * 2
    assert dataclasses.asdict(renderer.memory) == document.manifest.model.memory.model_dump()
    resolved = with_absolute_paths(document, renderer)
    assert resolved.model.pretrained == "tiny-world"
    assert [part.pretrained for part in (*resolved.model.controlnets, *resolved.model.loras)] == [
        *[str(folder / "net")] * 2,
        str(folder / "style"),
    ]
    assert (resolved.render.image, resolved.render.mask_image) == (
        str(folder / "a.png"),
        str(folder / "masks/%04d.png"),
    )
    edges, given = resolved.render.control_image
    assert (edges, given.file) == (str(folder / "edges/*.png"), "/b.png")
