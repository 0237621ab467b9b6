"""Untrusted manifests read below their own folder, and what the operator allows; a refusal reveals nothing else."""

import json
import os
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from farm import models
from farm.cli import main, options
from farm.errors import ManifestError
from farm.manifest.read_policy import ANYTHING, BELOW_THE_MANIFEST, ReadPolicy
from farm.run import gather, prepare
from tests.guarantees.refusal import MANIFEST, run_farm, write

PICTURES = (
    "allowed: files below the manifest's folder, with links resolved, or below a folder of --allow-inputs. "
    "To allow it, give its folder as --allow-inputs."
)
MODELS = (
    "allowed: a hub id with its commit, a shipped checkpoint, or one below the manifest's folder or --allow-inputs. "
    "To allow it, give its folder as --allow-inputs, or a pattern that matches it as --allow-models."
)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def nights(tmp_path):
    """The folder of the batch's manifests."""
    folder = tmp_path / "nights"
    folder.mkdir()
    return folder


@pytest.fixture
def others(tmp_path):
    """Another user's folder, with a picture and a checkpoint."""
    folder = tmp_path / "home" / "canary-user"
    folder.mkdir(parents=True)
    picture(folder / "canary.png")
    return folder


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(path)
    return path


def with_image(folder, image, name="job"):
    model = {"pipeline": "StableDiffusionImg2ImgPipeline", "pretrained": "tiny-world"}
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps({**MANIFEST, "name": name, "model": model, "render": {"image": str(image)}}))
    return path


def with_model(folder, **model):
    return write(folder, model={"pipeline": "StableDiffusionPipeline", **model})


def problems(path, reads=BELOW_THE_MANIFEST):
    """Return the mistakes of a manifest, without their places."""
    try:
        prepare(path, reads=reads, output_dir=str(path.parent / "out"))
    except ManifestError as error:
        return [str(problem).partition(": ")[2] for problem in error.problems]
    return []


def test_a_picture_below_the_manifests_folder_is_read(nights):
    picture(nights / "deep" / "down" / "a.png")
    assert problems(with_image(nights, "deep/down/a.png")) == []
    assert problems(with_image(nights, nights / "deep" / "down" / "a.png")) == []
    assert problems(with_image(nights, "deep/../deep/down/a.png")) == []


@pytest.mark.parametrize(
    "way", ["canary.png", "nothing.png", ".", "*.png", "%04d.png", "missing/x.png", "canary.png/x"]
)
def test_the_refusal_of_a_picture_elsewhere_does_not_reveal_whether_it_exists(nights, others, way):
    for text in (others / way, f"../home/canary-user/{way}"):
        path = with_image(nights, text)
        assert problems(path) == [f"render.image: '{text}' may not be read by this manifest; {PICTURES}"]


@pytest.mark.parametrize("way", ["~/x.png", "~root/x.png", "~nobody-of-this-name/x.png"])
def test_a_home_folder_is_refused(nights, way):
    [message] = problems(with_image(nights, way))
    assert message.startswith("render.image: ")


def test_a_link_out_of_the_folder_is_refused_as_file_folder_and_part_of_a_sequence(nights, others):
    (nights / "a.png").symlink_to(others / "canary.png")
    (nights / "sub").symlink_to(others)
    picture(nights / "sequence" / "0001.png")
    (nights / "sequence" / "0002.png").symlink_to(others / "canary.png")
    for text in ("a.png", "sub", "sub/canary.png", "sub/*.png", "sequence", "sequence/%04d.png"):
        assert problems(with_image(nights, text)) == [
            f"render.image: '{text}' may not be read by this manifest; {PICTURES}"
        ]


def test_a_link_to_a_file_below_the_folder_is_followed(nights):
    picture(nights / "pictures" / "a.png")
    (nights / "b.png").symlink_to(nights / "pictures" / "a.png")
    assert problems(with_image(nights, "b.png")) == []


def test_allowed_folders_may_be_read_and_links_are_followed_before_they_are_compared(
    nights, others, tmp_path
):
    path = with_image(nights, others / "canary.png")
    assert problems(path, ReadPolicy(inputs=(str(others),))) == []
    assert problems(path, ReadPolicy(inputs=("/nowhere", f"{others.parent}/"))) == []
    (tmp_path / "alias").symlink_to(others)
    assert problems(path, ReadPolicy(inputs=(str(tmp_path / "alias"),))) == []
    assert problems(path, ReadPolicy(inputs=(f"{others}-other",))) != []
    beginning = picture(Path(f"{others}-more") / "canary.png")
    assert problems(with_image(nights, beginning), ReadPolicy(inputs=(str(others),))) != []


