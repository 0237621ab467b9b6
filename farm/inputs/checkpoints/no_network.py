"""Around whatever a library loads: it asks no hub, runs no code of a checkpoint, and puts no question to anybody."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import huggingface_hub.constants

ONE_AT_A_TIME = threading.RLock()
"""Held while files are fetched, and while they are loaded: both change settings of the whole process."""


@contextmanager
def sealed() -> Iterator[None]:
    """Let libraries load from this machine's files alone.

    huggingface_hub refuses every request, whatever a library was told; transformers does not ask whether to run code,
    but refuses it; and what reads from standard input finds its end.
    """
    from transformers import dynamic_module_utils

    with ONE_AT_A_TIME, Path(os.devnull).open(encoding="utf-8") as nothing:
        before = huggingface_hub.constants.HF_HUB_OFFLINE, sys.stdin
        dynamic_module_utils.TIME_OUT_REMOTE_CODE = 0
        huggingface_hub.constants.HF_HUB_OFFLINE, sys.stdin = True, nothing
        try:
            yield
        finally:
            huggingface_hub.constants.HF_HUB_OFFLINE, sys.stdin = before
