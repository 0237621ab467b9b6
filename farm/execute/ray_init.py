"""The one call of `ray.init`: no worker imports what lies in the directory that the farm was started in."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray

NAMESPACE = "farm"


def init_ray(folder: Path, **options: Any) -> str:
    """Call `ray.init` from the empty `folder`, and return this node's address.

    Ray puts the current directory and the script's first on the import path of every worker, and the processes that
    it starts inherit the current directory, so the folder must stay as long as they do. The current directory belongs
    to all threads: those that run meanwhile must use absolute paths, as whatever works with a `JobFolder` does.
    """
    with _own_sigterm(), _current_directory(folder), _script_in(folder), environment():
        context = ray.init(namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR, **options)
    return str(context.address_info["node_ip_address"])


@contextlib.contextmanager
def environment(**added: str) -> Iterator[None]:
    """Add variables, and undo that and all that is set meanwhile: later child processes inherit none of it."""
    former = dict(os.environ)
    os.environ.update(added)
    try:
        yield
    finally:
        for name in os.environ.keys() - former.keys():
            del os.environ[name]
        os.environ.update(former)


@contextlib.contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keep this process's answer to SIGTERM, in place of which `ray.init` puts an exit on the spot."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former or signal.SIG_DFL)


@contextlib.contextmanager
def _current_directory(folder: Path) -> Iterator[None]:
    """Change the current directory, and change back, wherever its path leads by then."""
    former = os.open(".", getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY)
    try:
        os.chdir(folder)
        try:
            yield
        finally:
            os.fchdir(former)
    finally:
        os.close(former)


@contextlib.contextmanager
def _script_in(folder: Path) -> Iterator[None]:
    """Pretend that the script lies in `folder`: a script's directory that is not on `sys.path` is not passed on."""
    former = sys.argv
    sys.argv = [str(folder / "farm"), *former[1:]]
    try:
        yield
    finally:
        sys.argv = former
