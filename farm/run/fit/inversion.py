"""Whether a learned word is learned with the model's text encoders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from farm.manifest.reading.findings import Finding
from farm.manifest.reading.places import Path as Field
from farm.records import TextualInversion
from farm.render.checkpoints.adapter_files import ENCODER_OF, USUAL_WORD
from farm.render.checkpoints.architecture import Architecture
from farm.render.checkpoints.checkpoint_contents import Shape, read_shapes
from farm.run.fit.clauses import misfit, word_widths
from farm.run.fit.files import find_weights


def inversion_findings(field: Field, inversion: TextualInversion, model: Architecture) -> Iterator[Finding]:
    """Yield what is wrong with a learned word; nothing where the hub's is not on this machine yet."""
    file = find_weights(field, inversion.source, inversion.weight_name, usual=USUAL_WORD)
    if isinstance(file, Finding):
        yield file
    elif isinstance(file, Path):
        clauses = _clauses(read_shapes(file), model)
        yield from misfit((*field, "pretrained"), clauses, "words learned with this model's text encoders")


def _clauses(shapes: Mapping[str, Shape], model: Architecture) -> Iterator[str]:
    if len(shapes) == 1 or shapes.keys() == ENCODER_OF.keys():
        own = {ENCODER_OF.get(name, "text_encoder"): shape[-1:] for name, shape in shapes.items()}
        yield from word_widths(own, model)
    else:
        yield f"it is no learned word, with {len(shapes)} tensors"
