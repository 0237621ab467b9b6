"""A batch render farm for diffusion animations. Importing it loads neither torch nor ray."""

from __future__ import annotations

import sys

# `python -m` puts the current directory first: nothing is imported from there, unless this package lies there.
if sys.argv[:1] == ["-m"] and not sys.flags.safe_path and __file__ != f"{sys.path[0]}/farm/__init__.py":
    del sys.path[0]

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from farm.results.notebook import OpenedJob

__version__ = "0.2.0"


def open(folder: str | os.PathLike[str]) -> OpenedJob:
    """Return the job in a folder, given as a path or an fsspec URL, with its table, its pictures and a rich display.

    Raises:
        UsageError: when it is not a job's folder, or parts of it are links.
        ManifestError: when its manifest was changed into one that is wrong.
        StorageError: when it cannot be read.
    """
    import os

    from farm.results.notebook import OpenedJob

    return OpenedJob(os.fspath(folder))
