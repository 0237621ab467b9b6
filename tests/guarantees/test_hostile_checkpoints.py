"""With any content of a checkpoint's folder, preparing a job ends in a job or in one of the farm's own errors."""

from __future__ import annotations

import copy
import json
import os
import shutil
import struct
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from farm.errors import FarmError, ManifestError
from farm.models import HERE
from farm.run.prepare import prepare
from tests.checkpoints.controlnet import save_controlnet
from tests.checkpoints.ip_adapter import save_ip_adapter
from tests.checkpoints.lora import save_style_lora
from tests.checkpoints.textual_inversion import save_textual_inversion

MODEL = {
    "pipeline": "StableDiffusionControlNetPipeline",
    "pretrained": "./model",
    "controlnets": [{"pretrained": "./net"}],
    "loras": [{"pretrained": "./lora"}],
    "textual_inversions": [{"pretrained": "./word"}],
    "ip_adapters": [
        {"pretrained": "./eye", "subfolder": "models", "weight_name": "ip-adapter_sd15.safetensors"}
    ],
}
MANIFEST = {
    "version": 1,
    "name": "job",
    "model": MODEL,
    "animation": {"kind": "interpolate", "prompts": ["a <doodle> star", "b " * 200, "a" * 60], "frames": 5},
    "render": {
        **{"height": 16, "width": 16, "num_inference_steps": 2, "clip_skip": 1},
        **{"image": "p.png", "ip_adapter_image": "p.png"},
    },
    "analysis": {"clip": {"pretrained": "./clip", "labels": {"what": ["cat", "a" * 60]}}},
}
SETTINGS = [
    *("model/model_index.json", "model/scheduler/scheduler_config.json", "model/unet/config.json"),
    *("model/vae/config.json", "model/text_encoder/config.json", "model/tokenizer/tokenizer_config.json"),
    *("model/tokenizer/tokenizer.json", "net/config.json", "eye/models/image_encoder/config.json"),
    *("clip/config.json", "clip/tokenizer.json", "clip/preprocessor_config.json"),
]
WEIGHTS = [
    *("lora/pytorch_lora_weights.safetensors", "word/learned_embeds.safetensors"),
    *("eye/models/ip-adapter_sd15.safetensors", "model/unet/diffusion_pytorch_model.safetensors"),
]


@pytest.fixture(scope="module")
def job(tiny_sd, tmp_path_factory):
    """A manifest that can be rendered, with every kind of checkpoint next to it."""
    folder = tmp_path_factory.mktemp("job")
    shutil.copytree(tiny_sd, folder / "model")
    shutil.copytree(HERE / "tiny-world-clip", folder / "clip")
    save_controlnet(folder / "net")
    save_ip_adapter(folder / "eye")
    save_style_lora(folder / "lora")
    save_textual_inversion(folder / "word")
    Image.new("RGB", (16, 16)).save(folder / "p.png")
    (folder / "m.yaml").write_text(json.dumps(MANIFEST))
    assert prepare(folder / "m.yaml", output_dir=str(folder / "out")).plan.frame_count == 5
    return folder / "m.yaml"


def prepared(manifest: Path) -> str:
    """Prepare a job; return the message if it is refused, else an empty text."""
    try:
        prepare(manifest, output_dir=str(manifest.parent / "out"))
    except FarmError as error:
        return str(error)
    return ""


def with_file(manifest: Path, name: str, content: bytes) -> str:
    """Prepare a job with another content of a file, which is restored afterwards."""
    file = manifest.parent / name
    kept = file.read_bytes()
    file.write_bytes(content)
    try:
        return prepared(manifest)
    finally:
        file.write_bytes(kept)


DEEP: object = []
for _ in range(200):
    DEEP = [DEEP]
VALUES = st.sampled_from(
    [
        *(None, True, False, 0, -1, 1, 2**31, 10**30, -(10**39), 0.5, 1e308, float("inf"), float("nan")),
        *("", "x", "x" * 5000, "\x1b[2J\n", "\udcff", "../../..", "~root", [], {}, [[1], {}], [None], [True]),
        *(
            [4] * 20_000,
            ["a"] * 70,
            {"": {"": []}},
            {"x" * 300: 1},
            DEEP,
            [10**30],
            ["unet", 1],
            ["diffusers", {}],
        ),
    ]
)


