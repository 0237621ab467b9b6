import errno
import hashlib
import logging
import multiprocessing
import os
import time

import numpy as np
import pytest
from PIL import Image

from farm.store import CachedFrame, FrameCache

SIZE = 32


def key(number):
    return hashlib.sha256(str(number).encode()).hexdigest()


def frame(number, size=SIZE):
    """Return a frame of noise, so that entries of equal dimensions have nearly equal file sizes."""
    pixels = np.random.default_rng(number).integers(0, 256, (size, size, 3), dtype=np.uint8)
    return CachedFrame(pixels=pixels, scheduler="DDIMScheduler", device=f"cpu {number}")


def equal(one, other):
    return (
        np.array_equal(one.pixels, other.pixels)
        and (one.scheduler, one.device) == (other.scheduler, other.device)
        and one.pixels.dtype == other.pixels.dtype
    )


def entries(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def cache(tmp_path):
    return FrameCache(tmp_path / "cache", 10**6)


@pytest.fixture
def entry(cache, tmp_path):
    cache.put(key(1), frame(1))
    [path] = entries(tmp_path / "cache")
    return path


def entry_bytes(tmp_path):
    FrameCache(tmp_path / "measured", 10**6).put(key(1), frame(1))
    [path] = entries(tmp_path / "measured")
    return path.stat().st_size


def test_a_cached_frame_is_returned_with_its_scheduler_and_device(cache):
    cache.put(key(1), frame(1))
    assert equal(cache.get(key(1)), frame(1))
    assert cache.get(key(2)) is None


def test_an_entry_is_a_png_named_by_its_key(entry):
    assert entry.parent.name == key(1)[:2]
    assert entry.name == f"{key(1)}.png"
    with Image.open(entry) as picture:
        assert set(picture.text) == {"key", "scheduler", "device", "content_sha256"}


def foreign(path, data):
    Image.new("RGB", (SIZE, SIZE)).save(path)


def flipped(path, data):
    offset = len(data) // 2
    path.write_bytes(data[:offset] + bytes((data[offset] ^ 1,)) + data[offset + 1 :])


def repainted(path, data):
    """Replace the pixels but not the text chunks: an intact PNG, which only its digest reveals."""
    from PIL import PngImagePlugin

    text = PngImagePlugin.PngInfo()
    with Image.open(path) as picture:
        picture.load()
        for name, value in picture.text.items():
            text.add_itxt(name, value)
        picture.putpixel((0, 0), (1, 2, 3))
        picture.save(path, pnginfo=text)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path, data: path.write_bytes(data[: len(data) // 2]),
        lambda path, data: path.write_bytes(b""),
        flipped,
        repainted,
        foreign,
    ],
    ids=["truncated", "empty", "flipped", "repainted", "foreign"],
)
def test_a_damaged_entry_counts_as_absent_and_is_removed(cache, entry, damage):
    damage(entry, entry.read_bytes())
    assert cache.get(key(1)) is None
    assert not entry.exists()


def test_an_entry_under_another_key_counts_as_absent(cache, entry):
    other = entry.parents[1] / key(2)[:2] / f"{key(2)}.png"
    other.parent.mkdir(exist_ok=True)
    entry.rename(other)
    assert cache.get(key(2)) is None
    assert not other.exists()


def test_the_least_recently_used_entries_are_evicted_until_a_tenth_of_the_limit_is_free(tmp_path):
    size = entry_bytes(tmp_path)
    folder = tmp_path / "cache"
    cache = FrameCache(folder, 10 * size + size // 2)
    for number in range(10):
        cache.put(key(number), frame(number))
    for number in range(10):
        then = time.time() - 100 + number
        os.utime(folder / key(number)[:2] / f"{key(number)}.png", (then, then))
    assert cache.get(key(0)) is not None
    cache.put(key(10), frame(10))
    assert [number for number in range(11) if cache.get(key(number)) is None] == [1, 2]


def test_the_limit_holds_whatever_is_put(tmp_path):
    size = entry_bytes(tmp_path)
    folder = tmp_path / "cache"
    cache = FrameCache(folder, 7 * size)
    for number in range(60):
        cache.put(key(number), frame(number))
        assert sum(path.stat().st_size for path in entries(folder)) <= 7 * size
    assert equal(cache.get(key(59)), frame(59))


def test_the_folder_is_not_scanned_at_every_put(tmp_path, monkeypatch):
    cache = FrameCache(tmp_path, 10**8)
    scans = []
    scan = cache._scan
    monkeypatch.setattr(cache, "_scan", lambda size: (scans.append(size), scan(size)))
    for number in range(50):
        cache.put(key(number), frame(number))
    assert len(scans) == 1


def test_entries_of_other_processes_are_soon_counted(tmp_path):
    size = entry_bytes(tmp_path)
    folder = tmp_path / "cache"
    limit = 40 * size
    one, other = FrameCache(folder, limit), FrameCache(folder, limit)
    for number in range(200):
        (one if number % 2 else other).put(key(number), frame(number))
        assert sum(path.stat().st_size for path in entries(folder)) <= limit * 1.1


def test_a_frame_larger_than_the_limit_is_not_stored(tmp_path):
    cache = FrameCache(tmp_path, entry_bytes(tmp_path.parent / f"{tmp_path.name}-2"))
    cache.put(key(1), frame(1))
    cache.put(key(2), frame(2, size=2 * SIZE))
    assert cache.get(key(2)) is None
    assert cache.get(key(1)) is not None


def test_a_full_disk_does_not_fail_a_render_and_is_reported_once(tmp_path, monkeypatch, caplog):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    cache = FrameCache(tmp_path / "cache", 10**6)
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(os, "rename", full)
        cache.put(key(1), frame(1))
        cache.put(key(2), frame(2))
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}/cache: frames cannot be cached (No space left on device); rendering "
        "continues without the cache"
    ]
    assert entries(tmp_path / "cache") == []
    cache.put(key(3), frame(3))
    assert cache.get(key(3)) is not None


