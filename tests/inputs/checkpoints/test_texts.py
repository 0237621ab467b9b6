from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from farm.inputs.checkpoints.tokenizers import TextReader, Truncation, text_reader
from farm.models import HERE
from farm.records import ModelSource
from tests.analyze.conftest import source


@pytest.fixture(scope="module")
def reader() -> TextReader:
    found = text_reader(source("tiny-world-clip"))
    assert found is not None
    return found


def test_a_text_is_truncated_at_the_length_of_the_model(reader: TextReader) -> None:
    assert reader.truncation(" ".join(["star"] * 30)) is None
    assert reader.truncation(" ".join(["star"] * 30) + " in a  Bowl") == Truncation(
        tokens=35, read=30, unread="in a  Bowl"
    )


def test_the_unread_text_is_what_the_model_truncates(reader: TextReader) -> None:
    from farm.analyze.metrics.models import load_tokenizer

    text = "a yellow fish, and a red star at the beach " * 4
    truncation = reader.truncation(text)
    assert truncation is not None
    tokenizer = load_tokenizer(source("tiny-world-clip"))
    read = tokenizer(text, truncation=True, max_length=32).input_ids
    assert read == tokenizer(text[: -len(truncation.unread)]).input_ids


@pytest.mark.parametrize("text", ["star", "a star", "форма star", "cat", "7", "1969", "", "("])
def test_a_text_with_a_word_from_training_is_recognized(reader: TextReader, text: str) -> None:
    assert reader.recognizes(text)


@pytest.mark.parametrize("text", ["форма", "形", "🐱", "zebra", "a zebra 7"])
def test_a_text_that_is_read_byte_by_byte_is_not_recognized(reader: TextReader, text: str) -> None:
    assert not reader.recognizes(text)


@pytest.mark.parametrize("without", ["tokenizer.json", "config.json"])
def test_a_model_with_missing_files_has_no_reader(tmp_path: Path, without: str) -> None:
    folder = shutil.copytree(HERE / "tiny-world-clip", tmp_path / "clip")
    found = source(folder)
    (folder / without).unlink()
    assert text_reader(found) is None


def test_another_or_a_broken_tokenizer_has_no_reader(tmp_path: Path) -> None:
    folder = shutil.copytree(HERE / "tiny-world-clip", tmp_path / "clip")
    found, file = source(folder), folder / "tokenizer.json"
    settings = json.loads(file.read_text())
    settings["model"]["end_of_word_suffix"] = None
    file.write_text(json.dumps(settings))
    assert text_reader(found) is None
    file.write_text("{")
    assert text_reader(found) is None


def test_a_hub_id_that_was_never_loaded_is_not_read() -> None:
    assert (
        text_reader(
            ModelSource(pretrained="a/b", kind="hub", location="a/b", revision="0" * 40, fingerprint="")
        )
        is None
    )