@st.composite
def changed(draw, value):
    """Return a JSON value with one or two of its entries changed, at any depth."""
    value = json.loads(json.dumps(value))
    for _ in range(draw(st.integers(1, 2))):
        place = value
        while isinstance(place, dict | list) and place:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = draw(st.sampled_from(keys[:60]))
            if not isinstance(place[key], dict | list) or not place[key] or draw(st.booleans()):
                place[key] = copy.deepcopy(draw(VALUES))
                break
            place = place[key]
    return value


_FEW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@_FEW
@given(data=st.data())
def test_a_job_is_prepared_or_refused_with_any_configuration(job, data):
    name = data.draw(st.sampled_from(SETTINGS))
    written = json.loads((job.parent / name).read_text())
    text = json.dumps(data.draw(changed(written)), ensure_ascii=True)
    with_file(job, name, text.encode())


@_FEW
@given(data=st.data())
def test_a_job_is_prepared_or_refused_with_any_header(job, data):
    name = data.draw(st.sampled_from(WEIGHTS))
    whole = (job.parent / name).read_bytes()
    length = int.from_bytes(whole[:8], "little")
    header = json.dumps(data.draw(changed(json.loads(whole[8 : 8 + length])))).encode()
    with_file(job, name, struct.pack("<Q", len(header)) + header + whole[8 + length :])


@_FEW
@given(data=st.data())
def test_a_job_is_prepared_or_refused_with_any_bytes_in_a_file(job, data):
    name = data.draw(st.sampled_from([*SETTINGS, *WEIGHTS, "clip/merges.txt"]))
    with_file(job, name, data.draw(st.binary(max_size=200)))


def twice(text: str) -> bytes:
    return text.replace("{", '{"in_channels": 4, "in_channels": 5, ', 1).encode()


def regex(pattern: str):
    def change(text: str) -> bytes:
        whole = json.loads(text)
        whole["pre_tokenizer"] = {
            "type": "Split",
            "pattern": {"Regex": pattern},
            "behavior": "Removed",
            "invert": False,
        }
        return json.dumps(whole).encode()

    return change


def setting(**changes: object):
    return lambda text: json.dumps({**json.loads(text), **changes}).encode()


