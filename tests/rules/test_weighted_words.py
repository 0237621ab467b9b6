"""Slips in weighted prompts, told before anything starts, together with whatever else is wrong."""

import pytest

from farm.errors import ManifestError
from farm.run import prepare

MANIFEST = """\
version: 1
name: words
model: {{pipeline: StableDiffusionPipeline, pretrained: {pretrained}}}
animation: {{kind: interpolate, prompts: {prompts}, frames: 4}}
render: {{prompt_syntax: {syntax}, negative_prompt: "(dull"}}
"""
NEEDED = (
    "needed: a prompt in compel's language, such as a (red)1.5 star; plain words need prompt_syntax: plain"
)


@pytest.fixture
def written(tmp_path):
    def write(prompts, *, syntax="compel", pretrained="tiny-world"):
        path = tmp_path / "words.yaml"
        path.write_text(MANIFEST.format(prompts=prompts, syntax=syntax, pretrained=pretrained))
        return path

    return write


def told(path):
    with pytest.raises(ManifestError) as caught:
        prepare(path, output_dir=str(path.parent))
    return [(problem.path, problem.found, problem.allowed) for problem in caught.value.problems]


def test_every_slip_is_told_at_its_place(written):
    opened = "the ( at character {} is never closed; write \\( for a literal one"
    assert told(written('["a (red star", "a star"]')) == [
        ("animation.prompts[0]", opened.format(3), NEEDED),
        ("render.negative_prompt", opened.format(1), NEEDED),
    ]
    assert told(written('{0: "a star", 3: "a (red star"}'))[0][0] == "animation.prompts[3]"


def test_slips_are_told_with_a_checkpoint_that_is_not_there(written):
    places = [place for place, _, _ in told(written('["a (red star", "a star"]', pretrained="nowhere"))]
    assert places == ["model.pretrained", "animation.prompts[0]", "render.negative_prompt"]


def test_plain_prompts_may_look_as_they_like(written):
    assert prepare(written('["a (red star", "a star"]', syntax="plain")).plan.frame_count == 4
