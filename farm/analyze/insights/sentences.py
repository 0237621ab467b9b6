"""What was found, in plain sentences with frame numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from farm.analyze.insights.agreement import Agreement, Disagreement
from farm.analyze.insights.outliers import Jump, times_the_median
from farm.analyze.insights.transitions import GroupStory, Transition


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence of the account, and the frames that it names, in the order of the text.

    `places[k]` is the offset in `text` at which the digits of `frames[k]` begin. No other number in it is a frame's:
    counts are not, nor is what stands in a label.
    """

    text: str
    frames: tuple[int, ...] = ()
    places: tuple[int, ...] = ()


def sentence(*parts: str | int) -> Sentence:
    """Return parts joined as they are; numbers among them are frames."""
    text, frames, places = "", [], []
    for part in parts:
        if isinstance(part, int):
            frames.append(part)
            places.append(len(text))
        text += str(part)
    return Sentence(text=text, frames=tuple(frames), places=tuple(places))


def listed(things: Sequence[str | int]) -> list[str | int]:
    """Return the parts of `1, 2 and 3`."""
    parts: list[str | int] = []
    for number, thing in enumerate(things):
        if number:
            parts.append(" and " if number == len(things) - 1 else ", ")
        parts.append(thing)
    return parts


def capital(text: str) -> str:
    """Return a text with a capital letter first."""
    return text[:1].upper() + text[1:]


_MOST_NAMED = 10
_PREFERRED = ("perceptual_change", "rgb_change", "clip_change")
_FEWEST_CHANGES = 3
"""Of two changes either is far from their median, whatever happens."""

_A_JUMP = 2.0
"""Times the median. Changes of an evenly paced animation go up to 1.6 times theirs, and nobody sees a jump there."""

_FEWEST_JUDGED = 2


def of_story(story: GroupStory) -> Iterator[Sentence]:
    """Yield what happens in a label group, or that nothing does."""
    if not story.labels:
        ever = "" if story.frames == 1 else "ever "
        yield sentence(f"None of the labels of {story.group} {ever}leads clearly.")
    elif not story.transitions:
        stays = "is" if story.frames == 1 else "stays"
        yield sentence(f"The {story.group} {stays} {story.labels[0]}.")
    for one in story.transitions:
        becomes = f"{capital(one.group)}: {one.before} becomes {one.after} at frame "
        if one.pace == "sudden":
            yield sentence(becomes, one.frame, ", suddenly.")
        else:
            yield sentence(becomes, one.frame, ", gradually over frames ", one.first, " to ", one.last, ".")


def of_order(order: Sequence[Sequence[Transition]]) -> Iterator[Sentence]:
    """Yield which group changes first, where several do."""
    if sum(map(len, order)) < 2:
        return
    first, *others = order
    verb = "change together" if len(first) > 1 else "changes first"
    parts: list[str | int] = [f"{capital(_names(first))} {verb}", *_when(first)]
    for together in others:
        parts += [f", then {_names(together)}", *_when(together)]
    yield sentence(*parts, ".")


def of_jumps(jumps: Sequence[Jump]) -> Iterator[Sentence]:
    """Yield where the largest jump is, by what comes nearest to an eye; nothing where no change stands out."""
    known = {jump.column: jump for jump in jumps}
    jump = next((known[column] for column in _PREFERRED if column in known), None)
    if jump is None:
        return
    if not jump.value:
        yield sentence("No frame differs from the one before.")
    elif jump.measured >= _FEWEST_CHANGES and (jump.times is None or jump.times >= _A_JUMP):
        times = "" if jump.times is None else f", {times_the_median(jump.times)}"
        change = f": {jump.label} change {jump.value:.3f}{times}."
        yield sentence("The largest jump is from frame ", jump.frame - 1, " to ", jump.frame, change)


def of_outliers(frames: Sequence[int]) -> Iterator[Sentence]:
    """Yield which frames are outliers, if any."""
    if frames:
        verb, whose = ("stands", "its") if len(frames) == 1 else ("stand", "their")
        yield sentence(*_frames(frames), f" {verb} out from both {whose} neighbours.")


def of_blank(frames: Sequence[int]) -> Iterator[Sentence]:
    """Yield which frames are of one colour, if any."""
    if frames:
        yield sentence(*_frames(frames), f" {'is' if len(frames) == 1 else 'are'} blank.")


def of_agreement(agreement: Agreement | None) -> Iterator[Sentence]:
    """Yield how far CLIP and the classifier agree, and where they differ; nothing of a single frame."""
    if agreement is None or agreement.frames < _FEWEST_JUDGED:
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


def _names(together: Sequence[Transition]) -> str:
    return "".join(map(str, listed([one.group for one in together])))


def _frames(frames: Sequence[int]) -> list[str | int]:
    named: list[str | int] = list(frames[:_MOST_NAMED])
    if len(frames) > _MOST_NAMED:
        named.append(f"{len(frames) - _MOST_NAMED} more")
    return ["Frame " if len(frames) == 1 else "Frames ", *listed(named)]


def _when(together: Sequence[Transition]) -> list[str | int]:
    """Return over which frames groups change, or at which one, in brackets."""
    gradual = [one for one in together if one.pace == "gradual"]
    start = min(one.first if one in gradual else one.frame for one in together)
    end = max(one.last if one in gradual else one.frame for one in together)
    return [" (frames ", start, " to ", end, ")"] if start < end else [" (frame ", start, ")"]