def test_a_manifest_that_the_user_names_may_read_anything(nights, others):
    assert problems(with_image(nights, others / "canary.png"), ANYTHING) == []


def test_shipped_checkpoints_pinned_hub_ids_and_checkpoints_below_the_folder_are_allowed(nights):
    assert problems(with_model(nights, pretrained="tiny-world")) == []
    assert problems(with_model(nights, pretrained="org/name", revision=COMMIT)) == []
    shutil.copytree(models.find("tiny-world").path, nights / "mine")
    assert problems(with_model(nights, pretrained="./mine")) == []
    assert problems(with_model(nights, pretrained="./mine"), ReadPolicy(models=("org/*",))) != []


@pytest.mark.parametrize("there", [True, False])
def test_the_refusal_of_a_checkpoint_elsewhere_does_not_reveal_whether_it_exists(nights, others, there):
    if there:
        shutil.copytree(models.find("tiny-world").path, others / "model")
    for text in (str(others / "model"), "../home/canary-user/model"):
        assert problems(with_model(nights, pretrained=text)) == [
            f"model.pretrained: '{text}' may not be read by this manifest; {MODELS}"
        ]


def test_a_checkpoints_folder_that_contains_links_out_is_refused(nights, others):
    shutil.copytree(models.find("tiny-world").path, nights / "mine")
    (others / "secret.json").write_text('{"canary": 1}')
    (nights / "mine" / "unet" / "extra.json").symlink_to(others / "secret.json")
    path = with_model(nights, pretrained="./mine")
    assert problems(path) == [f"model.pretrained: './mine' may not be read by this manifest; {MODELS}"]
    assert problems(path, ReadPolicy(inputs=(str(others),))) == []


def test_a_folder_named_like_a_hub_id_is_checked_by_its_target(nights, others):
    shutil.copytree(models.find("tiny-world").path, others / "model")
    (nights / "org").symlink_to(others)
    assert problems(with_model(nights, pretrained="./org/model")) != []
    assert problems(with_model(nights, pretrained="org/model", revision=COMMIT)) != []


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        ("org/*", True),
        ("org/name", True),
        (f"org/name@{COMMIT}", True),
        ("org/name@*", True),
        ("other/*", False),
        ("/*", False),
        ("./*", False),
        ("ORG/name", False),
    ],
)
def test_hub_ids_that_match_a_pattern_are_allowed(nights, pattern, allowed):
    found = problems(
        with_model(nights, pretrained="org/name", revision=COMMIT), ReadPolicy(models=(pattern,))
    )
    assert (found == []) == allowed
    if not allowed:
        assert found == [
            "model.pretrained: 'org/name' may not be read by this manifest; allowed: a shipped checkpoint, "
            "or one that matches a pattern of --allow-models. To allow it, give a pattern that matches it as "
            "--allow-models."
        ]


def test_paths_are_matched_by_their_targets_and_not_as_written(nights, others):
    shutil.copytree(models.find("tiny-world").path, others / "model")
    (nights / "srv").symlink_to(others)
    path = with_model(nights, pretrained="srv/model")
    assert problems(path, ReadPolicy(models=("srv/*", f"{nights}/*"))) != []
    assert problems(path, ReadPolicy(models=(f"{others}/*",))) == []
    assert (
        problems(path, ReadPolicy(models=(f"{nights}/srv/*",))) == []
    )  # the operator's own link is followed
    assert problems(with_model(nights, pretrained="tiny-world"), ReadPolicy(models=("none",))) == []


def test_adapters_and_scoring_models_follow_the_same_policy(nights, others):
    path = write(
        nights,
        model={
            "pipeline": "StableDiffusionPipeline",
            "pretrained": "tiny-world",
            "loras": [{"pretrained": str(others / "lora")}],
        },
        analysis={"clip": {"pretrained": str(others / "clip"), "labels": {"x": ["a", "b"]}}},
    )
    assert [message.partition(":")[0] for message in problems(path)] == [
        "model.loras[0].pretrained",
        "analysis.clip.pretrained",
    ]


def test_hints_name_no_files_of_other_folders(nights, others):
    [message] = problems(with_image(nights, others / "canari.png"), ANYTHING)
    assert "there is no file" in message
    assert "canary.png" not in message
    (nights / "sub").symlink_to(others)
    [message] = problems(with_image(nights, "sub/canari.png"), ANYTHING)
    assert "canary.png" not in message
    [message] = problems(with_image(nights, others / "canari.png"), ReadPolicy(inputs=(str(others),)))
    assert "Did you mean 'canary.png'?" in message


