"""One checkpoint of each kind, and what is told of those that a manifest puts together."""

import json

import pytest

from farm.errors import ManifestError
from farm.manifest import load
from farm.run.checkpoints import find_renderer
from farm.run.fit import refuse_misfits
from tests.checkpoints import controlnet, ip_adapter, lora, stable_diffusion, textual_inversion
from tests.checkpoints import stable_diffusion_xl as xl
from tests.checkpoints.families import FAMILIES

SAVED = {
    **{name: family.save for name, family in FAMILIES.items()},
    "sd": stable_diffusion.save_stable_diffusion,
    "xl": xl.save_stable_diffusion_xl,
    "inpainting": stable_diffusion.save_inpainting,
    "depth": stable_diffusion.save_depth,
    "refiner": xl.save_refiner,
    "net": controlnet.save_controlnet,
    "net-xl": controlnet.save_controlnet_xl,
    "ip": ip_adapter.save_ip_adapter,
    "style": lora.save_style_lora,
    "lcm-lora": lora.save_lcm_lora,
    "doodle": textual_inversion.save_textual_inversion,
    "doodle-xl": textual_inversion.save_textual_inversion_xl,
}
MANIFEST = """\
version: 1
name: fitting
model: {model}
animation: {{kind: stills, prompts: [a red star]}}
render: {render}
"""


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    """A folder with one checkpoint of each kind, saved when it is first asked for."""
    root = tmp_path_factory.mktemp("shelf")

    def take(name):
        if not (root / name).exists():
            SAVED[name](root / name)
        return root / name

    return take


@pytest.fixture
def told(shelf, tmp_path):
    """Return what is told of a manifest's checkpoints, without the lines; `@sd` is the checkpoint of that name."""

    def check(pipeline, pretrained, render=None, **parts):
        model = {"pipeline": pipeline, "pretrained": pretrained, **parts}
        written = json.dumps(model)
        for name in sorted(SAVED, key=len, reverse=True):
            if f'"@{name}"' in written:
                written = written.replace(f'"@{name}"', json.dumps(str(shelf(name))))
        path = tmp_path / "m.yaml"
        path.write_text(MANIFEST.format(model=written, render=json.dumps(render or {})))
        document = load(path)
        try:
            refuse_misfits(document, find_renderer(document))
        except ManifestError as error:
            lines = [str(problem).partition(": ")[2] for problem in error.problems]
            return [line.replace(f"{tmp_path}/", "").replace(f"{shelf('sd').parent}/", "@") for line in lines]
        return []

    return check