UNET, INDEX = "model/unet/config.json", "model/model_index.json"
FOUND = {
    "a number of more digits than Python takes": (UNET, lambda _: b'{"in_channels": ' + b"9" * 5000 + b"}"),
    "twenty thousand stages": ("model/vae/config.json", setting(block_out_channels=[4] * 20_000)),
    "twenty thousand hints": ("net/config.json", setting(conditioning_embedding_out_channels=[4] * 20_000)),
    "many levels": (UNET, lambda _: b'{"x": ' + b"[" * 900 + b"]" * 900 + b"}"),
    "more levels than Python takes": (UNET, lambda _: b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "a list of millions": (UNET, setting(block_out_channels=[1] * 5_000_000)),
    "a million of lists": (UNET, lambda _: b'{"x": [' + b"[]," * 1_000_000 + b"[]]}"),
    "a key twice": (UNET, twice),
    "no UTF-8": (UNET, lambda _: b'{"x": "\xff"}'),
    "a table of a billion steps": (
        "model/scheduler/scheduler_config.json",
        setting(num_train_timesteps=10**9),
    ),
    "a class that is a list": (INDEX, setting(_class_name=["x"] * 1000)),
    "a pattern that never ends": ("model/tokenizer/tokenizer.json", regex(r"(a+)+$x")),
    "a pattern that is none": ("model/tokenizer/tokenizer.json", regex(r"(((")),
    "labels' tokenizer with a pattern that never ends": ("clip/tokenizer.json", regex(r"(a+)+$x")),
}  # fmt: skip
REFUSED = {
    "a number of more digits than Python takes": f"{UNET} is not what diffusers and transformers write: it has a "
    "number with more than 40 digits; ",
    "many levels": f"{UNET} is not what diffusers and transformers write: it has more than 32 levels of nesting; ",
    "more levels than Python takes": f"{UNET} is not what diffusers and transformers write: it has more than 32 levels",
    "a list of millions": f"{UNET} is not what diffusers and transformers write: it has more than 250000 values; ",
    "a million of lists": f"{UNET} is not what diffusers and transformers write: it has more than 250000 values; ",
    "a key twice": f"{UNET} is not what diffusers and transformers write: it has a duplicate key; ",
    "no UTF-8": f"{UNET} is not what diffusers and transformers write: it is not UTF-8; ",
    "a table of a billion steps": "model/scheduler/scheduler_config.json sets num_train_timesteps: a number beyond "
    "1000000, and schedulers compute tables of that length; ",
    "a class that is a list": f"{INDEX} names a pipeline with custom code: ['x', ",
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("what", FOUND)
def test_files_that_once_ended_a_batch_are_refused_or_left_to_the_worker(job, what):
    name, change = FOUND[what]
    message = with_file(job, name, change((job.parent / name).read_text()))
    assert f": model.pretrained: {job.parent}/{REFUSED[what]}" in message if what in REFUSED else True
    assert what in REFUSED or message == ""


def header(tensors: dict[str, object], size: int = 0) -> bytes:
    text = json.dumps(tensors).encode()
    return struct.pack("<Q", len(text)) + text + bytes(size)


def lora(**changes: object) -> dict[str, object]:
    return {"x_lora.down.weight": {"dtype": "F32", "shape": [1, 1], "data_offsets": [0, 4], **changes}}


LORAS = {
    "a dimension without end": header(lora(shape=[float("inf"), 1]), 4),
    "a dimension that is no number": header(lora(shape=[{}, "1"]), 4),
    "a dimension below nothing": header(lora(shape=[-1, 1]), 4),
    "offsets that are no numbers": header(lora(data_offsets=[0, "4"]), 4),
    "a tensor that is none": header({"x": 1}),
    "a name of a megabyte": header({"a_" * 500_000: {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}),
    "more tensors than are read": header(
        {str(number): {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for number in range(1001)}
    ),
    "a pattern for names": header({**lora(), "__metadata__": {
        "lora_adapter_metadata": json.dumps({"unet.target_modules": "(a*)*b"})
    }}, 4),
}  # fmt: skip


@pytest.mark.timeout(60)
@pytest.mark.parametrize("what", LORAS)
def test_a_false_or_excessive_header_is_refused(job, what, monkeypatch):
    monkeypatch.setattr("farm.inputs.checkpoints.safetensors_header.MAX_TENSORS", 1000)
    message = with_file(job, WEIGHTS[0], LORAS[what])
    assert f": model.loras[0].pretrained: {job.parent}/{WEIGHTS[0]} is not a " in message


def test_the_names_of_a_header_cost_time_in_proportion_to_their_length(job):
    """Names that once made a regular expression backtrack: 990 characters, two thousand times."""
    name = "_".join(["layers_1_blocks_2_attn2_to_k_lora_down"] * 25)
    tensors = {
        f"{name}{number}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for number in range(2000)
    }
    started = time.process_time()
    assert "it contains no LoRA weights" not in with_file(job, WEIGHTS[0], header(tensors))
    assert time.process_time() - started < 5


@pytest.mark.parametrize("field", ["subfolder", "image_encoder_folder", "weight_name"])
@pytest.mark.parametrize("name", ["x" * 300, "a/" + "é" * 130, "a\0b", "a\nb"], ids=ascii)
def test_a_name_that_no_file_system_supports_is_refused_at_its_place(job, field, name):
    name += ".safetensors" if field == "weight_name" else ""
    eye = {**MODEL["ip_adapters"][0], field: name}
    manifest = job.parent / "long.yaml"
    manifest.write_text(json.dumps({**MANIFEST, "model": {**MODEL, "ip_adapters": [eye]}}))
    with pytest.raises(ManifestError) as refused:
        prepare(manifest, output_dir=str(job.parent / "out"))
    assert "long.yaml:1:" in str(refused.value)
    assert f": model.ip_adapters[0].{field}: found " in str(refused.value)


@pytest.mark.parametrize(
    "pretrained", ["~root", "~", "~nobody9/x", "x" * 900, "/".join(["y" * 200] * 4), "a\0b"]
)
def test_other_users_homes_and_invalid_paths_are_not_accessed(job, pretrained):
    manifest = job.parent / "home.yaml"
    manifest.write_text(json.dumps({**MANIFEST, "model": {**MODEL, "pretrained": pretrained}}))
    assert f": model.pretrained: there is no checkpoint {pretrained!r}; needed: " in prepared(manifest)


def test_a_hub_id_longer_than_a_file_name_is_no_folder(job):
    manifest = job.parent / "home.yaml"
    manifest.write_text(json.dumps({**MANIFEST, "model": {**MODEL, "pretrained": "a/" + "b" * 300}}))
    assert ": model.revision: missing; needed: the full commit of a/bbb" in prepared(manifest)


def test_a_folder_with_too_many_files_is_refused_before_any_is_read(job, tmp_path, monkeypatch):
    monkeypatch.setattr("farm.inputs.checkpoints.layout.MAX_ENTRIES", 200)
    folder = tmp_path / "home"
    shutil.copytree(job.parent / "model", folder)
    for number in range(20):
        (folder / f"d{number}").mkdir()
        for other in range(10):
            os.mkfifo(folder / f"d{number}" / f"{other}.json")
    manifest = job.parent / "home.yaml"
    manifest.write_text(json.dumps({**MANIFEST, "model": {**MODEL, "pretrained": str(folder)}}))
    assert (
        f": model.pretrained: {folder} is not a checkpoint folder: it contains more than 200 files and folders; "
        "needed: "
    ) in prepared(manifest)


SPECIAL = {
    "a pipe for a configuration": lambda file: (file.unlink(), os.mkfifo(file)),
    "a link to a device": lambda file: (file.unlink(), file.symlink_to("/dev/zero")),
    "a link to nothing": lambda file: (file.unlink(), file.symlink_to("missing")),
    "a link to itself": lambda file: (file.unlink(), file.symlink_to(file.name)),
    "a folder": lambda file: (file.unlink(), file.mkdir()),
}  # fmt: skip


@pytest.mark.timeout(60)
@pytest.mark.parametrize("what", SPECIAL)
@pytest.mark.parametrize(
    "name", ["model/unet/config.json", "lora/notes.txt", "clip/vocab.json", "eye/models/x.json"]
)
def test_links_and_special_files_are_refused_or_not_opened(job, tmp_path, what, name):
    copied = tmp_path / "job"
    shutil.copytree(job.parent, copied)
    (copied / name).touch()
    SPECIAL[what](copied / name)
    message = prepared(copied / "m.yaml")
    if what == "a folder":
        assert message == "" or f"{copied / name}" in message
    elif what == "a link to itself":
        assert f"cannot be read: [Errno 40] Too many levels of symbolic links: '{copied / name}'" in message
    else:
        assert f"{copied / name} is " in message


def test_a_revision_for_a_folder_is_refused_rather_than_ignored(job):
    revision = "0123456789abcdef0123456789abcdef01234567"
    folder = job.parent / "studio" / "tiny"
    shutil.copytree(job.parent / "model", folder)
    manifest = job.parent / "ambiguous.yaml"

    def refused(pretrained):
        model = {**MODEL, "pretrained": pretrained, "revision": revision}
        manifest.write_text(json.dumps({**MANIFEST, "model": model}))
        return prepared(manifest)

    assert (
        ": model.pretrained: studio/tiny is a folder next to the manifest, and with a revision also the id of a hub "
        "repository: write ./studio/tiny without revision for the folder, or move the folder to use the repository; "
        "needed: "
    ) in refused("studio/tiny")
    for pretrained in ("./model", str(folder)):
        assert (
            f": model.pretrained: {pretrained} is a folder, which has no revision: remove the revision; needed: "
            in (refused(pretrained))
        )
