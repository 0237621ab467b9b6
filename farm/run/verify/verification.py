"""What came of checking a job's frames: findings by ranges of frames, counts, and an exit code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from farm.run.verify.comparison import Finding, Verdict
from farm.run.verify.difference import Change

_IDENTICAL, _DIFFERENT, _INCOMPLETE, _INTERRUPTED = 0, 1, 3, 130
_ROOM = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The findings cover every frame that was checked, in order; `planned` frames there could be.

    `again` is the command that renders what is not as it should be, or empty; `promised` whether the job's frames
    have the same bits in the same environment; `seconds` wall-clock time.
    """

    name: str
    folder: str
    planned: int
    findings: tuple[Finding, ...]
    again: str
    promised: bool
    seconds: float
    interrupted: bool

    def count(self, *verdicts: Verdict) -> int:
        """How many frames have one of these verdicts; without any, how many were checked."""
        return sum(found.count for found in self.findings if not verdicts or found.verdict in verdicts)

    @property
    def compared(self) -> int:
        """How many frames the check says something of: they were there, and of the planned recipe."""
        return self.count(Verdict.IDENTICAL, Verdict.DIFFERS, Verdict.ALTERED)

    @property
    def changes(self) -> tuple[Change, ...]:
        """In what the circumstances of any frame were other than now, each once."""
        found = {change for finding in self.findings for change in finding.changes}
        return tuple(sorted(found, key=lambda change: (change.key, change.recorded, change.now)))

    @property
    def exit_code(self) -> int:
        """0 all identical; 1 some differ or were altered, or none could be compared; 3 else; 130 interrupted."""
        if self.interrupted:
            return _INTERRUPTED
        if not self.compared or self.count(Verdict.DIFFERS, Verdict.ALTERED):
            return _DIFFERENT
        return _IDENTICAL if self.count(Verdict.IDENTICAL) == self.count() else _INCOMPLETE


class Findings:
    """Collects verdicts in any order; neighbours of which the same is to be said take the room of one."""

    def __init__(self) -> None:
        self._found: list[Finding] = []
        self._room = _ROOM

    def add(self, finding: Finding) -> None:
        """Take one in."""
        self._found.append(finding)
        if len(self._found) > self._room:
            self._found = _joined(self._found)
            self._room = 2 * len(self._found) + _ROOM

    def sorted(self) -> tuple[Finding, ...]:
        """Return all, in the order of frames."""
        return tuple(_joined(self._found))


def _joined(findings: Iterable[Finding]) -> list[Finding]:
    joined: list[Finding] = []
    for finding in sorted(findings, key=lambda finding: finding.first):
        both = joined[-1].joined(finding) if joined else None
        if both is None:
            joined.append(finding)
        else:
            joined[-1] = both
    return joined
