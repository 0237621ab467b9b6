"""Load, plan, render and open jobs: the functions behind `import farm` and behind the command line.

Nothing here prints, except for a progress bar while frames are rendered, or changes signal handlers.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from farm.errors import RenderError, UsageError

if TYPE_CHECKING:
    from farm.events import Event
    from farm.execute import Executor, RetryPolicy
    from farm.manifest import Document
    from farm.manifest.read_policy import ReadPolicy
    from farm.plan import Range
    from farm.records import CacheSpec, Frame
    from farm.reduce import Summary
    from farm.results.job import FinishedJob
    from farm.results.notebook import OpenedJob
    from farm.run.prepare import Job

Overrides = Mapping[str, object] | Sequence[str]
"""Fields to override, by dotted name: `{"render.eta": 0.5}`, or in the form of --set, `["render.eta=0.5"]`."""


def load(source: str | os.PathLike[str] | Mapping[str, object], *, overrides: Overrides = ()) -> Document:
    """Load and check a manifest, given as the path of a YAML file or as a mapping.

    Fields and the rules between them are checked; `plan` and `render` check the checkpoints and pictures that the
    manifest names. Paths are relative to the folder of the file, or to the current directory for a mapping.

    Raises:
        ManifestError: with every mistake.
        UsageError: if the mapping contains values that no YAML file could.
    """
    from farm.rules.load import from_mapping
    from farm.rules.load import load as load_file

    if isinstance(source, Mapping):
        return from_mapping(source, _texts(overrides))
    return load_file(Path(source), _texts(overrides))


def plan(
    source: str | os.PathLike[str] | Mapping[str, object] | Document,
    *,
    frames: int | None = None,
    overrides: Overrides = (),
    out: str | os.PathLike[str] = "out",
    procedural: bool = False,
    reads: ReadPolicy | None = None,
) -> JobPlan:
    """Return what rendering a manifest would do. Nothing is rendered or written.

    `frames` overrides `animation.frames`. `out` is the folder or fsspec URL in which the job has its own folder. With
    `procedural`, test pictures are drawn instead of running the model, in the folder `<name>-rehearsal`. `reads` limits
    which files and checkpoints the manifest may read.

    Raises:
        ManifestError: with every mistake, including checkpoints and pictures that are missing or do not fit.
        UsageError: if `out` cannot be written to.
        StorageError: if the job's folder cannot be read.
    """
    from farm.manifest.read_policy import ANYTHING
    from farm.run.prepare import prepare

    texts = _texts(overrides)
    if frames is not None:
        texts.append(f"animation.frames={frames}")
    if isinstance(source, Mapping):
        source = load(source)
    elif isinstance(source, str | os.PathLike):
        source = Path(source)
    return JobPlan(
        prepare(
            source,
            overrides=texts,
            output_dir=os.fspath(out),
            procedural=procedural,
            reads=reads or ANYTHING,
        )
    )


def render(
    source: str | os.PathLike[str] | Mapping[str, object] | Document | JobPlan,
    *,
    frames: int | None = None,
    overrides: Overrides = (),
    out: str | os.PathLike[str] = "out",
    procedural: bool = False,
    reads: ReadPolicy | None = None,
    inline: bool = False,
    workers: int | None = None,
    address: str | None = None,
    progress: bool = True,
) -> OpenedJob:
    """Render a manifest, or a plan of one, and return the finished job. Frames that are finished already are kept.

    `frames` to `reads` are as for `plan`, and not allowed with a plan. `inline` renders in this process; otherwise
    `workers` Ray workers do, by default one per GPU or CPU core. They run on the Ray cluster at `address`, on the one
    that this process is connected to, or on a local one that is stopped afterwards. With `progress`, a progress bar is
    shown in a terminal or notebook.

    A job with failed frames is returned with the `state` "partial"; `summary.failures` gives the reasons. Ctrl-C raises
    KeyboardInterrupt after the frames in progress are saved; call `render` again to resume.

    Raises:
        ManifestError: with every mistake; nothing was started.
        UsageError: if options contradict each other.
        ClusterError: if Ray cannot be started or reached.
        StorageError: if the job's folder cannot be read.
        RenderError: if no frame could be rendered, or an output could not be written.
    """
    if isinstance(source, JobPlan):
        if frames is not None or overrides or procedural or os.fspath(out) != "out":
            raise UsageError(
                "A plan is rendered as it is; give frames, overrides, out and procedural to farm.plan."
            )
        job = source
    else:
        job = plan(source, frames=frames, overrides=overrides, out=out, procedural=procedural, reads=reads)
    executor = make_executor([job.job], inline=inline, workers=workers, address=address)
    with _progress(shown=progress) as on_event:
        [summary] = render_plans([job], executor, on_event)
    if summary.state == "interrupted":
        raise KeyboardInterrupt("Interrupted. Finished frames are kept; render again to resume.")
    if summary.state == "failed":
        raise RenderError(summary.error or f"{job.name}: no frame could be rendered.")
    return open(job.job.folder.url)


def open(folder: str | os.PathLike[str]) -> OpenedJob:
    """Return the job in a folder, given as a path or an fsspec URL, with its table, its pictures and a rich display.

    Raises:
        UsageError: if the folder contains no job, or parts of it are links.
        ManifestError: if the manifest in the folder was edited and is invalid.
        StorageError: if the folder cannot be read.
    """
    from farm.results.notebook import OpenedJob

    return OpenedJob(os.fspath(folder))


class JobPlan(Sequence["Frame"]):
    """What rendering a manifest would do: a sequence of its frames, and why each is to be rendered or kept.

    A frame has an `index`, a position `alpha` on the motion, from 0 to 1, a `recipe`, and the recipe's `digest`.
    `warnings` report, with line and column, where the result will differ from the manifest.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.name = job.plan.name
        self.kind = job.plan.kind
        self.folder = job.folder.path("").rstrip("/")
        self.warnings = job.remarks

    @functools.cached_property
    def ranges(self) -> tuple[Range, ...]:
        """Ranges of frames that cover the job, each with the reason why it is to be rendered or kept.

        Raises:
            StorageError: if the job's folder cannot be read.
        """
        return tuple(self.job.remaining())

    @property
    def kept(self) -> int:
        """The number of frames that are finished already."""
        from farm.records.status import RenderReason

        return sum(part.count for part in self.ranges if part.reason is RenderReason.KEPT)

    @property
    def chunks_left(self) -> int:
        """The number of chunks to render: all of them until a pilot has chosen the alphas."""
        pacing = self.job.pacing
        if pacing is not None and not pacing.is_known:
            return self.job.plan.chunk_count
        return len(self.job.to_render(self.ranges))

    @property
    def model_calls(self) -> int:
        """The number of model calls left, at most: one per chunk, and those of a pilot."""
        return self.chunks_left + (self.job.pacing.pilot_calls[1] if self.job.pacing else 0)

    def estimate(self) -> float | None:
        """Return the estimated seconds left, or None if this model and size were never rendered on this machine."""
        from farm.run.estimates import Rates

        return Rates.of_user().estimate(self.job.plan, range(self.model_calls))

    def to_pandas(self) -> Any:
        """Return a pandas DataFrame with a row per frame.

        Its columns are `frame`, `alpha`, `digest`, `status` (why the frame is to be rendered or kept), `prompts`,
        `weights`, `seeds`, and one per argument of the pipeline call.

        Raises:
            UsageError: if pandas is not installed.
        """
        from farm.results.notebook import import_pandas

        pandas = import_pandas()
        return pandas.DataFrame(list(self._rows()))

    def _rows(self) -> Iterator[dict[str, object]]:
        for part in self.ranges:
            for index in range(part.first, part.last + 1):
                frame = self.job.plan.frame(index)
                recipe = frame.recipe
                yield {
                    "frame": index,
                    "alpha": frame.alpha,
                    "digest": frame.digest,
                    "status": part.reason.value,
                    "prompts": list(recipe.conditioning.prompts),
                    "weights": list(recipe.conditioning.weights),
                    "seeds": list(recipe.noise.seeds),
                    **recipe.arguments,
                }

    @overload
    def __getitem__(self, index: int) -> Frame: ...

    @overload
    def __getitem__(self, index: slice) -> list[Frame]: ...

    def __getitem__(self, index: int | slice) -> Frame | list[Frame]:
        selected = range(len(self))[index]
        if isinstance(selected, int):
            return self.job.plan.frame(selected)
        return list(map(self.job.plan.frame, selected))

    def __len__(self) -> int:
        return self.job.plan.frame_count

    def __repr__(self) -> str:
        return (
            f"<plan {self.name!r}: {len(self)} frames, {self.kept} kept, {self.model_calls} model calls left>"
        )


