"""A finished job for scripts and notebooks: its table, its pictures, its outputs, and a rich display."""

from __future__ import annotations

import base64
import dataclasses
import functools
import html
import io
import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

from PIL import Image

from farm.errors import StorageError, UsageError
from farm.execute import open_executor
from farm.records import evenly_spaced
from farm.reduce import Summary, read_summary
from farm.reduce.table import read_table
from farm.results.job import job_to_verify, open_finished
from farm.results.status import JobState, last_summary, recorded_frames, state_of
from farm.results.verify import Verification, verify
from farm.store import JobFolder, decode_frame, file_name, lock_holder
from farm.units import format_duration

_SIDE = 256
_MAX_FRAMES = 60
_QUALITY = 80
_FPS = 10.0


def page(job: OpenedJob) -> str:
    """Return self-contained HTML: an animated WebP of at most 60 frames of up to 256 pixels, and a table of facts."""
    rows = "".join(
        f'<tr><th style="text-align:left;vertical-align:top;white-space:nowrap">{html.escape(name)}</th>'
        f'<td style="text-align:left">{html.escape(value)}</td></tr>'
        for name, value in _facts(job)
    )
    return (
        '<div style="display:flex;flex-wrap:wrap;gap:1em;align-items:flex-start">'
        f'{_animation(job)}<div style="flex:1;min-width:18em">'
        f"<strong>{html.escape(job.name)}</strong><table>{rows}</table></div></div>"
    )


def _facts(job: OpenedJob) -> Iterator[tuple[str, str]]:
    manifest, summary = job.manifest, job.summary
    if manifest["description"]:
        yield "description", manifest["description"]
    yield "kind", manifest["animation"]["kind"]
    yield "frames", f"{len(job)} of {job.planned}"
    yield "model", f"{manifest['model']['pipeline']}, {manifest['model']['pretrained']}"
    yield "state", job.state
    if summary is not None:
        if summary.finished_at:
            yield "last run", format_duration(summary.seconds)
        for number, sentence in enumerate(_sentences(summary.analysis)):
            yield "" if number else "insights", sentence
    yield "folder", job.path


def _sentences(analysis: Mapping[str, object] | None) -> Iterator[str]:
    match analysis:
        case {"sentences": [*sentences]}:
            for sentence in sentences:
                match sentence:
                    case {"text": str(text)}:
                        yield text


def _animation(job: OpenedJob) -> str:
    pictures = list(_thumbnails(job))
    if not pictures:
        return ""
    first, *others = pictures
    buffer = io.BytesIO()
    duration = round(1000 * len(job) / _fps(job) / len(pictures))
    first.save(
        buffer,
        format="webp",
        save_all=True,
        append_images=others,
        duration=max(20, duration),
        loop=0,
        quality=_QUALITY,
    )
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    alt = html.escape(f"animation of {job.name}: {len(pictures)} of its frames", quote=True)
    return f'<img width="{_SIDE}" alt="{alt}" src="data:image/webp;base64,{data}">'


def _thumbnails(job: OpenedJob) -> Iterator[Image.Image]:
    """Yield pictures of one size; unreadable ones are omitted."""
    size: tuple[int, int] | None = None
    for position in evenly_spaced(len(job), _MAX_FRAMES) if len(job) else ():
        try:
            picture = job.images[position]
        except StorageError:
            continue
        picture.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
        size = size or picture.size
        yield picture if picture.size == size else picture.resize(size)


def _fps(job: OpenedJob) -> float:
    output = job.manifest["output"]
    animation = output.get("gif") or output.get("mp4")
    return float(animation["fps"]) if animation else _FPS


@dataclasses.dataclass(frozen=True, slots=True)
class OutputFile:
    """An output of a job, which a notebook displays. In a remote folder, its `path` is a URL."""

    path: str
    _folder: JobFolder = dataclasses.field(repr=False)
    _name: str = dataclasses.field(repr=False)

    def read(self) -> bytes:
        """Return the contents of the file.

        Raises:
            StorageError: if it cannot be read.
        """
        return self._folder.read(self._name)

    def __fspath__(self) -> str:
        return self.path

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.read()).decode("ascii")
        if self._name.endswith(".mp4"):
            return f'<video controls loop src="data:video/mp4;base64,{data}"></video>'
        return f'<img alt="{html.escape(self._name, quote=True)}" src="data:image/gif;base64,{data}">'