def test_a_batch_reads_below_its_folder_and_allowed_paths(nights, others, tmp_path, monkeypatch, capfd):
    monkeypatch.delenv("FARM_ALLOW_INPUTS", raising=False)
    with_image(nights, others / "canary.png")
    with pytest.raises(SystemExit) as stop:
        main(["batch", str(nights), "--inline", "-o", str(tmp_path / "out")])
    assert stop.value.code == 1
    assert f"'{others}/canary.png' may not be read by this manifest" in capfd.readouterr().err
    found = gather(nights, output_dir=str(tmp_path / "out"), reads=ReadPolicy(inputs=(str(others),)))
    assert found.broken == {}


def test_check_treats_a_manifest_as_untrusted_with_the_option(nights, others):
    path = with_image(nights, others / "canary.png")
    assert run_farm("check", path) == (0, "")
    for words in (("--untrusted",), ("--allow-inputs", nights)):
        code, message = run_farm("check", path, *words)
        assert code == 2
        assert message.endswith(f"may not be read by this manifest; {PICTURES}\n")
    assert run_farm("check", path, "--untrusted", "--allow-inputs", nights, "--allow-inputs", others) == (
        0,
        "",
    )


def test_options_and_variables_are_combined(monkeypatch):
    monkeypatch.delenv("FARM_ALLOW_INPUTS", raising=False)
    monkeypatch.delenv("FARM_ALLOW_MODELS", raising=False)
    assert options.read_policy(None, None, untrusted=False) == ANYTHING
    assert options.read_policy(None, None, untrusted=True) == BELOW_THE_MANIFEST
    monkeypatch.setenv("FARM_ALLOW_INPUTS", f"/b{os.pathsep}/c")
    monkeypatch.setenv("FARM_ALLOW_MODELS", "org/* /srv/*")
    assert options.read_policy(["/a"], ["x/y"], untrusted=False) == ReadPolicy(
        inputs=("/a", "/b", "/c"), models=("x/y", "org/*", "/srv/*")
    )


def test_links_out_of_the_folder_are_refused_links_within_are_read_and_directories_are_skipped(
    nights, others, tmp_path
):
    good = write(nights)
    good.rename(nights / "good.txt")
    (nights / "a.yaml").symlink_to("good.txt")
    (others / "secret").write_text("canary-of-a-secret")
    (nights / "b.yaml").symlink_to(others / "secret")
    (nights / "c.yaml").symlink_to(others / "nothing")
    os.mkfifo(nights / "d.yaml")
    (nights / "e.yaml").mkdir()
    (nights / "f.yaml").symlink_to("f.yaml")
    server = socket.socket(socket.AF_UNIX)
    with server:
        server.bind(str(nights / "g.yaml"))
        found = gather(nights, output_dir=str(tmp_path / "out"))
    assert [path.name for path in found.jobs] == ["a.yaml"]
    out = (
        "a symbolic link that leads out of this folder; needed: manifests that are files, or links to files below "
        "this folder. Copy the manifest here, or give the folder that holds it as --allow-inputs."
    )
    map_of = "needed: a YAML map in UTF-8, up to 4000000 bytes, with version, name, model and animation."
    assert {path.name: str(error).partition(": ")[2] for path, error in found.broken.items()} == {
        "b.yaml": out,
        "c.yaml": out,
        "d.yaml": f"cannot be read: not a regular file; {map_of}",
        "f.yaml": f"cannot be read: Too many levels of symbolic links; {map_of}",
        "g.yaml": f"cannot be read: No such device or address; {map_of}",
    }
    [allowed] = gather(nights, reads=ReadPolicy(inputs=(str(others),)), output_dir=str(tmp_path / "out")).jobs
    assert allowed.name == "a.yaml"


@pytest.mark.parametrize(
    "text",
    [
        "canary-of-a-secret",
        "'canary-of-a-secret'",
        "canary-of-a-secret\nand another line\n",
        "AWS_SECRET_ACCESS_KEY=canary-of-a-secret\n",
        "[canary-of-a-secret]\nkey = 1\n",
        "- canary-of-a-secret\n",
        "!canary-of-a-secret x",
        "*canary-of-a-secret",
        "&canary-of-a-secret x\n--- y",
        "|\n  canary-of-a-secret\n",
        "-----BEGIN canary-of-a-secret KEY-----\nx: y\n",
        "%canary-of-a-secret",
        "@canary-of-a-secret",
        "`canary-of-a-secret`",
        '"canary-of-a-secret',
        "root:canary-of-a-secret:0:0\n",
        "123456789",
    ],
)
def test_messages_quote_nothing_of_a_text_that_is_not_a_map(tmp_path, text):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    code, message = run_farm("check", path)
    assert code == 2
    assert message.startswith(f"{path}:")
    assert "canary" not in message
    assert "123456789" not in message
