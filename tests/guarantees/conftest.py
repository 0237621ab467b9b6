"""One Ray with room for three workers; each test has its own executor on it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from farm.events import Event
from farm.execute import RetryPolicy
from farm.results import exit_code
from farm.run import render
from farm.run.prepare import Job
from tests.guarantees import diary as diary_module
from tests.guarantees import faults as faults_module
from tests.guarantees.diary import Diary
from tests.guarantees.faults import Fault, Faulty, sound
from tests.guarantees.films import prepare_film, write_film
from tests.local_ray import started_ray


@pytest.fixture(scope="package")
def shared_ray():
    """A Ray that starts on first use; a test that starts its own Ray closes it first."""
    with ExitStack() as started:
        yield started


@pytest.fixture
def local_ray(shared_ray):
    import ray

    if not ray.is_initialized():
        shared_ray.enter_context(started_ray(3, diary_module, faults_module))
    return ray


@dataclass(kw_only=True)
class Ran:
    """A run that has ended."""

    code: int
    summary: object
    events: list[Event] = field(default_factory=list)

    def events_of(self, kind: type) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def diary(tmp_path):
    return Diary(tmp_path / "diary")


@pytest.fixture
def film(tmp_path):
    """Write and prepare a film in the test's folder."""

    def make(*, seconds_per_chunk=0.0, **manifest) -> Job:
        return prepare_film(write_film(tmp_path, **manifest), seconds_per_chunk=seconds_per_chunk)

    return make


@pytest.fixture
def render_on_ray(local_ray, diary):
    """Render a film on workers with a fault."""
    from farm.execute.ray.executor import RayExecutor

    def run(
        job: Job,
        fault: Fault = sound,
        *,
        workers: int = 2,
        policy: RetryPolicy | None = None,
        on_event=lambda event: None,
        **faulty,
    ) -> Ran:
        events = []

        def hear(event):
            events.append(event)
            on_event(event)

        renderers = Faulty(diary, fault, **faulty)
        with RayExecutor(workers=workers, policy=policy, open_renderer=renderers) as executor:
            [summary] = render([job], executor, hear, chunks_per_shard=3)
        return Ran(code=exit_code([summary]), summary=summary, events=events)

    return run
