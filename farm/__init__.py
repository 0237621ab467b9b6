"""A batch render farm for diffusion animations. Importing it loads neither torch nor ray.

    manifest = farm.load("demo.yaml")
    plan = farm.plan(manifest)
    job = farm.render(manifest, inline=True)
    job = farm.open("out/demo")

Every expected failure is raised as a `FarmError`; its text says where, what was found, what is allowed and what to do.

FarmError
├── UsageError              an argument is wrong
│   └── ManifestError       the manifest is wrong: `problems` lists every mistake
├── ModelError              a checkpoint cannot be found or loaded
├── RenderError             no frame could be rendered
│   └── OutOfMemory         a model call needs more memory than the device has left
├── StorageError            a file cannot be read or written
│   ├── FolderTaken         another run has taken over the job's folder
│   └── TooLarge            a file exceeds the size limit of its kind
├── ClusterError            Ray cannot be started or reached, or no worker is left
└── Interrupted             the user stopped the run or a wait for a cluster job
"""

from __future__ import annotations

import sys

# `python -m` puts the current directory first on the path: import nothing from there, unless this package is in it.
if sys.argv[:1] == ["-m"] and not sys.flags.safe_path and __file__ != f"{sys.path[0]}/farm/__init__.py":
    del sys.path[0]

from typing import TYPE_CHECKING

from farm.lazy_imports import import_lazily

if TYPE_CHECKING:
    from farm.api import JobPlan, load, open, plan, render
    from farm.errors import (
        ClusterError,
        FarmError,
        FolderTaken,
        Interrupted,
        ManifestError,
        ModelError,
        OutOfMemory,
        Problem,
        RenderError,
        StorageError,
        TooLarge,
        UsageError,
    )
    from farm.manifest import Document
    from farm.results.notebook import OpenedJob

__version__ = "0.2.0"

__all__ = [
    "ClusterError",
    "Document",
    "FarmError",
    "FolderTaken",
    "Interrupted",
    "JobPlan",
    "ManifestError",
    "ModelError",
    "OpenedJob",
    "OutOfMemory",
    "Problem",
    "RenderError",
    "StorageError",
    "TooLarge",
    "UsageError",
    "__version__",
    "load",
    "open",
    "plan",
    "render",
]

import_lazily(__name__)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
