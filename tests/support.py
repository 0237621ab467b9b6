"""What is tested with what: tests take their parameters from here, and the README its tables.

To write the tables again: python -m tests.support
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

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
"""Ways of making pictures, by what moves along the frames; the tests are tests/render/test_ways.py."""

BESIDE: Mapping[str, tuple[str, ...]] = {
    "several ControlNets": ("SD", "SDXL"),
    "IP-Adapter": ("SD", "SDXL"),
    "IP-Adapter plus, plus-face": ("SD", "SDXL"),
    "several IP-Adapters, several pictures": ("SD", "SDXL"),
    "interpolation of image prompts": ("SD", "SDXL"),
    "refiner": ("SDXL",),
    "sizes and crops (micro-conditioning)": ("SDXL",),
    "Turbo: 1 to 4 steps, no guidance": ("SD", "SDXL"),
    "several LoRAs, LCM-LoRA": ("SD",),
    "textual inversion": ("SD", "SDXL"),
    "weighted and long prompts (compel)": ("SD", "SDXL"),
    "clip_skip, eta, guidance_rescale": ("SD",),
    "a single .safetensors file": ("SD",),
    "outpainting, a crop around the mask": ("SD",),
    "VAE slicing and tiling, attention of choice": ("SD", "SDXL"),
    "text encoders released": ("SD", "SDXL"),
}
"""What stands beside a model or goes into its words, by the model."""


def tables() -> str:
    """Return both tables in Markdown."""
    ways = [[way.what, f"`{way.pipeline}`", *_ticks(MOVES, name)] for name, way in WAYS.items()]
    beside = [
        [name, *("✓" if kind in kinds else "" for kind in ("SD", "SDXL"))] for name, kinds in BESIDE.items()
    ]
    return f"{_table(['', 'pipeline', *MOVES], ways)}\n\n{_table(['beside the model', 'SD', 'SDXL'], beside)}"


def shown() -> str:
    """Return the tables that the README has now."""
    text = README.read_text()
    return text[text.index(MARKS[0]) + len(MARKS[0]) : text.index(MARKS[1])].strip()


def _ticks(columns: Mapping[str, Iterable[str]], name: str) -> list[str]:
    return ["✓" if name in names else "" for names in columns.values()]


def _table(head: list[str], rows: list[list[str]]) -> str:
    rules = ["---" if name in ("", "pipeline", "beside the model") else ":-:" for name in head]
    lines = [head, rules, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _write() -> None:
    text = README.read_text()
    before, after = text.split(MARKS[0])[0], text.split(MARKS[1])[1]
    README.write_text(f"{before}{MARKS[0]}\n{tables()}\n{MARKS[1]}{after}")


if __name__ == "__main__":
    _write()
