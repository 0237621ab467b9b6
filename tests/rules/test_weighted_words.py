"""Mistakes in weighted prompts are reported before anything starts, together with all other mistakes."""

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
NEEDED = "needed: a prompt in compel's syntax, such as a (red)1.5 star; plain words need prompt_syntax: plain"


@pytest.fixture
def written(tmp_path):
    def write(prompts, *, syntax="compel", pretrained="tiny-world"):
        path = tmp_path / "words.yaml"
        path.write_text(MANIFEST.format(prompts=prompts, syntax=syntax, pretrained=pretrained))
        return path

    return write


def problems_of(path):
    with pytest.raises(ManifestError) as caught:
        prepare(path, output_dir=str(path.parent))
    return [(problem.path, problem.found, problem.allowed) for problem in caught.value.problems]


def test_every_mistake_is_reported_at_its_field(written):
    opened = "the ( at character {} is never closed; write \\( for a literal one"
    assert problems_of(written('["a (red star", "a star"]')) == [
        ("animation.prompts[0]", opened.format(3), NEEDED),
        ("render.negative_prompt", opened.format(1), NEEDED),
    ]
    assert problems_of(written('{0: "a star", 3: "a (red star"}'))[0][0] == "animation.prompts[3]"


def test_mistakes_are_reported_together_with_a_missing_checkpoint(written):
    fields = [
        field for field, _, _ in problems_of(written('["a (red star", "a star"]', pretrained="nowhere"))
    ]
    assert fields == ["model.pretrained", "animation.prompts[0]", "render.negative_prompt"]


def test_plain_prompts_may_contain_any_syntax(written):
    assert prepare(written('["a (red star", "a star"]', syntax="plain")).plan.frame_count == 4
