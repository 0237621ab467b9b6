"""What `farm verify` says: counts, the frames that are not as they should be, what that means and what to do."""

from __future__ import annotations

from collections.abc import Iterator

from farm.cli.speech import table
from farm.results import Finding, Verdict, Verification
from farm.units import format_duration

_COUNTED = {
    Verdict.IDENTICAL: "identical",
    Verdict.DIFFERS: "different",
    Verdict.ALTERED: "altered",
    Verdict.MISSING: "missing",
    Verdict.OTHER_RECIPE: "of another recipe",
    Verdict.FAILED: "not rendered",
}
_TO_RENDER = {
    Verdict.ALTERED: "altered",
    Verdict.MISSING: "missing",
    Verdict.OTHER_RECIPE: "of another recipe",
}


def verified(found: Verification) -> str:
    """Return the whole report."""
    counts = [f"{found.count(verdict)} {word}" for verdict, word in _COUNTED.items() if found.count(verdict)]
    checked = (
        f"{found.name}: {found.count()} of {found.planned} frames checked in {format_duration(found.seconds)}"
    )
    rows = [_row(group) for group in _groups(found)]
    first = ": ".join(filter(None, [checked, ", ".join(counts)]))
    return "\n".join([first, *_table(rows), *_meaning(found)])


# --- the table -------------------------------------------------------------------------------------------


def _groups(found: Verification) -> list[list[Finding]]:
    """Return what is not identical; neighbours of which the same is to be said together, however far apart."""
    groups: list[list[Finding]] = []
    for finding in found.findings:
        if finding.verdict is Verdict.IDENTICAL:
            continue
        if groups and groups[-1][-1].last + 1 == finding.first and _words(groups[-1][0]) == _words(finding):
            groups[-1].append(finding)
        else:
            groups.append([finding])
    return groups


def _words(finding: Finding) -> tuple[str, str]:
    return finding.verdict.value, _why(finding)


def _row(group: list[Finding]) -> tuple[str, ...]:
    first, last = group[0].first, group[-1].last
    apart = [finding.difference for finding in group if finding.difference is not None]
    numbers = ("", "", "")
    if apart:  # the worst of a range
        psnr = min(each.psnr for each in apart if each.psnr is not None)
        numbers = (
            str(max(each.max for each in apart)),
            f"{max(each.mean for each in apart):.3g}",
            f"{psnr:.1f} dB",
        )
    verdict, why = _words(group[0])
    return (str(first) if first == last else f"{first}-{last}", verdict, *numbers, why)


def _why(finding: Finding) -> str:
    if finding.verdict is not Verdict.DIFFERS:
        return " ".join(finding.reason.split())
    environment = "another environment" if finding.changes else "the same environment"
    then, now = finding.nodes
    return environment if then == now else f"{environment}, on {now} instead of {then}"


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    if not rows:
        return []
    head = ("frames", "verdict", "max", "mean", "PSNR", "")
    measured = any(row[2] for row in rows)
    return [table(row if measured else (*row[:2], row[5]) for row in [head, *rows])]


# --- what it means ---------------------------------------------------------------------------------------


def _meaning(found: Verification) -> Iterator[str]:
    if found.interrupted:
        yield "Interrupted: the rest was not checked."
    elif not found.compared:
        yield "Nothing could be compared."
    elif found.count(Verdict.IDENTICAL) == found.count():
        yield _all_identical(found)
    yield from _differing(found)
    if found.count(Verdict.FAILED):
        yield "What could not be rendered again is unchecked; the reason is told above."
    what = [word for verdict, word in _TO_RENDER.items() if found.count(verdict)]
    if what:
        how = found.again or "farm render with this job's manifest and --output-dir"
        yield f"What is {_either(what)} is rendered by: {how}"


def _all_identical(found: Verification) -> str:
    if found.changes:
        return f"All are identical, bit for bit, although the environment is another: {_changes(found)}."
    return "All are identical, bit for bit."


def _differing(found: Verification) -> Iterator[str]:
    differing = [finding for finding in found.findings if finding.verdict is Verdict.DIFFERS]
    if any(finding.changes for finding in differing):
        yield (
            f"Another environment: {_changes(found)}. Bits are promised within one only, so this is no fault; render "
            "the whole job in one where all its frames must be of one make."
        )
    if all(finding.changes for finding in differing):
        return
    if not found.promised:
        yield "The same environment: the job has determinism: fast, which promises no bits on a GPU."
        return
    yield (
        "The same environment: the same bits were promised, and the files are as they were written, so suspect the "
        "hardware. Verify once more: other differences then mean that this machine does not repeat itself; the same "
        "ones, that the machine which rendered these frames erred, or is not like this one. To replace such frames, "
        "remove their files and render again."
    )


def _changes(found: Verification) -> str:
    return ", ".join(map(str, found.changes))


def _either(words: list[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
