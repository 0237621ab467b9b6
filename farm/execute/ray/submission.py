"""What `farm submit` sends to a cluster, and how the head reads it.

Ray puts a job's working directory on the import path of all processes of the job, so nothing in it has a name that
Python could import: files are numbered, with suffixes by content, and `submission.json` maps them to the user's names.
On the head, a folder of links under the user's names lets the manifest find its pictures.
"""

from __future__ import annotations

import json
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from farm.errors import ClusterError, UsageError
from farm.typed_json import parse

INDEX = "submission.json"
_MANIFEST = "000000.yaml"
_AS_NAMED = "as-named"
"""Not importable, because of its dash. Complete once it exists, and the same for all jobs with the same upload."""
_MAX_BYTES = 99 * 2**20
"""A dashboard accepts uploads of up to 100 MiB; the rest is for the manifest and the archive's headers."""
_MAX_NAME_LENGTH = 1024
_SIGNATURES = {
    "png": rb"\x89PNG\r\n\x1a\n",
    "jpg": rb"\xff\xd8\xff",
    "gif": rb"GIF8[79]a",
    "webp": rb"RIFF....WEBP",
    "avi": rb"RIFF....AVI ",
    "bmp": rb"BM",
    "tif": rb"II\*\0|MM\0\*",
    "ppm": rb"P[1-6]\s",
    "mp4": rb"....(ftyp|moov|mdat|wide|free|skip)",
    "mkv": rb"\x1a\x45\xdf\xa3",
}
"""First bytes of input pictures, by the suffix of the files sent."""
_SENT = re.compile(rf"\d{{6}}\.({'|'.join(_SIGNATURES)}|bin|yaml)", re.ASCII)


def stage_working_dir(manifest: Path, pictures: Iterable[Path], working_dir: Path) -> None:
    """Copy a manifest, and pictures from its folder or below, into an empty folder.

    Raises:
        UsageError: when the pictures exceed 99 MiB.
    """
    shutil.copyfile(manifest, working_dir / _MANIFEST)
    names: dict[str, str] = {}
    size = 0
    for number, picture in enumerate(pictures, start=1):
        size += picture.stat().st_size
        if size > _MAX_BYTES:
            raise UsageError(
                f"The manifest's pictures exceed {_MAX_BYTES} bytes, the most that can be submitted. Put them on "
                "storage that all machines of the cluster share, and give their absolute paths."
            )
        sent = f"{number:06}.{_suffix(picture)}"
        shutil.copyfile(picture, working_dir / sent)
        names[sent] = picture.relative_to(manifest.parent.absolute()).as_posix()
    index = {"manifest": manifest.name, "pictures": names}
    (working_dir / INDEX).write_text(json.dumps(index))


def unpack_submission(index: Path) -> Path:
    """Return the path of the submitted manifest, with the user's names for it and its pictures.

    The pictures are links to the numbered files, which have the same path on every node.

    Raises:
        ClusterError: when the index is not one that `stage_working_dir` writes, or names a file outside its folder.
    """
    sent = index.parent
    folder = sent / _AS_NAMED
    names = _read(index)
    manifest = folder / names.pop(_MANIFEST)
    if folder.is_dir():
        return manifest
    with tempfile.TemporaryDirectory(prefix="as-named-", dir=sent, ignore_cleanup_errors=True) as name:
        shutil.copyfile(sent / _MANIFEST, Path(name) / manifest.name)
        for number, picture in names.items():
            link = Path(name) / picture
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(sent / number)
        try:
            Path(name).rename(folder)
        except OSError:  # another job with the same upload was first
            if not folder.is_dir():
                raise
    return manifest


def drop_submissions_from_path() -> None:
    """Remove submitted folders from this process's import path."""
    sys.path[:] = [entry for entry in sys.path if not Path(entry, INDEX).is_file()]


def _suffix(picture: Path) -> str:
    with picture.open("rb") as file:
        start = file.read(16)
    return next(
        (suffix for suffix, signature in _SIGNATURES.items() if re.match(signature, start, re.DOTALL)), "bin"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Index:
    """The content of `submission.json`: the user's name of the manifest, and of each picture by its sent file."""

    manifest: str
    pictures: Mapping[str, str]


def _read(index: Path) -> dict[str, str]:
    """Return the user's names of all files that were sent, the manifest included."""
    try:
        content = parse(index.read_bytes(), _Index)
        names = {_MANIFEST: content.manifest, **content.pictures}
        if not all(_is_sent(index.parent, number) and _is_below(name) for number, name in names.items()):
            raise ValueError("it names a file that was not sent")
        if "/" in names[_MANIFEST] or len({*names.values()}) < len(names):
            raise ValueError("it uses a name twice")
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"{index} cannot be read: {error}. Submit the manifest again, with the same version of the farm as on the "
            "cluster."
        ) from error
    return names


def _is_sent(folder: Path, number: str) -> bool:
    """Whether it is a regular file, not a link, with a name that `stage_working_dir` gives."""
    return _SENT.fullmatch(number) is not None and stat.S_ISREG((folder / number).lstat().st_mode)


def _is_below(name: str) -> bool:
    """Whether it is a relative path that stays below its folder."""
    path = PurePosixPath(name)
    return bool(
        len(name) <= _MAX_NAME_LENGTH
        and "\0" not in name
        and path.parts
        and path.as_posix() == name
        and not path.is_absolute()
        and not {"..", "."} & {*path.parts}
    )
