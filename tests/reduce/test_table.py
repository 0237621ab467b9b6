import dataclasses
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from farm.manifest.animation import Axes
from farm.manifest.render import KEYFRAMED_ARGUMENTS
from farm.records import ImagePrompt, InputPicture
from farm.reduce import TableHeader, table, write_table
from tests.rows import row_of

HEADER = TableHeader(
    manifest_text="version: 1\nname: übung\n",
    kind="interpolate",
)
COLUMNS = (
    *("file_name", "frame", "alpha", "kind", "prompts", "weights", "negative_prompt", "seed", "noise_mode"),
    *("num_inference_steps", "guidance_scale", "scheduler", "height", "width", "batch_size", "pipeline"),
    *("pretrained", "revision", "recipe_digest", "content_sha256", "worker", "node", "device", "attempt"),
    *("render_seconds", "rendered_at", "environment", "frames_per_call", "flaw", "cached"),
    *("true_cfg_scale", "strength", "eta", "guidance_rescale", "controlnet_conditioning_scale"),
    *("ip_adapter_scale", "lora_scale", "input_image", "input_mask_image", "input_control_image"),
    *("input_depth_map", "input_ip_adapter_image"),
)


def written(folder, pairs):
    write_table(folder, HEADER, iter(pairs))
    return pq.ParquetFile(folder.path("metadata.parquet"))


def test_an_unset_negative_prompt_is_written_as_an_empty_one(folder, frame_of):
    frame = frame_of(7)
    conditioning = replace(frame.recipe.conditioning, negative_prompt=None)
    unset = replace(frame, recipe=replace(frame.recipe, conditioning=conditioning))
    [row] = written(folder, [(unset, row_of(7))]).read().to_pylist()
    assert row["negative_prompt"] == ""


def test_a_row_describes_its_frame(folder, frame_of):
    [row] = written(folder, [(frame_of(7), row_of(7))]).read().to_pylist()
    assert row == {
        "file_name": "frames/frame000007.png",
        "frame": 7,
        "alpha": 0.07,
        "kind": "interpolate",
        "prompts": ["a dog", "a bowl of fruit"],
        "weights": [0.25, 0.75],
        "negative_prompt": "text",
        "seed": 2**63 - 1,
        "noise_mode": "fixed",
        "num_inference_steps": 4,
        "guidance_scale": 7.5,
        "scheduler": "DDIMScheduler",
        "height": 64,
        "width": 48,
        "batch_size": 3,
        "pipeline": "StableDiffusionPipeline",
        "pretrained": "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "revision": "451f4fe1",
        "recipe_digest": f"{7:064x}",
        "content_sha256": "c" * 64,
        "worker": "worker-0",
        "node": "host",
        "device": "cpu",
        "attempt": 1,
        "render_seconds": 0.25,
        "rendered_at": datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        "environment": "{}",
        "frames_per_call": 3,
        "flaw": "",
        "cached": False,
        "true_cfg_scale": None,
        "strength": None,
        "eta": None,
        "guidance_rescale": None,
        "controlnet_conditioning_scale": None,
        "ip_adapter_scale": None,
        "lora_scale": None,
        "input_image": None,
        "input_mask_image": None,
        "input_control_image": None,
        "input_depth_map": None,
        "input_ip_adapter_image": None,
    }


def picture(location):
    return InputPicture(location=location, sha256="a" * 64)


