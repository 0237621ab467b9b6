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


def test_a_text_is_read_up_to_the_tokens_that_the_model_takes(reader: TextReader) -> None:
    assert reader.truncation(" ".join(["star"] * 30)) is None
    assert reader.truncation(" ".join(["star"] * 30) + " in a  Bowl") == Truncation(
        tokens=35, read=30, unread="in a  Bowl"
    )


def test_what_is_unread_is_what_the_model_cuts(reader: TextReader) -> None:
    from farm.analyze.metrics.models import load_tokenizer

    text = "a yellow fish, and a red star at the beach " * 4
    truncation = reader.truncation(text)
    assert truncation is not None
    tokenizer = load_tokenizer(source("tiny-world-clip"))
    read = tokenizer(text, truncation=True, max_length=32).input_ids
    assert read == tokenizer(text[: -len(truncation.unread)]).input_ids


@pytest.mark.parametrize("text", ["star", "a star", "форма star", "cat", "7", "1969", "", "("])
def test_a_text_with_a_word_that_was_met_in_training_is_known(reader: TextReader, text: str) -> None:
    assert reader.knows(text)


@pytest.mark.parametrize("text", ["форма", "形", "🐱", "zebra", "a zebra 7"])
def test_a_text_that_is_read_byte_by_byte_is_not(reader: TextReader, text: str) -> None:
    assert not reader.knows(text)


@pytest.mark.parametrize("without", ["tokenizer.json", "config.json"])
def test_of_a_model_whose_files_are_not_there_nothing_is_known(tmp_path: Path, without: str) -> None:
    folder = shutil.copytree(HERE / "tiny-world-clip", tmp_path / "clip")
    found = source(folder)
    (folder / without).unlink()
    assert text_reader(found) is None


def test_of_a_tokenizer_of_another_kind_or_a_broken_one_nothing_is_known(tmp_path: Path) -> None:
    folder = shutil.copytree(HERE / "tiny-world-clip", tmp_path / "clip")
    found, file = source(folder), folder / "tokenizer.json"
    told = json.loads(file.read_text())
    told["model"]["end_of_word_suffix"] = None
    file.write_text(json.dumps(told))
    assert text_reader(found) is None
    file.write_text("{")
    assert text_reader(found) is None


def test_of_what_was_never_loaded_from_the_hub_nothing_is_known() -> None:
    assert (
        text_reader(
            ModelSource(pretrained="a/b", kind="hub", location="a/b", revision="0" * 40, fingerprint="")
        )
        is None
    )
