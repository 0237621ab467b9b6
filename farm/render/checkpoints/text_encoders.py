"""Text encoders that are away while pictures are sampled: out of a GPU's memory, or out of the CPU's."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import psutil
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from farm.errors import ModelError
from farm.render.memory import give_back

_PREFIX = "farm-text-encoders-"


class TextEncoders:
    """The text encoders of a pipeline that is placed: away, until they are restored for prompts that are new.

    A GPU's go to the CPU's memory; the CPU's own into files among the temporary ones (`TMPDIR`), as they are: with
    the words that they have learned and the LoRAs in them. While they are away the pipeline has none, and takes
    embeddings. A LoRA's scale is set while they are there.

    Raises:
        ModelError: when the pipeline has none that it can do without, or there is no room for the files.
    """

    def __init__(self, pipeline: Any, device: torch.device) -> None:
        self._pipeline, self._device = pipeline, device
        self._encoders: dict[str, torch.nn.Module] = {
            name: part
            for name, part in pipeline.components.items()
            if name.startswith("text_encoder") and part is not None
        }
        if not self._encoders:
            raise ModelError(
                f"model.memory.release_text_encoders: {type(pipeline).__name__} cannot do without its text encoder; "
                "allowed: false."
            )
        self._are_there = True
        if device.type == "cpu":
            _sweep()
            self._folder = TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-")
            for name, encoder in self._encoders.items():
                _write(encoder, self._file(name))
        # At once, so that the first prompt is encoded by what every other is encoded by: weights at other addresses
        # may give other last bits.
        self.release()

    def release(self) -> None:
        """Free the memory of the text encoders, if they are there."""
        if not self._are_there:
            return
        for name, encoder in self._encoders.items():
            setattr(self._pipeline, name, None)
            if self._device.type == "cpu":
                for weight in encoder.parameters():
                    weight.data = weight.data.new_empty(0)
            else:
                encoder.to("cpu")
        self._are_there = False
        give_back()
        _give_back_to_the_system()

    def restore(self) -> None:
        """Have the text encoders back as they were, if they are away."""
        if self._are_there:
            return
        for name, encoder in self._encoders.items():
            if self._device.type == "cpu":
                _read(encoder, self._file(name))
            else:
                encoder.to(self._device)
            setattr(self._pipeline, name, encoder)
        self._are_there = True

    @contextmanager
    def at_hand(self) -> Iterator[None]:
        """Have the text encoders there inside, and away again after it."""
        self.restore()
        try:
            yield
        finally:
            self.release()

    def _file(self, name: str) -> Path:
        return Path(self._folder.name) / f"{name}.safetensors"


def _sweep() -> None:
    """Remove what processes left that were killed, as Ray ends its workers."""
    for folder in Path(gettempdir()).glob(f"{_PREFIX}*-*"):
        number = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def _write(encoder: torch.nn.Module, file: Path) -> None:
    try:
        save_file({name: weight.data.contiguous() for name, weight in encoder.named_parameters()}, file)
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"model.memory.release_text_encoders: {file.parent} cannot take the text encoders: {error}. Set TMPDIR to "
            "a folder with room for them."
        ) from error


def _read(encoder: torch.nn.Module, file: Path) -> None:
    with safe_open(file, framework="pt") as weights:
        for name, weight in encoder.named_parameters():
            weight.data = weights.get_tensor(name).clone()  # no view of the file


def _give_back_to_the_system() -> None:
    """Have the C library hand over what is free: glibc keeps it, matrices of up to 32 MB, for whoever asks next."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # musl, macOS, Windows
        return
    trim(0)
