"""One checkpoint of each kind, and the problems of manifests that combine them."""

import json
import re

import pytest

from farm.errors import ManifestError
from farm.inputs.resolve import find_renderer
from farm.inputs.resolved import ResolvedInputs, read_model, resolve
from farm.rules.load import load
from farm.rules.registry import check_compatibility, warnings
from tests.checkpoints import controlnet, ip_adapter, lora, stable_diffusion, textual_inversion
from tests.checkpoints import stable_diffusion_xl as xl
from tests.checkpoints.families import FAMILIES
from tests.manifest_texts import problems, valid

__all__ = ["problems", "valid"]

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
animation: {animation}
render: {render}
"""
A_STILL = {"kind": "stills", "prompts": ["a red star"]}


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """Return the folder of a checkpoint by its name in SAVED, saved on first use."""
    root = tmp_path_factory.mktemp("checkpoints")

    def save(name):
        if not (root / name).exists():
            SAVED[name](root / name)
        return root / name

    return save


@pytest.fixture
def written(saved, tmp_path):
    """Write a manifest and load it; `@sd` is the checkpoint of that name, `more` are lines at the end."""

    def write(pipeline, pretrained, render=None, animation=A_STILL, more="", **parts):
        model = {"pipeline": pipeline, "pretrained": pretrained, **parts}
        text = json.dumps(model)
        for name in sorted(SAVED, key=len, reverse=True):
            if f'"@{name}"' in text:
                text = text.replace(f'"@{name}"', json.dumps(str(saved(name))))
        path = tmp_path / "m.yaml"
        sections = {"animation": _with_frames(animation), "render": _with_frames(render or {})}
        path.write_text(MANIFEST.format(model=text, **sections) + more)
        return load(path)

    return write


def _with_frames(section):
    """Return JSON with numeric keys unquoted, as in YAML."""
    return re.sub(r'"(\d+)":', r"\1:", json.dumps(section))


@pytest.fixture
def without_lines(saved, tmp_path):
    """Return messages without their locations and with short paths."""

    def shorten(lines):
        fields = [str(line).partition(": ")[2] for line in lines]
        return [field.replace(f"{tmp_path}/", "").replace(f"{saved('sd').parent}/", "@") for field in fields]

    return shorten


@pytest.fixture
def mismatches(written, without_lines):
    """Return the problems with a manifest's checkpoints."""

    def check(*manifest, **parts):
        document = written(*manifest, **parts)
        model = read_model(document.manifest, find_renderer(document))
        inputs = ResolvedInputs(model=model, pictures=None, scoring=None)
        return without_lines(check_compatibility(document, inputs))

    return check


@pytest.fixture
def warnings_of(written, without_lines):
    """Return the warnings about a manifest; raise its problems if there are any."""

    def check(*manifest, **parts):
        document = written(*manifest, **parts)
        inputs, problems = resolve(document)
        problems += check_compatibility(document, inputs)
        if problems:
            raise ManifestError(problems)
        return without_lines(warnings(document, inputs))

    return check


@pytest.fixture
def refusals(warnings_of, without_lines):
    """Return the problems of a manifest; fail if it is accepted."""

    def check(*manifest, **parts):
        with pytest.raises(ManifestError) as caught:
            warnings_of(*manifest, **parts)
        return without_lines(caught.value.problems)

    return check
