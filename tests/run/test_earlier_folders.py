"""The folder of an earlier version of the farm stays readable.

`earlier/` was written at commit e5ac3c8, before records were read strictly, by rehearsing `earlier/earlier.yaml` into
it in one process (`InlineExecutor`, `procedural=True`), on a machine called `host`. Recreate it only when `SEMANTICS`
in `farm/plan/plan.py` is raised, with the last commit before that.
"""

import shutil
from pathlib import Path

import pytest

import farm
from farm.plan import Range
from farm.records.status import RenderReason
from farm.results import assemble_outputs
from farm.results.inspect import inspect
from farm.run import prepare

NAME = "earlier-rehearsal"


@pytest.fixture
def place(tmp_path):
    return shutil.copytree(Path(__file__).parent / "earlier", tmp_path / "place")


def test_every_frame_is_kept(place):
    job = prepare(place / "earlier.yaml", output_dir=str(place), procedural=True)
    assert job.remaining() == [Range(first=0, last=3, reason=RenderReason.KEPT)]
    assert job.pacing.is_known


def test_it_can_be_inspected(place, caplog):
    found = inspect(str(place / NAME))
    assert (found.state, found.planned, found.there, found.whole, found.failed) == ("done", 4, 4, 4, 0)
    assert (found.missing, found.remarks, found.unmeasured) == ((), (), 0)
    assert (found.seconds, found.finished_at[:4]) == (farm.open(place / NAME).summary.seconds, "2026")
    assert [jump.column for jump in found.jumps] == ["rgb_change", "perceptual_change"]
    assert [share.frames for share in found.environments] == [4]
    assert caplog.messages == []


def test_its_table_is_read(place):
    table = farm.open(place / NAME).table
    assert table.column("frame").to_pylist() == [0, 1, 2, 3]
    assert table.column("prompts").to_pylist() == [
        ["a fish"],
        ["a fish", "a cat"],
        ["a fish", "a cat"],
        ["a cat"],
    ]
    assert table.column("blank").to_pylist() == [False] * 4
    assert table.schema.metadata.keys() >= {b"manifest", b"analysis"}


def test_it_is_assembled(place):
    assert assemble_outputs(str(place / NAME)).frames == 4
