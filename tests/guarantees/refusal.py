"""Run `farm` in this process, where nothing may start and no connection may be opened."""

from __future__ import annotations

import contextlib
import io
import json
import socket
from pathlib import Path

import pytest

from farm.cli import main

MANIFEST = {
    "version": 1,
    "name": "job",
    "model": {"pipeline": "StableDiffusionPipeline", "pretrained": "tiny-world"},
    "animation": {"kind": "interpolate", "prompts": ["a", "b"], "frames": 5},
}


def write(folder: Path, **changed: object) -> Path:
    """Write a manifest, some of its sections changed; JSON is YAML."""
    path = folder / "m.yaml"
    path.write_text(json.dumps({**MANIFEST, **changed}))
    return path


def run_farm(*words: object) -> tuple[int, str]:
    """Return the exit code of `farm` and its standard error."""
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as stop,
    ):
        patch.setattr("farm.execute.open_executor", _never("an executor was opened"))
        patch.setattr(socket.socket, "connect", _never("a connection was opened"))
        patch.setattr(socket.socket, "connect_ex", _never("a connection was opened"))
        patch.setattr(socket, "getaddrinfo", _never("a name was looked up"))
        main([str(word) for word in words])
    return stop.value.code or 0, err.getvalue()


def refusal(*words: object) -> str:
    """Return how a render is refused: by exit code 2, before anything starts."""
    code, message = run_farm("render", *words)
    assert code == 2, message
    return message


def _never(what: str):
    def never(*_: object, **__: object) -> None:
        raise AssertionError(what)

    return never
