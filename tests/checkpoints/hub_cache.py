"""A folder in the layout of a huggingface_hub download: found by its hub id and commit without the hub."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path


def fill_cache(cache: Path, hub_id: str, folder: Path) -> str:
    """Lay `folder` out in `cache` (`HF_HUB_CACHE`) as the branch `main` of `hub_id`; return its commit.

    The commit is made of the files' names and bytes: 40 hexadecimal digits, the same for the same folder.
    """
    repository = cache / f"models--{hub_id.replace('/', '--')}"
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    blobs = {file.relative_to(folder): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    commit = hashlib.sha1(
        "".join(f"{name.as_posix()} {blob}\n" for name, blob in blobs.items()).encode()
    ).hexdigest()
    for name, blob in blobs.items():
        kept, link = repository / "blobs" / blob, repository / "snapshots" / commit / name
        kept.parent.mkdir(parents=True, exist_ok=True)
        link.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, kept)
        link.symlink_to(Path(*[".."] * (len(name.parts) + 1), "blobs", blob))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    return commit
