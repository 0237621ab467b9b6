import dataclasses
import itertools

import pytest

from farm.plan import chunks_to_render, make_plan, ranges_by_reason
from farm.records import DiffusersSpec, ModelSource, ProceduralSpec
from farm.records.status import RenderReason
from farm.rules.load import parse
from tests.rows import row_of

MANIFEST = """
version: 1
name: test
seed: 3
model: {pipeline: StableDiffusionPipeline, pretrained: tiny-world}
animation: {kind: interpolate, prompts: [a, b, c], frames: 21}
render: {batch_size: 4, num_inference_steps: 5}
"""


def plan_of(tmp_path, text=MANIFEST, **changes):
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    return make_plan(parse(text, tmp_path / "m.yaml").manifest, ProceduralSpec())


def existing(plan):
    return {frame.index: row_of(frame.index, recipe_digest=frame.digest) for frame in plan.frames()}


def test_chunks_depend_on_the_frame_index_alone(tmp_path):
    plan = plan_of(tmp_path)
    assert plan.chunk_count == 6
    assert [[frame.index for frame in plan.chunk(k).frames] for k in (0, 5)] == [[0, 1, 2, 3], [20]]
    shards = list(plan.shards([0, 2, 5], chunks_per_shard=2, folder="out"))
    assert [[chunk.index for chunk in shard.chunks] for shard in shards] == [[0, 2], [5]]
    assert shards[1].chunks[0].batch_size == 4


def test_shards_are_created_on_demand(tmp_path):
    plan = plan_of(tmp_path, frames=("frames: 21", "frames: 10000000"))
    shards = plan.shards(range(plan.chunk_count), chunks_per_shard=3, folder="out")
    assert [shard.frame_count for shard in itertools.islice(shards, 2)] == [12, 12]


def test_an_argument_with_keyframes_makes_chunks_of_one_frame(tmp_path):
    keyed = ("steps: 5}", "steps: 5, guidance_scale: {0: 2.0, 20: 4.0}}")
    plan = plan_of(tmp_path, guidance=keyed)
    assert plan.batch_size == 1
    assert [plan.frame(i).recipe.arguments["guidance_scale"] for i in (0, 10, 20)] == [2.0, 3.0, 4.0]
    constant = plan_of(tmp_path, guidance=("steps: 5}", "steps: 5, guidance_scale: {0: 2.0, 20: 2.0}}"))
    assert constant.batch_size == 4


def test_a_lora_scale_is_an_argument_that_can_have_keyframes(tmp_path):
    def scaled(scale):
        loras = f"loras: [{{pretrained: ./style, scale: {scale}}}]"
        return plan_of(tmp_path, lora=("pretrained: tiny-world", f"pretrained: tiny-world, {loras}"))

    assert scaled("0.7").frame(3).recipe.arguments["lora_scale.0"] == 0.7
    assert scaled("0.7").batch_size == 4
    moving = scaled("{0: 0.0, 20: 1.0}")
    assert [moving.frame(i).recipe.arguments["lora_scale.0"] for i in (0, 10, 20)] == [0.0, 0.5, 1.0]
    assert moving.batch_size == 1


def test_digests_change_with_the_recipe_and_with_nothing_else(tmp_path):
    plan = plan_of(tmp_path)
    digests = [frame.digest for frame in plan.frames()]
    assert len(set(digests)) == 21
    renamed = plan_of(tmp_path, name=("name: test", "name: other\noutput: {gif: {fps: 3}}"))
    assert [frame.digest for frame in renamed.frames()] == digests
    for change in [("seed: 3", "seed: 4"), ("num_inference_steps: 5", "num_inference_steps: 6")]:
        assert not set(digests) & {frame.digest for frame in plan_of(tmp_path, change=change).frames()}


def test_determinism_changes_digests_except_for_the_procedural_renderer(tmp_path):
    nowhere = ModelSource(pretrained="a", kind="folder", location="a", revision="", fingerprint="f")
    spec = DiffusersSpec(
        pipeline="P", source=nowhere, variant=None, torch_dtype="float32", loras=(), determinism="strict"
    )
    manifest = parse(MANIFEST, tmp_path / "m.yaml").manifest
    strict, fast = (
        make_plan(manifest, dataclasses.replace(spec, determinism=mode)) for mode in ("strict", "fast")
    )
    assert not {frame.digest for frame in strict.frames()} & {frame.digest for frame in fast.frames()}
    procedural = plan_of(tmp_path, mode=("steps: 5}", "steps: 5, determinism: fast}"))
    assert list(procedural.frames()) == list(plan_of(tmp_path).frames())


def test_a_changed_last_prompt_changes_only_the_frames_that_it_affects(tmp_path):
    rows = existing(plan_of(tmp_path))
    edited = plan_of(tmp_path, prompt=("[a, b, c]", "[a, b, changed]"))
    changed = [frame.index for frame in edited.frames() if frame.digest != rows[frame.index].recipe_digest]
    assert changed == list(range(11, 21))


def test_ranges_share_a_reason_and_gaps_are_rendered_as_full_chunks(tmp_path):
    reasons = [RenderReason.KEPT] * 21
    reasons[5], reasons[12] = RenderReason.NEW, RenderReason.LOST
    ranges = list(ranges_by_reason(reasons))
    assert [(part.first, part.last, part.reason) for part in ranges] == [
        (0, 4, RenderReason.KEPT),
        (5, 5, RenderReason.NEW),
        (6, 11, RenderReason.KEPT),
        (12, 12, RenderReason.LOST),
        (13, 20, RenderReason.KEPT),
    ]
    assert list(chunks_to_render(plan_of(tmp_path), ranges)) == [1, 3]


@pytest.mark.parametrize("kind", ["sweep", "grid"])
def test_only_the_grid_pictures_of_sweeps_are_labelled(tmp_path, kind):
    animations = {
        "sweep": "{kind: sweep, prompt: a, over: {num_inference_steps: [1, 2], "
        "scheduler: [DDIMScheduler, LCMScheduler]}}",
        "grid": "{kind: grid, prompts: [a, b, c, d], rows: 2, columns: 2}",
    }
    plan = plan_of(
        tmp_path, animation=("{kind: interpolate, prompts: [a, b, c], frames: 21}", animations[kind])
    )
    grid = plan.outputs.grid
    assert (grid.rows, grid.columns) == (2, 2)
    if kind == "sweep":
        assert grid.row_labels == ("num_inference_steps 1", "num_inference_steps 2")
        assert grid.column_labels == ("DDIM", "LCM")
        assert plan.batch_size == 1
    else:
        assert grid.row_labels == grid.column_labels == ()


def test_a_plan_is_a_frozen_value(tmp_path):
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan_of(tmp_path).name = "other"


def test_batch_shape_and_slot_are_part_of_the_recipe_digest_and_the_frame_number_is_not(tmp_path):
    """All frames of this animation have one recipe, and differ only in their slots."""
    plan = plan_of(tmp_path, still=("prompts: [a, b, c]", "prompts: [a, a]"))
    assert plan.frame(3).recipe.noise == plan.frame(7).recipe.noise
    digests = [plan.frame(index).digest for index in range(8)]
    assert digests[:4] == digests[4:]
    assert len(set(digests)) == 4
    other = plan_of(
        tmp_path, still=("prompts: [a, b, c]", "prompts: [a, a]"), batch=("batch_size: 4", "batch_size: 5")
    )
    assert other.frame(0).digest != digests[0]
