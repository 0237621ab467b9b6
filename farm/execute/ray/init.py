"""The only call of `ray.init`: from an empty private folder, so that workers import nothing from the user's folder."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray

NAMESPACE = "farm"
_MAX_BASE_BYTES = 21
"""Ray's sockets add 82 bytes, and a socket's path has at most 103 bytes (macOS) or 107 (Linux)."""


class PrivateFolder:
    """A new folder, at `path`, that no other user can enter (mode 0700).

    `empty`, below it, stays empty (mode 0500) and has an unpredictable name. The folder is created in RAY_TMPDIR or
    TMPDIR, or in /tmp if that path is too long for sockets. What a killed run leaves behind is useless to others.
    """

    def __init__(self) -> None:
        base = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
        if len(os.fsencode(base)) > _MAX_BASE_BYTES:
            base = "/tmp"
        self.path = Path(tempfile.mkdtemp(prefix="farm-", dir=base))
        self.empty = self.path / secrets.token_hex(16)
        self.empty.mkdir(mode=0o500)

    def remove(self) -> None:
        """Remove it with its contents; do nothing if it no longer exists."""
        shutil.rmtree(self.path, ignore_errors=True)


def init_ray(folder: Path, **options: Any) -> str:
    """Call `ray.init` from the empty `folder`, and return this node's address.

    Ray puts the current directory and the script's directory on the import path of every worker, and its processes
    inherit the current directory, so the folder must outlive them. The current directory is shared by all threads, so
    those that run meanwhile must use absolute paths, as `JobFolder` does.
    """
    with _own_sigterm(), _current_directory(folder), _script_in(folder), environment():
        context = ray.init(namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR, **options)
    return str(context.address_info["node_ip_address"])


@contextlib.contextmanager
def environment(**added: str) -> Iterator[None]:
    """Add environment variables within the block, and restore all variables at its end."""
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
    """Keep this process's SIGTERM handler, which `ray.init` would replace with an immediate exit."""
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
    """Change the current directory within the block, and return to the same directory even if it was renamed."""
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
    """Pretend that the script is in `folder`: Ray passes on a script's directory only if it is on `sys.path`."""
    former = sys.argv
    sys.argv = [str(folder / "farm"), *former[1:]]
    try:
        yield
    finally:
        sys.argv = former
