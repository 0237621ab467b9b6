import io

import pytest
from rich.console import Console

from farm.events import (
    ChunkDone,
    FramesFailed,
    JobFinished,
    JobStarted,
    ShardRetried,
    WorkerLost,
    WorkerStarted,
)
from farm.progress import ProgressView, Rate
from tests.rows import row_of


def test_the_rate_is_averaged_over_the_last_half_minute():
    now = [0.0]
    rate = Rate(lambda: now[0])
    rate.add(0)
    assert rate.per_second == 0.0
    for _ in range(10):
        now[0] += 1.0
        rate.add(4)
    assert rate.per_second == pytest.approx(4.0)
    for _ in range(100):
        now[0] += 1.0
        rate.add(1)
    assert rate.per_second == pytest.approx(1.0, abs=0.1)


def test_output_to_a_file_is_plain_lines_without_animation():
    text = io.StringIO()
    chunk = ChunkDone(job="job", worker="w", rows=(row_of(0), row_of(1)), seconds=1.0)
    with ProgressView(Console(file=text, width=60)) as view:
        for event in [
            JobStarted(job="job", frame_count=10, kept=2),
            WorkerStarted(worker="w", node="n", device="cpu"),
            chunk,
            ShardRetried(job="job", worker="w", frames=(4, 5), reason="poison", attempt=2),
            FramesFailed(job="job", frames=(4,), reason="poison", attempts=3),
            WorkerLost(worker="w", reason="its process died"),
            JobFinished(job="job", state="partial"),
        ]:
            view(event)
    lines = text.getvalue().splitlines()
    assert lines[0] == "job: 2 of 10 frames already rendered"
    assert lines[1].startswith("job: 4/10 frames")
    assert lines[2:] == [
        "job: retrying frames 4-5: poison",
        "job: frame 4 failed: poison",
        "lost w: its process died",
        "job: partial",
    ]
    assert "\x1b" not in text.getvalue()
