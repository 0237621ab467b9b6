"""Everything that reads a finished job's folder: inspect, verify, compare, assemble, and its pages."""

from typing import TYPE_CHECKING

from farm.lazy_imports import import_lazily

if TYPE_CHECKING:
    from farm.results.assemble import Assembled, reassemble
    from farm.results.gallery import rereport
    from farm.results.job import finished_job
    from farm.results.status import EXIT_CODES, exit_code
    from farm.results.verify import Verification, verify
    from farm.results.verify_frames import Change, Difference, Finding, Verdict

import_lazily(__name__)

__all__ = [
    "EXIT_CODES",
    "Assembled",
    "Change",
    "Difference",
    "Finding",
    "Verdict",
    "Verification",
    "exit_code",
    "finished_job",
    "reassemble",
    "rereport",
    "verify",
]
