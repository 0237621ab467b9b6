"""Isolates libraries while they load a checkpoint: no network, no code from the checkpoint, no prompts to the user."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import huggingface_hub.constants

LOADING_LOCK = threading.RLock()
"""Held while files are fetched or loaded: both change settings of the entire process."""


@contextmanager
def no_network() -> Iterator[None]:
    """Make libraries load from this machine's files only.

    huggingface_hub refuses every request, whatever the library's arguments; transformers refuses to run code, without
    asking the user; and standard input is empty.
    """
    from transformers import dynamic_module_utils

    with LOADING_LOCK, Path(os.devnull).open(encoding="utf-8") as nothing:
        before = huggingface_hub.constants.HF_HUB_OFFLINE, sys.stdin
        dynamic_module_utils.TIME_OUT_REMOTE_CODE = 0
        huggingface_hub.constants.HF_HUB_OFFLINE, sys.stdin = True, nothing
        try:
            yield
        finally:
            huggingface_hub.constants.HF_HUB_OFFLINE, sys.stdin = before
