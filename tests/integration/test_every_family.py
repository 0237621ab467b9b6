"""Every way of making pictures through the command line, its checkpoints by hub id and commit without the hub."""

import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from PIL import Image

from tests.exhaustive import sample
from tests.integration.cases import ADDITIONS, CASES, FRAMES, draw_pictures, slug
from tests.integration.hub import Hub

ON_WORKERS = ("text to image, FluxPipeline", "SDXL with its refiner")
"""Cases of which `make test` renders some frames again on workers."""

SAMPLE = (ON_WORKERS[0], "ControlNet", "inpainting", "text to image, QwenImagePipeline", *ADDITIONS)
"""Cases that `make test` renders; `make test-all` renders all. tests/render compares chunks of every family."""

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture(scope="module")
def jobs(pytestconfig):
    """Names of the cases and of their jobs."""
    names = CASES if pytestconfig.getoption("--exhaustive") else SAMPLE
    return {name: slug(name) for name in names}


@pytest.fixture(scope="module")
def studio(tmp_path_factory, jobs):
    """A folder with a manifest for each case in `night`, and its hub."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("studio")
    (folder / "night").mkdir()
    draw_pictures(folder / "night" / "pictures")
    hub = Hub(folder)
    for name, job in jobs.items():
        (folder / "night" / f"{job}.yaml").write_text(yaml.safe_dump(CASES[name].manifest(name, hub)))
    return folder, hub


@pytest.fixture(scope="module")
def inline(studio, jobs):
    """The folder into which every manifest was rendered in one process."""
    return render(studio, "inline", "--inline", jobs=jobs)


def render(studio, name, *options, jobs):
    folder, hub = studio
    manifests = [f"night/{job}.yaml" for job in jobs.values()]
    done = hub.farm("render", *manifests, f"--output-dir={name}", *options, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / name


def rows(output, job):
    return pq.read_table(output / job / "metadata.parquet").to_pylist()


def digests(output, jobs):
    return {job: [row["content_sha256"] for row in rows(output, job)] for job in jobs.values()}


def test_every_manifest_passes_farm_check(studio):
    folder, hub = studio
    manifests = sorted((folder / "night").glob("*.yaml"))
    done = hub.farm("check", *manifests, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"{path}: ok: {path.stem}, interpolate, {FRAMES} frames" for path in manifests
    ]


@pytest.mark.parametrize("name", sample(CASES, of=SAMPLE))
def test_the_first_and_the_last_frame_equal_plain_calls(studio, inline, jobs, name):
    folder, hub = studio
    case, (first, last) = CASES[name], CASES[name].prompts
    # In its call, the first frame is next to one between both prompts, and the last next to itself.
    start = case.plain(hub, folder / "night" / "pictures", [first, last], [0, 1])[0]
    end = case.plain(hub, folder / "night" / "pictures", [last, last], [FRAMES - 1] * 2)[0]
    for frame, plain in ((0, start), (FRAMES - 1, end)):
        with Image.open(inline / jobs[name] / "frames" / f"frame{frame:06d}.png") as ours:
            assert np.array_equal(np.asarray(ours), plain)


def test_all_frames_differ_and_record_the_source_of_their_model(studio, inline, jobs):
    for name, job in jobs.items():
        case, found = CASES[name], rows(inline, job)
        assert len({row["content_sha256"] for row in found}) == FRAMES, name
        source = studio[1].source(case.way.save)
        assert {(row["pretrained"], row["revision"], row["pipeline"]) for row in found} == {
            (source["pretrained"], source["revision"], case.way.pipeline)
        }


def test_frames_are_the_same_in_any_layout_and_after_a_resume(studio, inline, jobs, pytestconfig):
    on_workers = ("--workers=2", "--chunks-per-shard=1")
    if pytestconfig.getoption("--exhaustive"):
        output, resume = render(studio, "workers", *on_workers, jobs=jobs), ("--inline",)
        assert digests(output, jobs) == digests(inline, jobs)
        assert len({row["worker"] for job in jobs.values() for row in rows(output, job)}) == 2
    else:
        jobs = {name: jobs[name] for name in ON_WORKERS}
        output, resume = studio[0] / "workers", on_workers
        for job in jobs.values():
            shutil.copytree(inline / job, output / job)
    whole = {job: rows(output, job) for job in jobs.values()}
    for job in jobs.values():
        for frame in (1, 4):
            (output / job / "frames" / f"frame{frame:06d}.png").unlink()
    render(studio, "workers", *resume, jobs=jobs)
    assert digests(output, jobs) == digests(inline, jobs)
    assert {row["worker"] for job in jobs.values() for row in rows(output, job)} > {"inline"}
    for job, before in whole.items():
        again = [
            new["frame"]
            for old, new in zip(before, rows(output, job), strict=True)
            if new["rendered_at"] != old["rendered_at"]
        ]
        assert again == [0, 1, 4], job
