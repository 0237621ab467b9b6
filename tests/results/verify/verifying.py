"""Verification of jobs in this process."""

from __future__ import annotations

from farm.execute import InlineExecutor
from farm.render import open_renderer
from farm.results import Verdict, job_to_verify, verify


def quiet(event):
    """Ignore an event."""


class Renderers:
    """Opens real renderers, records their calls, and lets `fails` raise an error in them."""

    def __init__(self, fails=lambda chunk: None):
        self.calls = []
        self._fails = fails

    def __call__(self, spec):
        renderer = open_renderer(spec)
        render = renderer.render

        def render_chunk(chunk):
            self.calls.append([frame.index for frame in chunk.frames])
            self._fails(chunk)
            return render(chunk)

        renderer.render = render_chunk
        return renderer


def verified(folder, *, on_event=quiet, renderers=open_renderer, sample=None):
    return verify(
        job_to_verify(str(folder)), InlineExecutor(open_renderer=renderers), on_event, sample=sample
    )


def not_identical(verification):
    """Return the findings on frames that are not identical."""
    return [
        (finding.first, finding.last, finding.verdict.value, finding.reason)
        for finding in verification.findings
        if finding.verdict is not Verdict.IDENTICAL
    ]


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
