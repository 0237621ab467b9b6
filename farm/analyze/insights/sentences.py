"""The insights in plain sentences with frame numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from farm.analyze.insights.agreement import Agreement, Disagreement
from farm.analyze.insights.outliers import Jump, times_the_median
from farm.analyze.insights.transitions import GroupTimeline, Transition
from farm.records import Sentence

_MAX_NAMED = 10
"""Frames that a sentence lists."""

_PREFERRED = ("perceptual_change", "rgb_change", "clip_change")
"""Measures of change, the closest to human perception first."""

_MIN_CHANGES = 3
"""With two changes, each is always far from their median."""

_MIN_FACTOR = 2.0
"""Times the median. Changes of an evenly paced animation reach 1.6 times theirs without a visible jump."""

_MIN_FRAMES = 2
"""Agreement in fewer frames means nothing."""


def sentence(*parts: str | int) -> Sentence:
    """Join parts into a sentence; the integers among them are frames."""
    text, frames, places = "", [], []
    for part in parts:
        if isinstance(part, int):
            frames.append(part)
            places.append(len(text))
        text += str(part)
    return Sentence(text=text, frames=tuple(frames), places=tuple(places))


def listed(items: Sequence[str | int]) -> list[str | int]:
    """Return the parts of an enumeration such as `1, 2 and 3`."""
    parts: list[str | int] = []
    for number, item in enumerate(items):
        if number:
            parts.append(" and " if number == len(items) - 1 else ", ")
        parts.append(item)
    return parts


def capital(text: str) -> str:
    """Return a text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def of_timeline(timeline: GroupTimeline) -> Iterator[Sentence]:
    """Yield the transitions of a label group, or that it does not change."""
    if not timeline.labels:
        ever = "" if timeline.frames == 1 else "ever "
        yield sentence(f"None of the labels of {timeline.group} {ever}leads clearly.")
    elif not timeline.transitions:
        stays = "is" if timeline.frames == 1 else "stays"
        yield sentence(f"The {timeline.group} {stays} {timeline.labels[0]}.")
    for one in timeline.transitions:
        becomes = f"{capital(one.group)}: {one.before} becomes {one.after} at frame "
        if one.pace == "sudden":
            yield sentence(becomes, one.frame, ", suddenly.")
        else:
            yield sentence(becomes, one.frame, ", gradually over frames ", one.first, " to ", one.last, ".")


def of_order(order: Sequence[Sequence[Transition]]) -> Iterator[Sentence]:
    """Yield the order in which groups change, if several do."""
    if sum(map(len, order)) < 2:
        return
    first, *others = order
    verb = "change together" if len(first) > 1 else "changes first"
    parts: list[str | int] = [f"{capital(_names(first))} {verb}", *_when(first)]
    for simultaneous in others:
        parts += [f", then {_names(simultaneous)}", *_when(simultaneous)]
    yield sentence(*parts, ".")


def of_jumps(jumps: Sequence[Jump]) -> Iterator[Sentence]:
    """Yield the largest jump by the measure closest to perception; nothing if no change stands out."""
    known = {jump.column: jump for jump in jumps}
    jump = next((known[column] for column in _PREFERRED if column in known), None)
    if jump is None:
        return
    if not jump.value:
        yield sentence("No frame differs from the one before.")
    elif jump.measured >= _MIN_CHANGES and (jump.times is None or jump.times >= _MIN_FACTOR):
        times = "" if jump.times is None else f", {times_the_median(jump.times)}"
        change = f": {jump.label} change {jump.value:.3f}{times}."
        yield sentence("The largest jump is from frame ", jump.frame - 1, " to ", jump.frame, change)


def of_outliers(frames: Sequence[int]) -> Iterator[Sentence]:
    """Yield the outliers, if any."""
    if frames:
        verb, whose = ("stands", "its") if len(frames) == 1 else ("stand", "their")
        yield sentence(*_frames(frames), f" {verb} out from both {whose} neighbours.")


def of_blank(frames: Sequence[int]) -> Iterator[Sentence]:
    """Yield the blank frames, if any."""
    if frames:
        yield sentence(*_frames(frames), f" {'is' if len(frames) == 1 else 'are'} blank.")


def of_agreement(agreement: Agreement | None) -> Iterator[Sentence]:
    """Yield how often CLIP and the classifier agree, and where they differ; nothing for a single frame."""
    if agreement is None or agreement.frames < _MIN_FRAMES:
        return
    if agreement.agreeing == agreement.frames:
        yield sentence(f"CLIP and the classifier agree in all {agreement.frames} frames.")
        return
    yield sentence(
        f"CLIP and the classifier agree in {agreement.agreeing or 'none'} of {agreement.frames} frames."
    )
    first, *others = agreement.examples
    count = _count(agreement, first)
    see = f"CLIP sees {first.clip} and the classifier {first.classifier}"
    if any(_count(agreement, other) == count for other in others):
        yield sentence("In frame ", first.frame, f", for example, {see}.")
        return
    most = "most often " if others else ""
    often = f"in {count} frames, such as frame " if count > 1 else "in frame "
    yield sentence(f"Where they differ, {most}{see}, {often}", first.frame, ".")


def _count(agreement: Agreement, one: Disagreement) -> int:
    return agreement.counts[agreement.labels.index(one.clip)][agreement.labels.index(one.classifier)]


def _names(simultaneous: Sequence[Transition]) -> str:
    return "".join(map(str, listed([one.group for one in simultaneous])))


def _frames(frames: Sequence[int]) -> list[str | int]:
    named: list[str | int] = list(frames[:_MAX_NAMED])
    if len(frames) > _MAX_NAMED:
        named.append(f"{len(frames) - _MAX_NAMED} more")
    return ["Frame " if len(frames) == 1 else "Frames ", *listed(named)]


def _when(simultaneous: Sequence[Transition]) -> list[str | int]:
    """Return the range of frames in which groups change, or the single frame, in brackets."""
    gradual = [one for one in simultaneous if one.pace == "gradual"]
    start = min(one.first if one in gradual else one.frame for one in simultaneous)
    end = max(one.last if one in gradual else one.frame for one in simultaneous)
    return [" (frames ", start, " to ", end, ")"] if start < end else [" (frame ", start, ")"]
