"""The shipped manifests: every one passes its check, and every capability has one."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from farm.errors import ManifestError
from farm.manifest.pipelines import PIPELINES
from farm.run import prepare

FOLDER = Path(__file__).parent.parent / "manifests"
MANIFESTS = sorted(FOLDER.glob("*.yaml"))
DATA: dict[str, dict[str, Any]] = {path.stem: yaml.safe_load(path.read_text()) for path in MANIFESTS}

DOWNLOADED = {
    "ldm": ("13:3: model.pretrained", "../models/ldm-text2im-large-256"),
    "single-file": ("13:3: model.pretrained", "../models/v1-5-pruned-emaonly.safetensors"),
    "textual-inversion": ("16:7: model.textual_inversions[0].pretrained", "../models/easynegative"),
}
"""Manifests with a comment on how to fetch their weights: the location and path of the missing weights."""

CAPABILITIES = {
    "prompts blended": ("demo", "animation.kind"),
    "perceptually even pacing": ("demo-even", "animation.pacing"),
    "four corners": ("demo-grid", "animation.rows"),
    "a walk": ("demo-walk", "animation.step_size"),
    "a circle of noise": ("demo-circle", "animation.prompt"),
    "several pictures of a prompt": ("demo-stills", "animation.seeds"),
    "sweep of settings and schedulers": ("demo-sweep", "animation.over.scheduler"),
    "another scheduler": ("sd21", "model.scheduler.class"),
    "guidance rescaling": ("sd21", "render.guidance_rescale"),
    "micro-conditioning": ("sdxl", "render.original_size"),
    "base and refiner": ("sdxl-refiner", "model.refiner"),
    "Turbo": ("sdxl-turbo", "render.num_inference_steps"),
    "LCM-LoRA": ("lcm-lora", "model.loras"),
    "LCM-LoRA, shipped": ("demo-lcm", "model.loras"),
    "a LoRA's scale, keyframed, shipped": ("demo-lora-scale", "model.loras.0.scale.23"),
    "several LoRAs, keyframed": ("loras", "model.loras.1.scale.149"),
    "img2img, shipped": ("demo-img2img", "render.strength.47"),
    "inpainting, nine channels": ("inpaint", "render.mask_image"),
    "inpainting, four channels, shipped": ("demo-inpaint", "render.mask_image"),
    "outpainting": ("outpaint", "render.expand"),
    "outpainting, shipped": ("demo-outpaint", "render.expand"),
    "canny edge detection": ("controlnet-canny", "render.image.canny"),
    "a ControlNet's scale, keyframed": ("controlnet-canny", "render.controlnet_conditioning_scale.149"),
    "a ControlNet for a part of the steps": ("controlnet-canny", "render.control_guidance_end"),
    "a ControlNet and a picture per frame, shipped": ("demo-controlnet", "render.image.canny"),
    "a ControlNet and a mask, shipped": ("demo-controlnet-inpaint", "render.control_image.canny"),
    "several ControlNets": ("two-controlnets", "model.controlnets.1"),
    "several ControlNets, their scales keyframed, shipped": (
        "demo-two-controlnets",
        "render.controlnet_conditioning_scale.1.23",
    ),
    "IP-Adapter, keyframed": ("ip-adapter", "model.ip_adapters.0.scale.149"),
    "IP-Adapter Plus, from picture to picture": ("ip-adapter-plus", "render.ip_adapter_image.149"),
    "IP-Adapter Plus Face": ("ip-adapter-face", "model.ip_adapters.0"),
    "textual inversion": ("textual-inversion", "model.textual_inversions.0"),
    "a single file": ("single-file", "model.config"),
    "compel": ("compel", "render.prompt_syntax"),
    "compel, shipped": ("demo-compel", "render.prompt_syntax"),
    "less memory": ("low-memory", "model.memory.offload"),
    "less memory, shipped": ("demo-low-memory", "model.memory.vae_tiling"),
    "layers moved in groups": ("qwen-image", "model.memory.offload"),
}
"""Capabilities of the farm, with the manifest and the field that demonstrate each."""

each = pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """Return a copy of the shipped manifests without downloaded weights next to them."""
    return shutil.copytree(FOLDER, tmp_path / "manifests")


@each
def test_a_shipped_manifest_passes_its_check_except_for_weights_to_download(path, alone, tmp_path):
    own = alone / path.name
    if path.stem not in DOWNLOADED:
        assert prepare(own, output_dir=str(tmp_path)).plan.name == path.stem
        return
    with pytest.raises(ManifestError) as caught:
        prepare(own, output_dir=str(tmp_path))
    location, missing = DOWNLOADED[path.stem]
    assert str(caught.value) == (
        f"{own}:{location}: there is no checkpoint '{missing}'; needed: a hub id with its commit, a folder or "
        ".safetensors file relative to the manifest, or a shipped checkpoint (tiny-world)."
    )


@each
def test_no_two_frames_of_a_shipped_manifest_are_the_same(path, alone, tmp_path):
    plan = prepare(alone / path.name, output_dir=str(tmp_path), procedural=True).plan
    assert len({plan.frame(index).digest for index in range(plan.frame_count)}) == plan.frame_count


@pytest.mark.parametrize("name", DOWNLOADED)
def test_a_manifest_of_downloaded_weights_says_how_to_fetch_them(name):
    fetched = DOWNLOADED[name][1].removeprefix("../")
    comment = (FOLDER / f"{name}.yaml").read_text().partition("\nversion:")[0]
    assert "hf download" in comment or "from_pretrained" in comment
    assert fetched in comment or f"{Path(fetched).name} --local-dir {Path(fetched).parent}" in comment


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_a_capability_has_its_manifest(capability):
    name, field = CAPABILITIES[capability]
    value: Any = DATA[name]
    for key in field.split("."):
        value = value[int(key) if key.isdecimal() else key]
    assert value is not None


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_pipeline_has_its_manifest(pipeline):
    assert [name for name, data in DATA.items() if data["model"]["pipeline"] == pipeline]


def test_the_table_of_manifests_has_one_row_for_each():
    rows = re.findall(r"^\| \[([\w-]+)\]\(\1\.yaml\) \|", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(DATA)


def test_a_shipped_manifest_uses_a_video():
    [video, _] = DATA["demo-two-controlnets"]["render"]["image"]
    assert video["file"] == "pictures/turning-64.mp4"


def test_the_pictures_of_shipped_manifests_are_small_in_total():
    files = [file for file in (FOLDER / "pictures").rglob("*") if file.suffix in (".png", ".mp4")]
    assert sum(file.stat().st_size for file in files) < 300_000
