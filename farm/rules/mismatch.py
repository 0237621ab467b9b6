"""Messages about weights that do not fit the model."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from farm.inputs.checkpoints.info import Architecture
from farm.manifest.findings import Finding
from farm.manifest.location import FieldPath


def mismatch(field: FieldPath, clauses: Iterable[str], needed: str) -> Iterator[Finding]:
    """Yield one mistake with all clauses, if there are any; `field` names the weights."""
    reasons = " and ".join(clauses)
    if reasons:
        yield Finding(path=field, found=f"does not fit the model: {reasons}", allowed=f"needed: {needed}")


def unequal(name: str, own: object, required: object) -> Iterator[str]:
    """Yield a clause if both values are known and differ."""
    if own not in (None, ()) and required not in (None, ()) and own != required:
        yield f"its {name} is {_formatted(own)}, not {_formatted(required)}"


def among(name: str, own: Collection[int], required: Collection[int | None]) -> Iterator[str]:
    """Yield a clause if sizes are known on both sides, and some are not among the `required` ones."""
    known = [size for size in required if size is not None]
    unexpected = sorted(set(own) - set(known))
    if known and unexpected:
        yield f"its {name} is {_either(unexpected)}, not {_either(known)}"


def encoder_widths(own: Mapping[str, Collection[int]], model: Architecture) -> Iterator[str]:
    """Yield a clause for each text encoder that the model lacks, or whose width differs."""
    for encoder, widths in own.items():
        if model.components is not None and encoder not in model.components:
            yield f"it is for a {encoder}, and the model has none"
        else:
            yield from among(f"{encoder} width", widths, [model.text_widths.get(encoder)])


def _formatted(value: object) -> str:
    return f"({', '.join(map(str, value))})" if isinstance(value, tuple) else str(value)


def _either(sizes: Iterable[int]) -> str:
    return " or ".join(map(str, dict.fromkeys(sizes)))
