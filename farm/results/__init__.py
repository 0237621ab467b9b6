"""Everything that reads the folders of jobs: inspect, verify, compare, assemble, and pages."""

from typing import TYPE_CHECKING

from farm.lazy_imports import import_lazily

if TYPE_CHECKING:
    from farm.results.assemble import AssembledOutputs, assemble_outputs
    from farm.results.gallery import build_report
    from farm.results.job import job_to_verify
    from farm.results.status import EXIT_CODES, exit_code
    from farm.results.verify import Verification, verify
    from farm.results.verify_frames import Difference, EnvironmentChange, FrameFinding, Verdict

import_lazily(__name__)

__all__ = [
    "EXIT_CODES",
    "AssembledOutputs",
    "EnvironmentChange",
    "Difference",
    "FrameFinding",
    "Verdict",
    "Verification",
    "exit_code",
    "job_to_verify",
    "assemble_outputs",
    "build_report",
    "verify",
]
