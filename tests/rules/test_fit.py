"""All mismatches together: at once, from the hub, and before anything is loaded."""

import os
import subprocess
import sys

import huggingface_hub.constants

from tests.checkpoints.hub_cache import fill_cache
from tests.checkpoints.lora import WEIGHTS
from tests.rules.altering import altered
from tests.rules.test_ip_adapter import ip_of
from tests.rules.test_lora import A_LORA

SD, XL = "StableDiffusionPipeline", "StableDiffusionXLPipeline"
A_FEW = "its cross_attention_dim is 16,"
CHECKED = """\
version: 1
name: fitting
model:
  pipeline: StableDiffusionPipeline
  pretrained: {model}
  loras:
    - pretrained: {lora}
animation: {{kind: stills, prompts: [a red star]}}
"""


def test_all_mismatches_are_reported_at_once(saved, mismatches, tmp_path):
    copy = altered(saved("xl"), tmp_path / "deep", "vae/config.json", block_out_channels=[8, 8, 8, 8, 16])
    problems = mismatches(
        "StableDiffusionControlNetPipeline",
        copy,
        {"image": "c.png", "width": 40, "ip_adapter_image": "p.png"},
        controlnets=[{"pretrained": "@net"}],
        ip_adapters=[ip_of("ip-adapter")],
        textual_inversions=[{"pretrained": "@style", "weight_name": WEIGHTS}],
        loras=[{"pretrained": "@style"}],
    )
    assert [problem.partition(":")[0] for problem in problems] == [
        "model.pipeline",
        "model.controlnets[0].pretrained",
        "model.ip_adapters[0].weight_name",
        "model.textual_inversions[0].pretrained",
        "model.loras[0].pretrained",
        "render.width",
    ]


def test_a_cached_hub_id_is_checked(saved, mismatches, tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    commit = fill_cache(tmp_path / "hub", "studio/style", saved("style"))
    cached = {"pretrained": "studio/style", "revision": commit}
    unknown = {"pretrained": "studio/unknown", "revision": commit}
    assert mismatches(XL, "@xl", loras=[unknown, cached]) == [
        f"model.loras[1].pretrained: does not fit the model: its cross_attention_dim is 16, not 32; {A_LORA}"
    ]
    assert mismatches(XL, "studio/unknown", revision=commit, loras=[cached]) == []


def test_farm_check_reports_mismatches_with_their_location_and_loads_no_torch(saved, tmp_path):
    (tmp_path / "m.yaml").write_text(CHECKED.format(model=saved("xl"), lora=saved("style")))
    code = (
        "import sys\nfrom farm.cli import main\ntry:\n    main(['check', 'm.yaml'])\n"
        "finally:\n    print({'torch', 'diffusers', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout.splitlines()[-1] == "set()"
    message = " ".join(done.stderr.split())
    assert f"m.yaml:4:3: model.pipeline: {saved('xl')} is not for StableDiffusionPipeline: " in message
    assert (
        f"m.yaml:7:7: model.loras[0].pretrained: does not fit the model: {A_FEW} not 32; {A_LORA}" in message
    )
