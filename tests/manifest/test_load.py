from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from farm.errors import ManifestError
from farm.manifest.animation import KINDS
from farm.rules.load import MAX_BYTES, load, parse
from tests.manifest.test_pydantic_errors import RENDER_TAKES

NEEDED = f"needed: a YAML map in UTF-8, up to {MAX_BYTES} bytes, with version, name, model and animation."

FIVE_MISTAKES = """\
version: 1
name: doggo
model:
  pipeline: StableDiffusionPipeline
  pretrained: stable-diffusion-v1-5/stable-diffusion-v1-5
animation:
  kind: interpolate
  prompts: [a dog]
  frames: 10
render:
  guidance_scal: 3.0
  num_inference_steps: fast
  eta: {0: 0.0, 75: 1.0}
"""


def test_five_mistakes_are_reported_at_once_in_the_order_of_the_file(problems) -> None:
    assert problems(FIVE_MISTAKES) == [
        "doggo.yaml:3:1: model.revision: missing; needed: the full commit of "
        "stable-diffusion-v1-5/stable-diffusion-v1-5, since pictures would change with a branch. Take one from "
        "https://huggingface.co/stable-diffusion-v1-5/stable-diffusion-v1-5/commits/main.",
        "doggo.yaml:8:3: animation.prompts: found a list of 1; allowed: at least 2.",
        "doggo.yaml:11:3: render.guidance_scal: unknown key (did you mean 'guidance_scale'?); "
        f"render takes {RENDER_TAKES}.",
        "doggo.yaml:12:3: render.num_inference_steps: found 'fast'; allowed: a whole number from 1 to 1000.",
        "doggo.yaml:13:17: render.eta[75]: frame 75 of an animation of 10 frames; allowed: frames from 0 to 9.",
    ]


def test_a_valid_manifest_has_its_path_and_folder(tmp_path: Path, valid: str) -> None:
    path = tmp_path / "doggo.yaml"
    path.write_text(valid)
    document = load(str(path))
    assert document.path == path
    assert document.folder == tmp_path
    assert document.manifest.name == "doggo"


def test_later_layers_report_mistakes_at_the_location_of_a_field(valid: str) -> None:
    document = parse(valid, Path("doggo.yaml"))
    error = document.error(("animation", "prompts", 1), "found 90 tokens", "allowed: up to 77", "Say less.")
    assert str(error) == (
        "doggo.yaml:8:20: animation.prompts[1]: found 90 tokens; allowed: up to 77. Say less."
    )


def test_an_omitted_field_is_reported_at_its_nearest_ancestor(valid: str) -> None:
    document = parse(valid, Path("doggo.yaml"))
    assert document.problem(("model", "variant"), "x", "y").where == "doggo.yaml:3:1"
    assert document.problem(("render", "height"), "x", "y").where == "doggo.yaml:1:1"


def test_a_missing_file_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ManifestError) as caught:
        load("doggo.yaml")
    assert str(caught.value) == f"doggo.yaml: cannot be read: No such file or directory; {NEEDED}"


def test_invalid_utf_8_is_reported_with_its_location(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("doggo.yaml").write_bytes(b"version: 1\nname: caf\xe9\n")
    with pytest.raises(ManifestError) as caught:
        load("doggo.yaml")
    assert str(caught.value) == f"doggo.yaml:2:10: the byte 0xE9 is not UTF-8; {NEEDED}"


def test_a_byte_order_mark_is_allowed(tmp_path: Path, valid: str) -> None:
    path = tmp_path / "doggo.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + valid.encode())
    assert load(path).manifest.name == "doggo"


def test_a_huge_file_is_refused_before_it_is_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("doggo.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ManifestError) as caught:
        load("doggo.yaml")
    assert str(caught.value) == f"doggo.yaml: more than {MAX_BYTES} bytes; {NEEDED}"


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n", "null"])
def test_an_empty_manifest_is_reported(problems, text: str) -> None:
    assert problems(text) == [f"doggo.yaml:1:1: an empty manifest; {NEEDED}"]


def test_a_document_that_is_no_map_is_reported(problems) -> None:
    assert problems("- a\n- b\n") == [f"doggo.yaml:1:1: found a list of 2; {NEEDED}"]


def test_a_folder_next_to_the_manifest_is_no_hub_id(tmp_path: Path, valid: str) -> None:
    (tmp_path / "checkpoints" / "dogs").mkdir(parents=True)
    document = parse(valid.replace("tiny-world", "checkpoints/dogs"), tmp_path / "doggo.yaml")
    assert document.manifest.model.pretrained == "./checkpoints/dogs"


@example("a: &a [*a]")
@example("? [1]\n: 2")
@example("<<: 1")
@example("%YAML 9.9\n---\n")
@example("\x00")
@example("'\\")
@example('"\\U00110000"')
@example("animation: {kind: sweep, over: {eta: [x], '0': 1, 0: 2}}")
@example(
    "render: {guidance_scale: {a: 1, -1: 2, 1.5: 3}}\nanimation: {frames: 3, prompts: {a: b, 0: c}, kind: interpolate}"
)
@given(st.text() | st.lists(st.sampled_from(list("{}[]:,-?&*!|>'\"%@ \n#ab01.<~")), max_size=40).map("".join))
def test_no_text_raises_anything_but_a_manifest_error(text: str) -> None:
    with pytest.raises(ManifestError):
        parse(text, Path("doggo.yaml"))


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats()
    | st.sampled_from(["", "a/b", "no", "<map>", "grid"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "class", "<grid>", 0, 3]), inner)
    ),
    max_leaves=6,
)
_FIELDS = """
    name seed model model.loras model.scheduler model.pretrained model.revision
    animation animation.kind animation.prompts animation.prompts[1] animation.alphas animation.frames
    animation.noise animation.noise.mode animation.noise.seeds animation.seeds animation.num_images_per_prompt
    animation.over animation.over.eta animation.rows animation.columns animation.easing
    render render.guidance_scale render.eta output output.gif output.gif.fps
"""
_changes = st.lists(st.tuples(st.sampled_from(_FIELDS.split()), _values))


@given(st.sampled_from(list(KINDS)), _changes)
def test_no_value_anywhere_raises_anything_but_a_manifest_error(
    kind: str, changes: list[tuple[str, object]]
) -> None:
    overrides = [f"animation.kind={kind}"]
    for field, value in changes:
        written = yaml.safe_dump(value, default_flow_style=True, width=10**6).removesuffix("...\n")
        overrides.append(f"{field}={written}")
    text = "{version: 1, name: x, model: {pipeline: StableDiffusionPipeline, pretrained: y}, animation: {}}"
    try:
        problems = None if parse(text, Path("doggo.yaml"), overrides).manifest.animation.frame_count else ()
    except ManifestError as error:
        problems = error.problems
    assert problems != ()


def test_importing_it_loads_no_torch_ray_or_diffusers() -> None:
    code = "import sys, farm.manifest; print({'torch', 'ray', 'diffusers'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout == "set()\n"
