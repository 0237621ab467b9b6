"""What finished frames show: measured in stretches, then judged over the whole job.

columns_of(spec) -> tuple[Column, ...]                  what is measured, by column
are_measurable(columns) -> bool                         whether columns that were read are such
misfit_of(part) -> str | None                           whether a checkpoint can judge, by its files alone
text_reader(source) -> TextReader | None                how a CLIP model reads texts, by its files alone
open_analyzer(spec) -> Analyzer                         loads models; torch loads here, and not before
measure(spec, folder, stretch) -> tuple[Values, ...]    the same for frames in a job's folder
account(columns, curves) -> Account                     what all frames together say
times_the_median(times) -> str                          a factor as people say it
apart(one, other) -> Apart | None                       how far two pictures are apart
sharpness(pixels) -> float                              how sharp one is
"""

from typing import TYPE_CHECKING

from farm.lazy_imports import import_lazily

if TYPE_CHECKING:
    from farm.analyze.insights.agreement import Agreement, Disagreement
    from farm.analyze.insights.insights import Account, account
    from farm.analyze.insights.outliers import Jump, times_the_median
    from farm.analyze.insights.sentences import Sentence
    from farm.analyze.insights.transitions import GroupStory, Transition
    from farm.analyze.metrics.analyzer import (
        Analyzer,
        Read,
        are_measurable,
        columns_of,
        measure,
        open_analyzer,
    )
    from farm.analyze.metrics.image import Apart, apart, sharpness
    from farm.inputs.checkpoints.tokenizers import TextReader, misfit_of, text_reader

import_lazily(__name__)

__all__ = [
    "Account",
    "Agreement",
    "Analyzer",
    "Apart",
    "Disagreement",
    "GroupStory",
    "Jump",
    "Read",
    "Sentence",
    "TextReader",
    "Transition",
    "account",
    "apart",
    "are_measurable",
    "columns_of",
    "measure",
    "misfit_of",
    "open_analyzer",
    "sharpness",
    "text_reader",
    "times_the_median",
]
