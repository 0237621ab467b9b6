"""Wires plan, executor and reducer together: one job, or a night of them."""

from farm.run.gather import Gathered, gather, name_taken
from farm.run.job import EXIT_CODES, exit_code
from farm.run.night import render
from farm.run.prepare import Job, prepare
from farm.run.rates import Rates
from farm.run.reassemble import Assembled, reassemble

__all__ = [
    "EXIT_CODES",
    "Assembled",
    "Gathered",
    "Job",
    "Rates",
    "exit_code",
    "gather",
    "name_taken",
    "prepare",
    "reassemble",
    "render",
]