def make_executor(
    jobs: Sequence[Job | FinishedJob],
    *,
    inline: bool = False,
    workers: int | None = None,
    address: str | None = None,
    policy: RetryPolicy | None = None,
    cache: CacheSpec | None = None,
) -> Executor:
    """Return the executor that these options select, not yet entered.

    Raises:
        UsageError: if the options contradict each other.
    """
    from farm import execute

    if inline and (address or (workers or 1) > 1):
        raise UsageError("--inline runs in this process alone; omit --workers and --address.")
    if not inline and any(job.folder.in_process for job in jobs):
        raise UsageError(
            "--output-dir memory://: visible to this process only; add --inline, or choose another folder."
        )
    return execute.open_executor(inline=inline, workers=workers, address=address, policy=policy, cache=cache)


def render_plans(
    plans: Sequence[JobPlan],
    executor: Executor,
    on_event: Callable[[Event], None],
    *,
    chunks_per_shard: int | None = None,
) -> tuple[Summary, ...]:
    """Render jobs on one executor and return their summaries, in the same order; remember their pace for estimates.

    Raises:
        UsageError: if two jobs have the same name.
        ClusterError: if no worker can be started.
    """
    from farm.run.estimates import Rates
    from farm.run.session import render as render_jobs

    jobs = [each.job for each in plans]
    with executor:
        summaries = render_jobs(jobs, executor, on_event, chunks_per_shard=chunks_per_shard)
    rates = Rates.of_user()
    for job, summary in zip(jobs, summaries, strict=True):
        rates.learn(job.plan, summary)
    return summaries


def _texts(overrides: Overrides) -> list[str]:
    """Return overrides as `field=value`, with the value in JSON, a subset of YAML."""
    if isinstance(overrides, str):
        raise UsageError('overrides: found a string; give a mapping, or a list such as ["render.eta=0.5"].')
    if not isinstance(overrides, Mapping):
        return list(overrides)
    try:
        return [
            f"{field}={json.dumps(value, ensure_ascii=False, default=os.fspath)}"
            for field, value in overrides.items()
        ]
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"overrides: cannot be read: {error}; needed: strings, numbers, booleans, None, lists and mappings."
        ) from error


@contextlib.contextmanager
def _progress(*, shown: bool) -> Iterator[Callable[[Event], None]]:
    """Provide a function that shows events in a terminal or notebook, and nowhere else."""
    if not shown:
        yield lambda _: None
        return
    from farm.progress import progress_display

    with progress_display() as view:
        yield view
