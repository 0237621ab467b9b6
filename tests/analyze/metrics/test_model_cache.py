from __future__ import annotations

import threading
import time

import pytest

from farm.analyze.metrics.models import ModelCache
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
    cache = ModelCache(load)
    assert cache(source("a")) is cache(source("a"))
    assert cache(source("a")) is not cache(source("b"))
    assert load.loaded == ["a", "b"]


def test_the_most_recently_used_models_are_kept() -> None:
    load = Loads()
    cache = ModelCache(load, capacity=2)
    for name in "abacab":
        cache(source(name))
    assert load.loaded == ["a", "b", "c", "b"]


def test_all_threads_get_the_same_model() -> None:
    load = Loads()
    cache = ModelCache(load)
    got: list[object] = []
    threads = [threading.Thread(target=lambda: got.append(cache(source("a")))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert load.loaded == ["a"]
    assert len(got) == 8
    assert len(set(map(id, got))) == 1


def test_a_failed_load_is_repeated_on_the_next_call() -> None:
    tries: list[str] = []

    def load(one: ModelSource) -> object:
        tries.append(one.pretrained)
        raise ModelError("no such model")

    cache = ModelCache(load)
    for _ in range(2):
        with pytest.raises(ModelError, match="^no such model$"):
            cache(source("a"))
    assert tries == ["a", "a"]
