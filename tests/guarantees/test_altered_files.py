"""Frames and ledger parts that were truncated, altered, overwritten or removed by others."""

import os
import random
import shutil

import pytest

from farm.execute import InlineExecutor
from farm.results import exit_code
from farm.run import render
from tests.guarantees.faults import Faulty
from tests.guarantees.films import folder_of
from tests.guarantees.undisturbed import assert_undisturbed

SEED = 20240


@pytest.fixture
def render_inline(diary):
    def run(job):
        diary.path.unlink(missing_ok=True)
        with InlineExecutor(open_renderer=Faulty(diary)) as executor:
            [summary] = render([job], executor, lambda event: None)
        return exit_code([summary])

    return run


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def empty(path):
    os.truncate(path, 0)


def flip(path, place=None, bit=0):
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if place is None else place] ^= 1 << bit
    path.write_bytes(data)


def remove(path):
    path.unlink()


def swap(path):
    """Replace it by another frame, a complete PNG."""
    shutil.copy(path.with_name("frame000000.png"), path)


@pytest.mark.parametrize("damage", [cut, empty, flip, remove, swap], ids=lambda damage: damage.__name__)
def test_only_chunks_with_damaged_frames_are_rendered_again(damage, film, render_inline, diary):
    job = film()
    render_inline(job)
    for frame in (5, 12, 13, 23):
        damage(folder_of(job) / "frames" / f"frame{frame:06d}.png")

    assert_undisturbed(job, render_inline(job), diary=diary)
    assert diary.calls() == {(4, 5): 1, (12, 13): 1, (22, 23): 1}


@pytest.mark.parametrize("damage", [cut, empty, flip, remove], ids=lambda damage: damage.__name__)
def test_damaged_ledger_parts_cost_only_their_chunks(damage, film, render_inline, diary):
    job = film()
    render_inline(job)
    for part in ("frame000004-000005", "frame000022-000023"):
        damage(folder_of(job) / ".farm" / "ledger" / f"{part}.jsonl")

    assert_undisturbed(job, render_inline(job), diary=diary)
    assert diary.calls() == {(4, 5): 1, (22, 23): 1}


def test_every_flipped_bit_in_a_ledger_part_is_detected(film, render_inline, diary):
    job, chance = film(frames=4), random.Random(SEED)
    render_inline(job)
    part = folder_of(job) / ".farm" / "ledger" / "frame000002-000003.jsonl"
    for _ in range(8):
        place, bit = chance.randrange(part.stat().st_size), chance.randrange(8)
        flip(part, place, bit)
        code = render_inline(job)
        assert (diary.calls(), place, bit) == ({(2, 3): 1}, place, bit)
        assert_undisturbed(job, code, diary=diary)
