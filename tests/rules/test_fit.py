"""All of it together: at once, from the hub, and before anything is loaded."""

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


def test_everything_is_told_at_once(shelf, told, tmp_path):
    copy = altered(shelf("xl"), tmp_path / "deep", "vae/config.json", block_out_channels=[8, 8, 8, 8, 16])
    problems = told(
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


def test_a_hub_id_is_looked_at_where_it_is_on_this_machine(shelf, told, tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    commit = fill_cache(tmp_path / "hub", "studio/style", shelf("style"))
    cached = {"pretrained": "studio/style", "revision": commit}
    unknown = {"pretrained": "studio/unknown", "revision": commit}
    assert told(XL, "@xl", loras=[unknown, cached]) == [
        f"model.loras[1].pretrained: does not fit the model: its cross_attention_dim is 16, not 32; {A_LORA}"
    ]
    assert told(XL, "studio/unknown", revision=commit, loras=[cached]) == []


def test_farm_check_tells_it_with_its_place_and_loads_no_torch(shelf, tmp_path):
    (tmp_path / "m.yaml").write_text(CHECKED.format(model=shelf("xl"), lora=shelf("style")))
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
    said = " ".join(done.stderr.split())
    assert f"m.yaml:4:3: model.pipeline: {shelf('xl')} is not for StableDiffusionPipeline: " in said
    assert f"m.yaml:7:7: model.loras[0].pretrained: does not fit the model: {A_FEW} not 32; {A_LORA}" in said
