"""A job's folder back to its job, from what lies in it alone."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from farm.errors import UsageError
from farm.manifest import Document, parse
from farm.manifest.read_policy import ANYTHING, ReadPolicy
from farm.records import DiffusersSpec, ProceduralSpec
from farm.run.checkpoints import find_renderer
from farm.run.pictures.rendered_pictures import refuse_other_pictures, rendered_pictures
from farm.run.prepare import Job, planned
from farm.run.rehearsal import rehearsal
from farm.store import JobFolder, Ledger, symlink_in

_MANIFEST = "manifest.yaml"
_MOST_BYTES = 16 * 2**20
"""Of a resolved manifest, in which nothing is left unsaid: four times what a manifest may have."""


def finished_job(url: str, *, reads: ReadPolicy = ANYTHING) -> Job:
    """Return the job in `url` as its `manifest.yaml` there says, to be rendered again.

    The manifest may have read what `reads` says. A rehearsal's has the renderer of rehearsals.

    Raises:
        UsageError: when it is not a job's folder, or parts of it are links.
        ManifestError: when its manifest was changed into one that is wrong, or a checkpoint or picture is not there,
            or a picture is not as it was.
    """
    folder, document = read_job(url, reads=reads)
    pictures = rendered_pictures(folder, document)
    first = next(Ledger(folder).rows(), None)
    drawn = first is None or first.pipeline == "procedural"  # without a frame, no model is asked for
    if drawn:
        return Job(plan=planned(document, rehearsal(document, pictures), pictures), folder=folder)
    refuse_other_pictures(document, pictures)
    return Job(plan=planned(document, find_renderer(document), pictures), folder=folder)


def read_job(
    url: str, overrides: Sequence[str] = (), *, reads: ReadPolicy = ANYTHING
) -> tuple[JobFolder, Document]:
    """Return the job's folder at `url`, and the manifest in it with `overrides` laid over it.

    Raises:
        UsageError: when it is not a job's folder, or parts of it are links.
        ManifestError: when its manifest was changed into one that is wrong.
    """
    folder = JobFolder(url)
    if not folder.exists(_MANIFEST):
        raise UsageError(f"{url}: not a job's folder: it holds no {_MANIFEST}.")
    _refuse_links(folder)
    try:
        text = folder.read(_MANIFEST, max_bytes=_MOST_BYTES).decode()
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{folder.path(_MANIFEST)}: not UTF-8, so not what the farm wrote; render the job again."
        ) from error
    return folder, replace(parse(text, Path(folder.path(_MANIFEST)), overrides), reads=reads)


def _refuse_links(folder: JobFolder) -> None:
    """Refuse a job's folder of which parts are links; it may be one itself, since the user chose it.

    Raises:
        UsageError: with what the link points to.
    """
    found = symlink_in(folder, follow_root=True)
    if found is not None:
        raise UsageError(f"{found}; a job's own folders are never links: put the folder itself there.")


def render_again(job: Job) -> str:
    """Return the command that renders what is not as it should be in a job's folder.

    Empty for a folder that no command would name: one on an object store, or one that was renamed.
    """
    folder, plan = Path(job.folder.url), job.plan
    drawn = isinstance(plan.renderer, ProceduralSpec)
    if not job.folder.is_local or folder.name != (f"{plan.name}-rehearsal" if drawn else plan.name):
        return ""
    words = ["farm", "render", str(folder / _MANIFEST), "--output-dir", str(folder.parent)]
    return shlex.join([*words, "--procedural"] if drawn else words)


def promises_bits(job: Job) -> bool:
    """Tell whether a recipe of this job gives the same bits twice in one environment."""
    renderer = job.plan.renderer
    return not isinstance(renderer, DiffusersSpec) or renderer.determinism == "strict"