def test_a_folder_that_cannot_be_created_does_not_fail_a_render(tmp_path, caplog):
    (tmp_path / "cache").write_text("a file where the folder should be")
    cache = FrameCache(tmp_path / "cache", 10**6)
    cache.put(key(1), frame(1))
    assert cache.get(key(1)) is None
    assert "frames cannot be cached (Not a directory)" in caplog.text


def test_only_old_temporary_files_of_killed_processes_are_removed(tmp_path):
    folder = tmp_path / "aa"
    folder.mkdir()
    old, young = folder / ".tmp-old.png", folder / ".tmp-young.png"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 3601,) * 2)
    FrameCache(tmp_path, 10**6).put(key(1), frame(1))
    assert not old.exists()
    assert young.exists()


def use(folder, limit, seed, problems):
    cache = FrameCache(folder, limit)
    order = np.random.default_rng(seed).integers(0, 40, 300)
    try:
        for number in map(int, order):
            found = cache.get(key(number))
            if found is None:
                cache.put(key(number), frame(number))
            elif not equal(found, frame(number)):
                problems.put(f"{number} is another frame")
    except BaseException as error:
        problems.put(repr(error))
    problems.put("done")


def test_many_processes_share_a_cache_that_is_too_small_for_them(tmp_path):
    limit = 20 * entry_bytes(tmp_path)
    context = multiprocessing.get_context("fork")
    problems = context.Queue()
    folder = tmp_path / "cache"
    users = [context.Process(target=use, args=(folder, limit, seed, problems)) for seed in range(4)]
    for user in users:
        user.start()
    messages = [problems.get(timeout=120) for _ in users]
    for user in users:
        user.join()
    assert messages == ["done"] * 4
    assert sum(path.stat().st_size for path in entries(folder)) <= limit * (1 + 4 * 0.1)
    assert not [path for path in entries(folder) if path.name.startswith(".tmp-")]
    cache = FrameCache(folder, limit)
    cached = [number for number in range(40) if cache.get(key(number)) is not None]
    assert len(cached) == len(entries(folder)) >= 10


def test_an_entry_that_is_a_pipe_does_not_block_and_is_replaced(cache, entry):
    entry.unlink()
    os.mkfifo(entry)
    assert cache.get(key(1)) is None
    cache.put(key(1), frame(1))
    assert equal(cache.get(key(1)), frame(1))


def test_an_entry_that_is_a_link_is_not_followed_and_is_replaced(cache, entry, tmp_path):
    elsewhere = tmp_path / "elsewhere.png"
    entry.rename(elsewhere)
    content = elsewhere.read_bytes()
    entry.symlink_to(elsewhere)
    assert cache.get(key(1)) is None
    cache.put(key(1), frame(1))
    assert not entry.is_symlink()
    assert elsewhere.read_bytes() == content


def test_a_folder_of_entries_that_is_a_link_is_neither_read_nor_written(cache, entry, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    entry.parent.rename(elsewhere)
    entry.parent.symlink_to(elsewhere)
    before = {path: path.stat().st_mtime_ns for path in elsewhere.iterdir()}
    assert cache.get(key(1)) is None
    cache.put(key(1), frame(1))
    assert {path: path.stat().st_mtime_ns for path in elsewhere.iterdir()} == before


def test_an_entry_beyond_the_size_limit_is_not_read(cache, entry, monkeypatch):
    monkeypatch.setattr("farm.store.frame_cache._MAX_ENTRY_BYTES", entry.stat().st_size - 1)
    assert cache.get(key(1)) is None


def test_an_entry_beyond_the_largest_frame_size_is_not_decoded(cache, entry):
    Image.new("1", (9000, 9000)).save(entry)
    assert cache.get(key(1)) is None
    assert not entry.exists()


def test_other_files_are_never_evicted(tmp_path):
    size = entry_bytes(tmp_path)
    folder = tmp_path / "home"
    mine = folder / "aa" / "thesis.tex"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"x" * 3 * size)
    os.utime(mine, (0, 0))
    cache = FrameCache(folder, 2 * size)
    for number in range(4):
        cache.put(key(number), frame(number))
    assert mine.read_bytes() == b"x" * 3 * size
    assert len(entries(folder)) == 3
