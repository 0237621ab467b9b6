"""Checkpoints that are pickles, code, invalid or remote are refused at their place before anything starts."""

import json
import os
import pickle
import shutil
import struct
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import ModelError
from farm.inputs.checkpoints.safetensors_header import check_weights
from farm.inputs.checkpoints.source import find_source
from tests.guarantees.refusal import MANIFEST, refusal, run_farm, write

COMMIT = "451f4fe16113bff5a5d2269ed5ad43b0592e9a14"
ELSEWHERE = [
    *(
        "http://169.254.169.254/latest/meta-data",
        "https://metadata.google.internal/x",
        "http://[::1]/x",
        "ftp://h/x",
    ),
    *(
        "http://0x7f000001/x",
        "http://2130706433/x",
        "file:///etc/passwd",
        "s3://bucket/x",
        "HTTPS://h/x",
        "hf://a/b",
    ),
    *(
        "https:/x",
        "//169.254.169.254/x",
        "a/b@main",
        "a/b/c",
        "a/..",
        "../x",
        "..",
        "a%2f..%2fb",
        "a/b%00",
        "a--b/c",
    ),
    *(
        "a/b.git",
        "-a/b",
        "оrg/name",
        "a/b\n",
        "a/b\0",
        "a\\b",
        "x" * 999,
        "a/" + "b" * 97,
        "[::1]/x",
        "a/b#c",
        "a/b?c",
    ),
    *("model.ckpt", "model.BIN", "a/b.pt", "model.pth", "/dev/zero", "~nobody9/x", "\x1b[2J/x"),
]


@pytest.mark.parametrize("pretrained", ELSEWHERE, ids=lambda text: ascii(text)[:24])
@pytest.mark.parametrize("part", ["model", "adapter"])
def test_invalid_checkpoints_are_refused_offline(tmp_path, pretrained, part):
    source = {"pretrained": pretrained, "revision": COMMIT}
    model = {**MANIFEST["model"], **source} if part == "model" else {**MANIFEST["model"], "loras": [source]}
    path = write(tmp_path, model=model)
    field = "model.pretrained" if part == "model" else "model.loras[0].pretrained"
    assert refusal(path).startswith(f"{path}:1:") and f": {field}: " in refusal(path)  # noqa: PT018


def test_a_hub_id_and_a_shipped_name_are_accepted_without_a_connection(tmp_path):
    for pretrained in ("org/name", "metadata.google.internal/x", "tiny-world"):
        path = write(tmp_path, model={**MANIFEST["model"], "pretrained": pretrained, "revision": COMMIT})
        assert run_farm("check", path) == (0, "")


@pytest.mark.parametrize(
    "model",
    [
        *({name: "x"} for name in ("custom_pipeline", "trust_remote_code", "cache_dir", "subfolder", "_class_name")),
        *({"scheduler": {"class": "DDIMScheduler", "config": {name: "../.."}}}
          for name in ("custom_pipeline", "trust_remote_code", "_class_name", "subfolder", "self", "", "a b")),
        {"scheduler": {"class": "DDIMScheduler", "config": {"num_train_timesteps": 10**12}}},
        *({"loras": [{"pretrained": "o/n", "revision": COMMIT, "weight_name": name}]}
          for name in ("x.bin", "../x.safetensors", "/x.safetensors", "a\\x.safetensors")),
        *({"loras": [{"pretrained": "o/n", "revision": COMMIT, name: "x"}]} for name in ("subfolder", "token")),
        {"variant": "../x"},
    ],
    ids=str,
)  # fmt: skip
def test_no_other_settings_reach_the_loading_libraries(tmp_path, model):
    path = write(tmp_path, model={**MANIFEST["model"], **model})
    assert refusal(path).startswith(f"{path}:1:")


def index(**changed):
    def change(folder):
        file = folder / "model_index.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **changed}))

    return change


def put(name, content="{}"):
    return lambda folder: (folder / name).write_bytes(
        content if isinstance(content, bytes) else content.encode()
    )


WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
FOLDERS = {
    "names a pipeline with custom code": index(_class_name=["evil", "Evil"]),
    "that is not from diffusers or transformers: 'unet'": index(unet=["os", "system"]),
    "that is not from diffusers or transformers: '../x'": index(**{"../x": ["diffusers", "X"]}),
    "model_index.json is not what diffusers writes": put("model_index.json", "[" * 100_000),
    "contains no model_index.json": lambda folder: (folder / "model_index.json").unlink(),
    "is a pickle, which can run any code": lambda folder: (folder / WEIGHTS).rename(folder / "unet" / "w.bin"),
    "unet/diffusers.py is code": put("unet/diffusers.py", ""),
    "None.py is code": put("None.py", ""),
    "sets auto_map": put("text_encoder/config.json", '{"auto_map": {"AutoModel": "evil.Evil"}}'),
    "sets custom_pipelines": put("unet/config.json", '{"custom_pipelines": {"x": {}}}'),
    "file in its folder: '../x.bin'": put(f"{WEIGHTS}.index.json", '{"weight_map": {"a": "../x.bin"}}'),
    "it is a pickle": put(WEIGHTS, pickle.dumps([1])),
    "x.json is not a regular file": lambda folder: os.mkfifo(folder / "unet" / "x.json"),
    "vocab.txt is not a regular file": lambda folder: (folder / "vocab.txt").symlink_to("/dev/zero"),
    "is a link to a folder": lambda folder: (folder / "loop").symlink_to("."),
}  # fmt: skip


@pytest.mark.timeout(60)
@pytest.mark.parametrize("why", FOLDERS)
def test_a_folder_with_a_pickle_or_code_in_it_is_refused(tiny_sd, tmp_path, why):
    FOLDERS[why](shutil.copytree(tiny_sd, tmp_path / "model"))
    path = write(tmp_path, model={**MANIFEST["model"], "pretrained": "./model"})
    assert refusal(path).startswith(f"{path}:1:")
    assert why in refusal(path)


def test_pickles_that_are_never_loaded_do_no_harm(tiny_sd, tmp_path):
    folder = shutil.copytree(tiny_sd, tmp_path / "model")
    for name in ("v1-5.ckpt", "unet/diffusion_pytorch_model.bin"):
        put(name)(folder)
    index(safety_checker=["stable_diffusion", "StableDiffusionSafetyChecker"])(folder)
    assert find_source("./model", None, tmp_path).kind == "folder"


def header(length: int, text: bytes = b"") -> bytes:
    return struct.pack("<Q", length) + text


def zipped() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("archive/data.pkl", b"")
    return buffer.getvalue()


SPAN = b'{"a": {"data_offsets": [0, 4]}}'
FILES = {
    "it is a pickle": pickle.dumps([1]),
    "it is a zip file, like PyTorch's pickles": zipped(),
    "its 0 bytes do not begin with a header": b"",
    "its 10 bytes do not begin with a header": header(2**63, b"{}"),
    "its header has 33554432 bytes, at most 16777216 are read": header(2**25, b"{" + b" " * 2**25),
    "its header is not what safetensors writes": header(100_001, b"{" + b'"a":' + b"[" * 99_996),
    "it has 41 bytes, but its header describes 43": header(len(SPAN), SPAN + b"xx"),
}


@pytest.mark.parametrize("why", FILES)
@pytest.mark.parametrize("part", ["model", "adapter"])
def test_a_file_that_is_safetensors_only_by_name_is_refused(tmp_path, why, part):
    (tmp_path / "x.safetensors").write_bytes(FILES[why])
    source = {"pretrained": "./x.safetensors"}
    single = {**source, "config": {"pretrained": "tiny-world"}}
    model = {**MANIFEST["model"], **(single if part == "model" else {"loras": [source]})}
    message = refusal(write(tmp_path, model=model))
    assert f"pretrained: {tmp_path}/x.safetensors is not a safetensors file: {why}; needed: " in message


@given(st.binary(max_size=64) | st.binary(max_size=40).map(lambda text: header(len(text) + 1, b"{" + text)))
def test_a_weights_file_with_any_bytes_is_accepted_or_refused(tmp_path_factory, content):
    file = Path(tmp_path_factory.getbasetemp()) / "random.safetensors"
    file.write_bytes(content)
    message = ""
    try:
        check_weights(file)
    except ModelError as error:
        message = str(error)
    assert not message or message.startswith(f"{file} is not a safetensors file: ")
