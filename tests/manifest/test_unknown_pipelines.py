"""The requirements of diffusers' pipelines are read from their code, and unsupported ones are explained."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import diffusers
import pytest

from farm.errors import ModelError
from farm.manifest.pipelines import PIPELINES
from farm.manifest.unknown_pipelines import missing_requirement
from farm.render.families import FAMILIES, pipeline_class
from tests.rules.test_pipeline_checks import _messages, _text

KNOWN = f"allowed: one of the diffusers pipelines that the farm supports: {', '.join(PIPELINES)}"
OTHERS = (
    *(
        "PixArtAlphaPipeline",
        "Lumina2Pipeline",
        "UnCLIPPipeline",
        "DDPMPipeline",
        "StableDiffusionUpscalePipeline",
    ),
    *("StableDiffusionInstructPix2PixPipeline", "StableDiffusionXLControlNetPAGPipeline", "WanPipeline"),
    *(
        "KandinskyV22Pipeline",
        "StableDiffusionGLIGENPipeline",
        "SemanticStableDiffusionPipeline",
        "DiTPipeline",
    ),
    *("StableUnCLIPPipeline", "VisualClozeGenerationPipeline", "FluxPriorReduxPipeline"),
)


@pytest.mark.parametrize("name", [*(name for name in PIPELINES if name not in FAMILIES), *OTHERS])
def test_the_code_and_the_class_agree_on_what_a_pipeline_lacks(name: str) -> None:
    try:
        pipeline_class(name)
        missing = ""
    except ModelError as error:
        missing = str(error).removeprefix(f"{name}: the farm cannot use it: ").removesuffix(".")
    assert missing_requirement(name) == missing


def test_some_pipelines_lack_a_requirement_and_some_do_not() -> None:
    assert {missing_requirement(name) for name in OTHERS} == {
        "",
        "it has no encode_prompt, in which prompts are mixed",
        "its call takes no prompts",
        "its call takes no generators for its noise",
    }


@pytest.mark.parametrize(
    ("name", "near", "hint"),
    [
        (
            "PixArtAlphaPipeline",
            "PixArtSigmaPipeline",
            " diffusers has PixArtAlphaPipeline: if it generates pictures, it needs an "
            "entry in farm/manifest/pipelines.py, see 'A family of pipelines' in ARCHITECTURE.md.",
        ),
        (
            "UnCLIPPipeline",
            "SanaPipeline",
            " diffusers has UnCLIPPipeline, but it has no encode_prompt, in which prompts are "
            "mixed: it needs a class of its own, see 'A family of pipelines' in ARCHITECTURE.md.",
        ),
        ("StableDifusionPipeline", "StableDiffusionPipeline", ""),
    ],
)
def test_an_unsupported_pipeline_is_reported_with_what_it_needs(
    problems: Any, name: str, near: str, hint: str
) -> None:
    assert _messages(problems, _text(name)) == [
        f"model.pipeline: found '{name}' (did you mean '{near}'?); {KNOWN}.{hint}"
    ]


@pytest.mark.parametrize("value", ["5", "[a]", "null", "Nothing"])
def test_an_unknown_name_is_reported_without_a_hint(problems: Any, value: str) -> None:
    [line] = _messages(problems, _text(value))
    assert line.endswith(f"; {KNOWN}.")


def test_explaining_a_pipeline_does_not_load_diffusers() -> None:
    code = "import sys\nfrom farm.manifest.unknown_pipelines import explain_unknown_pipeline\n"
    code += "print('needs an entry' in explain_unknown_pipeline('Lumina2Pipeline'))\n"
    code += "print({'torch', 'diffusers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\nset()\n"


def test_every_name_that_diffusers_exports_is_found() -> None:
    from farm.manifest.unknown_pipelines import _names

    assert _names() == {name for name in dir(diffusers) if name.endswith("Pipeline")} | {"DiffusionPipeline"}
