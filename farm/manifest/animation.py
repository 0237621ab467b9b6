"""The `animation` section: six kinds, told apart by `kind`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from farm.manifest.motions import Circle, Grid, Interpolate, Walk
from farm.manifest.pictures import Stills, Sweep
from farm.manifest.section import Section

KINDS: dict[str, type[Section]] = {
    "interpolate": Interpolate,
    "grid": Grid,
    "walk": Walk,
    "circle": Circle,
    "stills": Stills,
    "sweep": Sweep,
}


def _kind(value: Any) -> str | None:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return f"<{kind}>" if isinstance(kind, str) and kind in KINDS else None


Animation = Annotated[
    Annotated[Interpolate, Tag("<interpolate>")]
    | Annotated[Grid, Tag("<grid>")]
    | Annotated[Walk, Tag("<walk>")]
    | Annotated[Circle, Tag("<circle>")]
    | Annotated[Stills, Tag("<stills>")]
    | Annotated[Sweep, Tag("<sweep>")],
    Discriminator(_kind),
]
