"""Measure the finished frames of a job. Nothing is rendered, and no frame is changed."""

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
    """What `analyze_job` measured in the finished `frames` of the `planned` ones."""

    name: str
    planned: int
    frames: int
    findings: Findings


def analyze_job(
    url: str, executor: Executor, overrides: Sequence[str] = (), *, reads: ReadPolicy = ANYTHING
) -> AnalyzedJob:
    """Measure the frames of the job at `url` as the `analysis` section of its manifest says, after `overrides`.

    Replace the table, the page and the summary, and record the analysis in the job's manifest.

    Raises:
        UsageError: if it is not a job's folder, contains symbolic links, its manifest has no `analysis` section, an
            override changes another section, or no frame is finished.
        ManifestError: if the manifest is invalid, or a scoring model is missing.
        FarmError: if frames cannot be measured; the table is left unchanged.
    """
    _require_analysis_overrides(overrides)
    job = open_finished(url, overrides, reads=reads)
    spec = find_analysis(job.document)
    if spec is None:
        raise UsageError(
            f"{url}: its manifest has no analysis section. Choose what to measure, such as "
            "--set analysis.smoothness=true, or add the section to its manifest.yaml."
        )
    manifest = with_absolute_paths(job.document, job.plan.renderer, spec)
    job = dataclasses.replace(job, plan=dataclasses.replace(job.plan, manifest_text=to_yaml(manifest)))
    lock = FolderLock(job.folder).acquire()
    try:
        job.folder.sweep()
        finished = [frame.index for frame, _ in job.frames()]
        if not finished:
            raise UsageError(f"{url}: no finished frames to measure; render the job first.")
        with executor:
            measuring = Measuring(job.plan, job.folder, spec, executor.background)
            try:
                measuring.offer_kept(finished)
                measuring.finish()
            except BaseException:
                measuring.abort()
                raise
        lock.renew()
        kept = measurements_of(job.folder, spec)
        findings = findings_of(job.plan, kept, job.analyzed_frames())
        kept.activate()
        _write(job, finished, findings)
    finally:
        lock.release()
    return AnalyzedJob(
        name=job.plan.name, planned=job.plan.frame_count, frames=len(finished), findings=findings
    )


def _require_analysis_overrides(overrides: Sequence[str]) -> None:
    """Refuse overrides of anything but the analysis: the frames are rendered already."""
    for text in overrides:
        if text.partition("=")[0].partition(".")[0].strip() != "analysis":
            raise UsageError(
                f"--set {text}: the frames are already rendered, so only their analysis can change; needed: "
                "fields of the analysis section, such as analysis.smoothness=true."
            )


def _write(job: FinishedJob, finished: Sequence[int], findings: Findings) -> None:
    job.folder.write("manifest.yaml", job.plan.manifest_text.encode())
    write_table(job.folder, header_of(job.plan, findings), job.frames())
    summary = dataclasses.replace(job.summary(len(finished)), analysis=dataclasses.asdict(findings.insights))
    write_summary(job.folder, summary)
    write_page(job, finished, findings)
