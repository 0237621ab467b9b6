from __future__ import annotations

from pathlib import Path

import pytest

from farm.manifest import Manifest
from farm.rules.load import parse
from tests.manifest.test_pydantic_errors import RENDER_TAKES


def _with(valid: str, *overrides: str) -> Manifest:
    return parse(valid, Path("doggo.yaml"), overrides).manifest


def test_an_override_changes_a_field_and_the_last_wins(valid: str) -> None:
    manifest = _with(valid, "render.num_inference_steps=4", "render.num_inference_steps=5", "seed=3")
    assert manifest.render.num_inference_steps == 5
    assert manifest.seed == 3


def test_an_override_reaches_into_lists_and_keyframes(valid: str) -> None:
    manifest = _with(
        valid,
        "animation.prompts[1]=a fox",
        "render.guidance_scale={0: 1, 9: 2}",
        "render.guidance_scale[9]=3",
    )
    assert manifest.animation.prompts == ("a dog", "a fox")  # type: ignore[union-attr]
    assert manifest.render.guidance_scale == {0: 1.0, 9: 3.0}


def test_an_override_in_a_disabled_section_enables_it(valid: str) -> None:
    manifest = _with(valid, "output.gif=false", "output.gif.fps=5", "model.scheduler.class=DDIMScheduler")
    assert manifest.output.gif is not None
    assert manifest.output.gif.fps == 5
    assert manifest.model.scheduler is not None


def test_a_text_may_contain_an_equals_sign(valid: str) -> None:
    assert _with(valid, "description=a = b").description == "a = b"


def test_a_mistake_in_an_override_is_located_there(problems, valid: str) -> None:
    assert problems(valid, "render.num_inference_steps=fast", "render.guidance_scal=3") == [
        "--set render.num_inference_steps=fast: render.num_inference_steps: found 'fast'; allowed: a whole number "
        "from 1 to 1000.",
        "--set render.guidance_scal=3: render.guidance_scal: unknown key (did you mean 'guidance_scale'?); "
        f"render takes {RENDER_TAKES}.",
    ]


def test_a_field_missing_from_an_override_is_located_there(problems, valid: str) -> None:
    assert problems(valid, "model.scheduler.config.a=1") == [
        "--set model.scheduler.config.a=1: model.scheduler.class: missing; needed: the name of the class in "
        "diffusers."
    ]


@pytest.mark.parametrize("text", ["render", "=4", "render.=4", "animation.prompts[x]=4", "a b=4"])
def test_an_override_is_a_field_and_a_value(problems, valid: str, text: str) -> None:
    assert problems(valid, text) == [
        f"--set {text}: no field and value; allowed: FIELD=VALUE, such as render.num_inference_steps=4 or "
        "animation.prompts[1]=a fox."
    ]


def test_an_override_of_a_nonexistent_entry_is_reported(problems, valid: str) -> None:
    assert problems(valid, "animation.prompts[4]=x", "name.first=x") == [
        "--set animation.prompts[4]=x: animation.prompts[4]: animation.prompts has no entry 4; allowed: entries "
        "from 0 to 1.",
        "--set name.first=x: name.first: name is 'doggo'; allowed: fields of maps and lists.",
    ]


def test_a_value_follows_the_rules_of_yaml(problems, valid: str) -> None:
    assert problems(valid, "output.gif.loop=no", "render.eta={0: 1, 0: 2}", "seed=!!int 3", "seed=[") == [
        "--set output.gif.loop=no: output.gif.loop: found 'no'; allowed: true or false. Write false: YAML 1.2 reads "
        "'no' as text.",
        "--set render.eta={0: 1, 0: 2}: render.eta[0]: written twice; allowed: each key once.",
        "--set seed=!!int 3: a tag; allowed: YAML without tags. Remove the tag.",
        "--set seed=[: not valid YAML: did not find expected node content while parsing a flow node; allowed: one "
        "YAML document.",
    ]
