"""Frames that are there, measured anew or for the first time. None is rendered or touched."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from farm.errors import UsageError
from farm.execute import Executor
from farm.inputs.absolute_paths import with_absolute_paths
from farm.inputs.resolve import find_analysis
from farm.manifest import to_yaml
from farm.manifest.read_policy import ANYTHING, ReadPolicy
from farm.reduce import write_summary, write_table
from farm.results.gallery import write_page
from farm.results.job import FinishedJob, open_finished
from farm.results.measurements import Findings, findings_of, header_of, measurements_of
from farm.run.measuring import Measuring
from farm.store import FolderLock


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzedJob:
    """What `analyze_job` measured: `frames` of `planned` were there."""

    name: str
    planned: int
    frames: int
    findings: Findings


def analyze_job(
    url: str, executor: Executor, overrides: Sequence[str] = (), *, reads: ReadPolicy = ANYTHING
) -> AnalyzedJob:
    """Measure the frames of the job in `url` as the `analysis` of its manifest says, with `overrides` laid over it.

    The table, the page and the summary are written anew, and the manifest there says how it was measured.

    Raises:
        UsageError: when it is not a job's folder, parts of it are links, its manifest asks for no analysis, an override
            is of another section, or no frame is there.
        ManifestError: when the manifest is wrong, or a checkpoint that it measures with is not there.
        FarmError: when frames cannot be measured; the table stays as it was.
    """
    _refuse_others(overrides)
    job = open_finished(url, overrides, reads=reads)
    spec = find_analysis(job.document)
    if spec is None:
        raise UsageError(
            f"{url}: its manifest asks for no analysis. Say what to measure, such as --set analysis.smoothness=true, "
            "or add an analysis section to the manifest.yaml there."
        )
    manifest = with_absolute_paths(job.document, job.plan.renderer, spec)
    job = dataclasses.replace(job, plan=dataclasses.replace(job.plan, manifest_text=to_yaml(manifest)))
    claim = FolderLock(job.folder).acquire()
    try:
        job.folder.sweep()
        there = [frame.index for frame, _ in job.frames()]
        if not there:
            raise UsageError(f"{url}: no finished frame is there to be measured; render the job first.")
        with executor:
            measuring = Measuring(job.plan, job.folder, spec, executor.background)
            try:
                measuring.offer_kept(there)
                measuring.finish()
            except BaseException:
                measuring.abort()
                raise
        claim.renew()
        kept = measurements_of(job.folder, spec)
        findings = findings_of(job.plan, kept, job.shown())
        kept.activate()
        _write(job, there, findings)
    finally:
        claim.release()
    return AnalyzedJob(name=job.plan.name, planned=job.plan.frame_count, frames=len(there), findings=findings)


def _refuse_others(overrides: Sequence[str]) -> None:
    """Refuse to lay anything over how the frames were made."""
    for text in overrides:
        if text.partition("=")[0].partition(".")[0].strip() != "analysis":
            raise UsageError(
                f"--set {text}: the frames are there already, and only what is measured in them can change; needed: "
                "fields of the analysis section, such as analysis.smoothness=true."
            )


def _write(job: FinishedJob, there: Sequence[int], findings: Findings) -> None:
    job.folder.write("manifest.yaml", job.plan.manifest_text.encode())
    write_table(job.folder, header_of(job.plan, findings), job.frames())
    summary = dataclasses.replace(job.summary(len(there)), analysis=dataclasses.asdict(findings.insights))
    write_summary(job.folder, summary)
    write_page(job, there, findings)
