"""The status of each planned frame on disk."""

import pytest

from farm.records.status import FrameStatus, RenderReason
from farm.results.job import open_finished
from farm.results.status import frame_statuses
from farm.run import prepare
from farm.store import Ledger, file_name
from tests.tampering import flip_pixel


def statuses(folder):
    job = open_finished(str(folder))
    return [status for _, _, status in frame_statuses(job.folder, job.plan, any_renderer=True)]


def test_every_kind_of_damage_has_a_status_of_its_own(rendered):
    folder = rendered()
    assert statuses(folder) == [FrameStatus.INTACT] * 21
    (folder / file_name(3)).unlink()
    flip_pixel(folder, 6)
    Ledger(open_finished(str(folder)).folder).remove_parts(lambda first, last: first == 12)
    found = statuses(folder)
    assert found[3] is FrameStatus.MISSING
    assert found[6] is FrameStatus.ALTERED
    assert found[12:16] == [FrameStatus.NOT_RENDERED] * 4
    assert found.count(FrameStatus.INTACT) == 15


def test_frames_of_another_recipe_are_rendered_again_and_the_others_kept(rendered, write_manifest, tmp_path):
    rendered()
    job = prepare(write_manifest(frames=23), output_dir=str(tmp_path), procedural=True)
    reasons = [part.reason for part in job.remaining()]
    assert reasons[-1] is RenderReason.NEW
    assert RenderReason.CHANGED in reasons


@pytest.mark.parametrize("status", FrameStatus)
def test_every_status_is_a_reason_to_render_or_to_keep(status):
    assert (status.render_reason is RenderReason.KEPT) == (status is FrameStatus.INTACT)
