from __future__ import annotations

import threading
import time

import pytest

from farm.analyze.metrics.models import Kept
from farm.errors import ModelError
from farm.records import ModelSource


def source(name: str) -> ModelSource:
    return ModelSource(pretrained=name, kind="folder", location=name, revision="", fingerprint=name)


class Loads:
    def __init__(self) -> None:
        self.loaded: list[str] = []

    def __call__(self, one: ModelSource) -> object:
        time.sleep(0.01)
        self.loaded.append(one.pretrained)
        return object()


def test_a_model_is_loaded_once() -> None:
    load = Loads()
    kept = Kept(load)
    assert kept(source("a")) is kept(source("a"))
    assert kept(source("a")) is not kept(source("b"))
    assert load.loaded == ["a", "b"]


def test_those_that_were_asked_for_last_are_kept() -> None:
    load = Loads()
    kept = Kept(load, most=2)
    for name in "abacab":
        kept(source(name))
    assert load.loaded == ["a", "b", "c", "b"]


def test_threads_that_ask_for_one_model_get_the_same() -> None:
    load = Loads()
    kept = Kept(load)
    got: list[object] = []
    threads = [threading.Thread(target=lambda: got.append(kept(source("a")))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert load.loaded == ["a"]
    assert len(got) == 8
    assert len(set(map(id, got))) == 1


def test_a_model_that_could_not_be_loaded_is_tried_again() -> None:
    tries: list[str] = []

    def load(one: ModelSource) -> object:
        tries.append(one.pretrained)
        raise ModelError("no such judge")

    kept = Kept(load)
    for _ in range(2):
        with pytest.raises(ModelError, match="^no such judge$"):
            kept(source("a"))
    assert tries == ["a", "a"]
