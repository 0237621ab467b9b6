"""The support matrix, the source of test parameters and of the README's tables.

To update the README: python -m tests.support
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from farm.manifest.pipelines import PIPELINES, Traits
from tests.checkpoints.ways import WAYS

README = Path(__file__).parent.parent / "README.md"
MARKS = "<!-- support: written by python -m tests.support -->", "<!-- /support -->"

PICTURED = tuple(name for name, way in WAYS.items() if way.pictures)

MOVES: Mapping[str, tuple[str, ...]] = {
    "plain call": tuple(WAYS),
    "interpolate": tuple(WAYS),
    "walk": tuple(WAYS),
    "circle": tuple(WAYS),
    "any layout": tuple(WAYS),
    "a picture per frame": PICTURED,
}
"""Ways of generating pictures, by what changes between frames; tested in tests/render/test_ways.py."""


def _ways_where(condition: Callable[[Traits], bool]) -> tuple[str, ...]:
    return tuple(name for name, way in WAYS.items() if condition(PIPELINES[way.pipeline]))


NO_TINY_FILE = ("FluxPipeline",)
"""Accepted as single files but not tested: diffusers splits the weights at offsets of the full-size model."""

ACCEPTED: Mapping[str, tuple[str, ...]] = {
    "other arguments": tuple(WAYS),
    "LoRA": _ways_where(lambda traits: "loras" in traits.parts),
    "IP-Adapter": _ways_where(lambda traits: "ip_adapters" in traits.parts),
    "textual inversion": _ways_where(lambda traits: "textual_inversions" in traits.parts),
    "compel": _ways_where(lambda traits: traits.uses_clip_only),
    "several ControlNets": _ways_where(lambda traits: "controlnets" in traits.parts),
    "single file": _ways_where(lambda traits: "config" in traits.parts),
}
"""Ways by the features that the farm accepts with them."""

PARTS: Mapping[str, tuple[str, ...]] = ACCEPTED | {
    "single file": tuple(name for name in ACCEPTED["single file"] if WAYS[name].pipeline not in NO_TINY_FILE),
}
"""The tested ones, without NO_TINY_FILE; tested in tests/render/test_parts.py."""

FEATURES: Mapping[str, tuple[str, ...]] = {
    "IP-Adapter plus, plus-face": ("SD", "SDXL"),
    "several IP-Adapters, several pictures": ("SD", "SDXL"),
    "interpolation of image prompts": ("SD", "SDXL"),
    "refiner": ("SDXL",),
    "sizes and crops (micro-conditioning)": ("SDXL",),
    "Turbo: 1 to 4 steps, no guidance": ("SD", "SDXL"),
    "several LoRAs, LCM-LoRA": ("SD", "SDXL"),
    "outpainting, a crop around the mask": ("SD", "SDXL"),
    "VAE slicing and tiling, attention of choice": ("SD", "SDXL"),
    "text encoders released": ("SD", "SDXL"),
}
"""More features, with the models that support them: each is tested with these and refused with the others."""

TESTED, REFUSED, UNTESTED, ON_A_GPU = "✓", "–", "○", "GPU"
NEED_A_GPU: Mapping[str, str] = {"offload: model, sequential, group": ON_A_GPU, "xFormers": UNTESTED}
"""Options of `model.memory` that need a GPU; offloading is tested in tests/render/test_memory_options.py."""

SIGNS = (
    f"{TESTED} tested; {REFUSED} refused by `farm check`; {UNTESTED} accepted but not tested (diffusers reads Flux "
    f"single files at full size only; xFormers needs a GPU); {ON_A_GPU} needs a GPU: its tests, marked `gpu`, have not "
    "been run yet."
)


def tables() -> str:
    """Return both tables in Markdown, with a legend of their signs."""
    ways = [[way.what, f"`{way.pipeline}`", *_signs(name)] for name, way in WAYS.items()]
    features = [
        [name, *(TESTED if kind in kinds else REFUSED for kind in ("SD", "SDXL"))]
        for name, kinds in FEATURES.items()
    ]
    features += [[name, sign, sign] for name, sign in NEED_A_GPU.items()]
    columns, models = ["", "pipeline", *MOVES, *PARTS], ["feature", "SD", "SDXL"]
    return f"{_table(columns, ways)}\n\n{_table(models, features)}\n\n{SIGNS}"


def readme_tables() -> str:
    """Return the current tables in the README."""
    text = README.read_text()
    return text[text.index(MARKS[0]) + len(MARKS[0]) : text.index(MARKS[1])].strip()


def _signs(name: str) -> list[str]:
    accepted = MOVES | ACCEPTED
    return [
        TESTED if name in names else UNTESTED if name in accepted[column] else REFUSED
        for column, names in (MOVES | PARTS).items()
    ]


def _table(head: list[str], rows: list[list[str]]) -> str:
    rules = ["---" if name in ("", "pipeline", "feature") else ":-:" for name in head]
    lines = [head, rules, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _write() -> None:
    text = README.read_text()
    before, after = text.split(MARKS[0])[0], text.split(MARKS[1])[1]
    README.write_text(f"{before}{MARKS[0]}\n{tables()}\n{MARKS[1]}{after}")


if __name__ == "__main__":
    _write()