def test_a_row_has_all_arguments_and_input_pictures(folder, frame_of):
    plain = frame_of(7)
    arguments = {
        "true_cfg_scale": 4.0,
        "strength": 0.5,
        "eta": 1.0,
        "guidance_rescale": 0.7,
        "controlnet_conditioning_scale.1": 0.2,
        "controlnet_conditioning_scale.0": 1.0,
        "ip_adapter_scale.0": 0.6,
        **{f"lora_scale.{number}": float(number) for number in range(11)},
    }
    pictures = {
        "image": picture("/a/film.mp4"),
        "mask_image": picture("/a/mask.png"),
        "control_image.1": picture("/a/depth.png"),
        "control_image.0": picture("/a/edges.png"),
        "depth_map": picture("/a/map.png"),
    }
    seen = (
        ImagePrompt(
            prompts=((picture("/a/1.png"), picture("/a/2.png")), (picture("/a/3.png"),)), weights=(0.5, 0.5)
        ),
        ImagePrompt(prompts=((picture("/a/face.png"),),), weights=(1.0,)),
    )
    recipe = replace(plain.recipe, arguments=arguments, pictures=pictures, image_prompts=seen)
    [row] = written(folder, [(replace(plain, recipe=recipe), row_of(7))]).read().to_pylist()
    assert {name: row[name] for name in COLUMNS[COLUMNS.index("true_cfg_scale") :]} == {
        "true_cfg_scale": 4.0,
        "strength": 0.5,
        "eta": 1.0,
        "guidance_rescale": 0.7,
        "controlnet_conditioning_scale": [1.0, 0.2],
        "ip_adapter_scale": [0.6],
        "lora_scale": [float(number) for number in range(11)],
        "input_image": ["/a/film.mp4"],
        "input_mask_image": ["/a/mask.png"],
        "input_control_image": ["/a/edges.png", "/a/depth.png"],
        "input_depth_map": ["/a/map.png"],
        "input_ip_adapter_image": ["/a/1.png", "/a/2.png", "/a/3.png", "/a/face.png"],
    }


def test_every_keyframed_or_swept_argument_has_a_column(folder, frame_of):
    columns = set(written(folder, [(frame_of(0), row_of(0))]).schema_arrow.names)
    assert {*KEYFRAMED_ARGUMENTS, *Axes.__annotations__} <= columns


def test_columns_have_their_order_and_types(folder, frame_of):
    schema = written(folder, [(frame_of(0), row_of(0))]).schema_arrow
    assert tuple(schema.names) == COLUMNS
    assert schema.field("prompts").type == pa.list_(pa.string())
    assert schema.field("weights").type == pa.list_(pa.float64())
    assert schema.field("seed").type == pa.int64()
    assert schema.field("rendered_at").type == pa.timestamp("us", tz="UTC")


def test_every_column_is_described_and_quantities_have_units(folder, frame_of):
    schema = written(folder, [(frame_of(0), row_of(0))]).schema_arrow
    assert all(field.metadata[b"description"] for field in schema)
    units = {field.name: field.metadata[b"unit"] for field in schema if b"unit" in field.metadata}
    assert units["render_seconds"] == b"s"
    assert units["width"] == units["height"] == b"px"
    assert units["num_inference_steps"] == b"steps"


def test_the_manifest_is_in_the_file(folder, frame_of):
    metadata = written(folder, [(frame_of(0), row_of(0))]).schema_arrow.metadata
    assert metadata[b"manifest"].decode() == HEADER.manifest_text


def test_an_argument_that_the_pipeline_lacks_is_null(folder, frame_of):
    frame = dataclasses.replace(frame_of(0), recipe=dataclasses.replace(frame_of(0).recipe, arguments={}))
    [row] = written(folder, [(frame, row_of(0))]).read().to_pylist()
    assert row["guidance_scale"] is None
    assert row["num_inference_steps"] is None


def test_a_table_of_no_frames_has_the_same_schema(folder, frame_of):
    empty = written(folder, []).schema_arrow
    assert empty.equals(written(folder, [(frame_of(0), row_of(0))]).schema_arrow, check_metadata=True)


def test_rows_are_written_in_groups_as_they_arrive(folder, frame_of, monkeypatch):
    monkeypatch.setattr(table, "_ROW_GROUP", 4)
    file = written(folder, ((frame_of(index), row_of(index)) for index in range(10)))
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [4, 4, 2]
    assert file.read(["frame"]).column("frame").to_pylist() == list(range(10))


def test_a_failure_keeps_the_earlier_table(folder, frame_of):
    written(folder, [(frame_of(0), row_of(0))])

    def rows():
        yield frame_of(1), row_of(1)
        raise RuntimeError("the ledger broke")

    with pytest.raises(RuntimeError, match=r"^the ledger broke$"):
        write_table(folder, HEADER, rows())
    assert pq.read_table(folder.path("metadata.parquet")).column("frame").to_pylist() == [0]
    assert folder.names("") == ["metadata.parquet"]
