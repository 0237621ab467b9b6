from __future__ import annotations

from farm.manifest.output import Output
from farm.records import GifSpec, GridSpec, Mp4Spec, OutputSpec, SheetSpec

GRID = GridSpec(rows=1, columns=1, row_labels=(), column_labels=(), title="")


def test_the_defaults_become_the_reducers_specs() -> None:
    assert Output().spec(GRID) == OutputSpec(
        gif=GifSpec(fps=10, rubber_band=False, loop=True, colors=256, palette="global", dither=True, scale=1),
        mp4=Mp4Spec(fps=30, crf=18, preset="medium"),
        contact_sheet=SheetSpec(columns=10, max_frames=300, thumbnail=256),
        grid=GRID,
    )


def test_a_disabled_output_is_none() -> None:
    output = Output.model_validate({"gif": False, "mp4": None, "contact_sheet": False, "grid": False})
    assert output.spec(GRID) == OutputSpec(gif=None, mp4=None, contact_sheet=None, grid=None)


def test_true_means_all_defaults() -> None:
    assert Output.model_validate({"gif": True, "mp4": {}, "contact_sheet": True}) == Output()
