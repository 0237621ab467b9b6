"""Links in the place of a job's own folders, told before anything starts; that none is followed, `directory` holds."""

from __future__ import annotations

from pathlib import Path

from farm.store.folder import JobFolder

_FOLDERS = ("frames", ".farm", ".farm/ledger", ".farm/analysis")


def obstacle(folder: JobFolder, *, chosen: bool = False) -> str | None:
    """Return which of a job's folders is a link and to what, or None; only local folders can be.

    The folder itself may be one where the user has `chosen` it; the folders in it never are.
    """
    if not folder.is_local:
        return None
    root = Path(folder.path(""))
    for path in (root / name for name in (_FOLDERS if chosen else ("", *_FOLDERS))):
        if path.is_symlink():
            return f"{path} is a symbolic link to {str(path.readlink())!r}"
    return None