class OpenedJob:
    """A job as it was when it was opened; its pictures are read on access.

    `frames` are the numbers of the frames on disk, in order; `len` counts them, and iterating yields their pictures.
    `job[12]` is the picture of frame 12. `state` is "done", "partial", "failed", "interrupted", "running",
    "unfinished" (its run was killed) or "incomplete" (finished frames are missing now). `manifest` is the resolved
    manifest, `summary` that of the last run, or None. A notebook displays the job.
    """

    def __init__(self, url: str) -> None:
        job = open_finished(url)
        self._folder, manifest = job.folder, job.document.manifest
        self.name = manifest.name
        self.path = self._folder.path("").rstrip("/")
        self.manifest: Mapping[str, Any] = manifest.model_dump(mode="json", by_alias=True)
        self.planned = job.plan.frame_count
        self.frames = recorded_frames(self._folder, job.plan)
        self.summary: Summary | None = read_summary(self._folder)
        run, last = lock_holder(self._folder), last_summary(self._folder)
        self.state: JobState = state_of(run, last, lacks_frames=len(self) < self.planned)

    @functools.cached_property
    def table(self) -> Any:
        """`metadata.parquet` as a pyarrow Table: a row per frame.

        Raises:
            StorageError: if there is none yet, or it cannot be read.
        """
        table = read_table(self._folder, planned=self.planned)
        if table is None:
            raise StorageError(
                f"{self._folder.path('metadata.parquet')}: missing; a run writes it at its end. farm assemble makes it "
                "from finished frames."
            )
        return table

    def to_pandas(self) -> Any:
        """Return `metadata.parquet` as a pandas DataFrame: a row per frame.

        Raises:
            UsageError: if pandas is not installed.
            StorageError: if there is no table yet, or it cannot be read.
        """
        import_pandas()
        return self.table.to_pandas()

    @property
    def gif(self) -> OutputFile:
        """The GIF.

        Raises:
            StorageError: if there is none.
        """
        return self._output("gif")

    @property
    def mp4(self) -> OutputFile:
        """The MP4.

        Raises:
            StorageError: if there is none.
        """
        return self._output("mp4")

    def _output(self, kind: str) -> OutputFile:
        name = f"{self.name}.{kind}"
        path = self._folder.path(name)
        if not self._folder.exists(name):
            raise StorageError(
                f"{path}: missing; a run writes it at its end unless the manifest says output.{kind}: false. "
                "farm assemble makes it from finished frames."
            )
        return OutputFile(path, self._folder, name)

    def verify(
        self,
        *,
        sample: int | None = 12,
        inline: bool = True,
        workers: int | None = None,
        address: str | None = None,
    ) -> Verification:
        """Render `sample` evenly spaced frames again, or all for None, and compare them with the stored ones.

        All frames of a chunk are rendered together, so all of them are compared. `is_identical` of the result says
        whether every one of them has the same bits. The job is not changed. `inline` renders in this process; otherwise
        Ray workers do.

        Raises:
            ManifestError: if a checkpoint or input picture is missing or was changed.
            StorageError: if the folder cannot be read or written, or a run holds it.
            ClusterError: if Ray cannot be started or reached.
        """
        executor = open_executor(inline=inline, workers=workers, address=address)
        found = verify(job_to_verify(self._folder.url), executor, lambda _: None, sample=sample)
        if found.interrupted:
            raise KeyboardInterrupt("Interrupted. The remaining frames were not checked.")
        return found

    @property
    def images(self) -> Images:
        """The pictures of the frames on disk, each read on access, also in slices."""
        return Images(self._folder, self.frames)

    def image(self, frame: int) -> Image.Image:
        """Return the picture of a frame by its number.

        Raises:
            UsageError: if no such frame is planned.
            StorageError: if it is missing or damaged.
        """
        number = operator.index(frame)
        if not 0 <= number < self.planned:
            raise UsageError(f"{self.path}: there is no frame {number}; frames are 0 to {self.planned - 1}.")
        if number not in self._existing:
            raise StorageError(
                f"{self.path}: frame {number} is missing; .frames lists the {len(self)} of {self.planned} that exist. "
                "farm inspect gives the reason."
            )
        return _read(self._folder, number)

    def __getitem__(self, frame: int) -> Image.Image:
        return self.image(frame)

    def __len__(self) -> int:
        return len(self.frames)

    def __iter__(self) -> Iterator[Image.Image]:
        return iter(self.images)

    def __repr__(self) -> str:
        return f"<job {self.name!r}: {len(self)} of {self.planned} frames, {self.state}, in {self.path!r}>"

    def _repr_html_(self) -> str:
        return page(self)

    @functools.cached_property
    def _existing(self) -> frozenset[int]:
        return frozenset(self.frames)


class Images(Sequence[Image.Image]):
    """The pictures of `frames`, in this order, each read on access, also in slices."""

    def __init__(self, folder: JobFolder, frames: tuple[int, ...]) -> None:
        self._folder = folder
        self.frames = frames

    @overload
    def __getitem__(self, index: int) -> Image.Image: ...

    @overload
    def __getitem__(self, index: slice) -> Images: ...

    def __getitem__(self, index: int | slice) -> Image.Image | Images:
        if isinstance(index, slice):
            return Images(self._folder, self.frames[index])
        if not -len(self) <= index < len(self):
            existing = f"there are {len(self)}, 0 to {len(self) - 1}" if self.frames else "there are none"
            raise IndexError(f"no picture {index}: {existing}; .frames has their frame numbers.")
        return _read(self._folder, self.frames[index])

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        return f"<{len(self)} pictures of {self._folder.path('').rstrip('/')!r}>"


def _read(folder: JobFolder, frame: int) -> Image.Image:
    name = file_name(frame)
    return Image.fromarray(decode_frame(folder.read(name), folder.path(name)))


def import_pandas() -> Any:
    """Return pandas, which the farm does not require.

    Raises:
        UsageError: if it is not installed.
    """
    try:
        import pandas  # type: ignore[import-untyped, unused-ignore]
    except ImportError as error:
        raise UsageError(
            "pandas is not installed; run pip install pandas, or use .table, a pyarrow Table."
        ) from error
    return pandas
