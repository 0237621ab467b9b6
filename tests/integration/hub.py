"""A local cache of the hub, and the command line with the hub itself out of reach."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.checkpoints.hub_cache import fill_cache

Save = Callable[[Path], Path]


class Hub:
    """Repositories named after the functions that save their checkpoints, each saved on first use."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder / "hub"
        self._drafts = folder / "saved"
        self._commits: dict[str, str] = {}

    def source(self, save: Save, **settings: Any) -> dict[str, Any]:
        """Return a checkpoint's entry in a manifest: its hub id and commit, and more `settings`."""
        return {"pretrained": _hub_id(save), "revision": self._commit(save), **settings}

    def load(self, kind: Any, save: Save, **parts: Any) -> Any:
        """Load a checkpoint as diffusers' documentation does, by its hub id and commit."""
        hub_id, place = self.place(save)
        return kind.from_pretrained(hub_id, **place, **parts)

    def place(self, save: Save) -> tuple[str, dict[str, Any]]:
        """Return the hub id of a checkpoint, and the arguments with which diffusers finds it."""
        return _hub_id(save), {
            "revision": self._commit(save),
            "cache_dir": self.cache,
            "local_files_only": True,
        }

    def farm(self, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run the command line in a separate process: huggingface_hub reads its environment when it is loaded."""
        return subprocess.run(
            [sys.executable, "-m", "farm.cli", *map(str, arguments)],
            cwd=cwd,
            env=os.environ
            | {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(self.cache), "XDG_CACHE_HOME": str(cwd)},
            capture_output=True,
            text=True,
            timeout=570,
            check=False,
        )

    def _commit(self, save: Save) -> str:
        hub_id = _hub_id(save)
        if hub_id not in self._commits:
            self._commits[hub_id] = fill_cache(self.cache, hub_id, save(self._drafts / hub_id))
        return self._commits[hub_id]


def _hub_id(save: Save) -> str:
    return f"studio/{save.__name__.removeprefix('save_').replace('_', '-')}"
