"""Locates files in huggingface_hub's cache, without torch or network access."""

from __future__ import annotations

from pathlib import Path


def cached_snapshot(hub_id: str, commit: str) -> Path | None:
    """Return the folder of a repository's cached files at a commit, which may be incomplete; None if there is none."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    repository = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=hub_id, repo_type="model")
    snapshot = repository / "snapshots" / commit
    return snapshot.absolute() if snapshot.is_dir() else None


def blobs_of(folder: Path) -> Path | None:
    """Return the folder of blobs that a snapshot in the hub's cache links to; None for any other folder.

    A repository in the cache is `models--org--name/` with `blobs/` and `snapshots/<commit>/`.
    """
    for snapshot in (folder, *folder.parents):
        repository = snapshot.parent.parent
        if snapshot.parent.name == "snapshots" and repository.name.startswith("models--"):
            return repository / "blobs"
    return None
