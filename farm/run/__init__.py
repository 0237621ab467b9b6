"""Wires plan, executor and reducer together: one job, or a night of them."""

from farm.run.finished.read_job import finished_job
from farm.run.finished.reassemble import Assembled, reassemble
from farm.run.gather import Gathered, gather, name_taken
from farm.run.measure.reanalyze import Analyzed, reanalyze
from farm.run.night import render
from farm.run.pages.night_gallery import NightGallery
from farm.run.pages.rereport import rereport
from farm.run.pictures.input_pictures import pictures_beside
from farm.run.prepare import Job, prepare
from farm.run.preparer import MANIFEST_SECONDS
from farm.run.rates import Rates
from farm.run.states import EXIT_CODES, exit_code
from farm.run.verify.comparison import Finding, Verdict
from farm.run.verify.difference import Change, Difference
from farm.run.verify.verification import Verification
from farm.run.verify.verify import verify

__all__ = [
    "EXIT_CODES",
    "MANIFEST_SECONDS",
    "Analyzed",
    "Assembled",
    "Change",
    "Difference",
    "Finding",
    "Gathered",
    "Job",
    "NightGallery",
    "Rates",
    "Verdict",
    "Verification",
    "exit_code",
    "finished_job",
    "gather",
    "name_taken",
    "pictures_beside",
    "prepare",
    "reanalyze",
    "reassemble",
    "render",
    "rereport",
    "verify",
]
