"""All additions to a way of making pictures: a chunk is the plain call of diffusers with the addition.

These tests are further columns of the README's table; `tests.support` says which pipelines they cover.
"""

import pytest

from farm.manifest.pipelines import PIPELINES
from tests.checkpoints.ways import ONE_OF_EACH_FAMILY, WAYS
from tests.exhaustive import sample
from tests.render import parts
from tests.render.ways import SEEDS, same
from tests.support import ACCEPTED, FEATURES, NO_TINY_FILE, PARTS

MADE = {
    "other arguments": parts.other_arguments,
    "LoRA": parts.lora,
    "IP-Adapter": parts.ip_adapter,
    "textual inversion": parts.learned_word,
    "compel": parts.weighted_words,
    "several ControlNets": parts.several_controlnets,
    "single file": parts.single_file,
}


COLUMNS = {
    "loras": "LoRA",
    "ip_adapters": "IP-Adapter",
    "textual_inversions": "textual inversion",
    "controlnets": "several ControlNets",
    "config": "single file",
}
"""The parts of `model` that a pipeline may accept."""

PARTS_OF = {way: [part for part, ways in PARTS.items() if way in ways] for way in WAYS}

CASES = [(way, part) for way in WAYS for part, ways in PARTS.items() if way in ways]
"""Way by way, so that each is saved once."""

SD, SDXL = "text to image, StableDiffusionPipeline", "text to image, StableDiffusionXLPipeline"
EVERY_PART = [
    *((SD, part) for part in PARTS_OF[SD]),
    *((SDXL, part) for part in ("textual inversion", "compel")),  # for each of two text encoders
    ("ControlNet", "several ControlNets"),
]

SAMPLE = [
    (way, part)
    for way, part in CASES
    if (way, part) in EVERY_PART or (way in ONE_OF_EACH_FAMILY and part == PARTS_OF[way][0])
]


@pytest.mark.parametrize(("way", "part"), sample(CASES, of=SAMPLE), indirect=["way"])
def test_a_chunk_equals_a_plain_call_bit_for_bit(way, part, tmp_path):
    made = MADE[part](way, tmp_path)
    changed = way.with_part(made)
    count = 1 if part == "other arguments" else 3  # some of them work in diffusers for one picture only
    changed.render(changed.frame(0, **made.before))
    ours = changed.render(*map(changed.frame, range(count)))
    assert same(ours, changed.plain(changed.prompts[:count], SEEDS[:count])) == [True] * count
    without = way.render(*(way.frame(index, {changed.prompts[index]: 1.0}) for index in range(count)))
    assert same(ours, without) == [not made.changes] * count


@pytest.mark.parametrize("way", sample(PARTS["other arguments"], of=ONE_OF_EACH_FAMILY), indirect=True)
def test_a_last_chunk_of_two_frames_equals_a_plain_call_of_three_bit_for_bit(way, tmp_path):
    changed = way.with_part(parts.other_arguments(way, tmp_path, count=3))
    ours = changed.render(*map(changed.frame, range(2)), batch_size=3)
    first, second = changed.prompts[:2]
    theirs = changed.plain([first, second, second], [SEEDS[0], SEEDS[1], SEEDS[1]])
    assert same(ours, theirs[:2]) == [True] * 2


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_everything_that_a_pipeline_accepts_is_tested(pipeline):
    ways = [name for name, way in WAYS.items() if way.pipeline == pipeline]
    assert ways
    accepted = PIPELINES[pipeline].parts - {"refiner"}  # which test_sdxl.py has
    tested = accepted - ({"config"} if pipeline in NO_TINY_FILE else set())
    for part, column in COLUMNS.items():
        assert [name in PARTS[column] for name in ways] == [part in tested] * len(ways), column
        assert [name in ACCEPTED[column] for name in ways] == [part in accepted] * len(ways), column
    assert accepted <= COLUMNS.keys()
    given = {
        *parts.OTHERS,
        *parts.TESTED_ELSEWHERE,
        "height",
        "width",
        "image",
        "mask_image",
        "control_image",
    }
    assert PIPELINES[pipeline].arguments.keys() <= given


def test_pipelines_accept_nothing_that_the_table_calls_refused():
    refused = {row for row, kinds in FEATURES.items() if "SD" not in kinds}
    assert refused == {"refiner", "sizes and crops (micro-conditioning)"}
    traits = PIPELINES["StableDiffusionPipeline"]
    assert "refiner" not in traits.parts
    assert not {"original_size", "target_size", "crops_coords_top_left"} & traits.arguments.keys()
