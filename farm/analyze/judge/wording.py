"""What was found, in plain sentences with frame numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from farm.analyze.judge.agreement import Agreement
from farm.analyze.judge.jumps import Jump
from farm.analyze.judge.transitions import GroupStory, Transition

_MOST_NAMED = 10
_PREFERRED = ("perceptual_change", "rgb_change", "clip_change")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence of the account, and the frames that it speaks of."""

    text: str
    frames: tuple[int, ...]


def of_story(story: GroupStory) -> Iterator[Sentence]:
    """Yield what happens in a label group, or that nothing does."""
    if not story.labels:
        yield _plain(f"The {story.group} is never clear.")
    elif not story.transitions:
        stays = "is" if story.frames == 1 else "stays"
        yield _plain(f"The {story.group} {stays} {story.labels[0]}.")
    for one in story.transitions:
        becomes = f"{_capital(one.group)}: {one.before} becomes {one.after} at frame {one.frame}"
        if one.pace == "sudden":
            yield Sentence(text=f"{becomes}, suddenly.", frames=(one.frame,))
        else:
            over = f"gradually over frames {one.first} to {one.last}"
            yield Sentence(text=f"{becomes}, {over}.", frames=(one.frame, one.first, one.last))


def of_order(order: Sequence[Sequence[Transition]]) -> Iterator[Sentence]:
    """Yield which group changes first, where several do."""
    if sum(map(len, order)) < 2:
        return
    first, *others = order
    verb = "change together" if len(first) > 1 else "changes first"
    text = f"{_capital(_names(first))} {verb} {_when(first)}"
    text += "".join(f", then {_names(together)} {_when(together)}" for together in others)
    yield Sentence(text=f"{text}.", frames=tuple(frame for together in order for frame in _span(together)))


def of_jumps(jumps: Sequence[Jump]) -> Iterator[Sentence]:
    """Yield where the largest jump is, by what comes nearest to an eye."""
    known = {jump.column: jump for jump in jumps}
    jump = next((known[column] for column in _PREFERRED if column in known), None)
    if jump is None:
        return
    if not jump.value:
        yield _plain("No frame differs from the one before.")
        return
    times = f", {jump.times:.1f} times the median" if jump.times is not None else ""
    yield Sentence(
        text=f"The largest jump is from frame {jump.frame - 1} to {jump.frame}: "
        f"{jump.label} change {jump.value:.3f}{times}.",
        frames=(jump.frame - 1, jump.frame),
    )


def of_outliers(frames: Sequence[int]) -> Iterator[Sentence]:
    """Yield which frames are outliers, if any."""
    if frames:
        which, one = _frames(frames), len(frames) == 1
        verb, whose = ("stands", "its") if one else ("stand", "their")
        yield Sentence(text=f"{which} {verb} out from both {whose} neighbours.", frames=tuple(frames))


def of_blank(frames: Sequence[int]) -> Iterator[Sentence]:
    """Yield which frames are of one colour, if any."""
    if frames:
        text = f"{_frames(frames)} {'is' if len(frames) == 1 else 'are'} blank."
        yield Sentence(text=text, frames=tuple(frames))


def of_agreement(agreement: Agreement | None) -> Iterator[Sentence]:
    """Yield how far CLIP and the classifier agree, and where they differ most."""
    if agreement is None:
        return
    if agreement.agreeing == agreement.frames:
        in_all = f"all {agreement.frames} frames" if agreement.frames > 1 else "the one frame"
        yield _plain(f"CLIP and the classifier agree in {in_all}.")
        return
    yield _plain(f"CLIP and the classifier agree in {agreement.agreeing} of {agreement.frames} frames.")
    one = agreement.examples[0]
    count = agreement.counts[agreement.labels.index(one.clip)][agreement.labels.index(one.classifier)]
    often = f"in {count} frames, such as frame {one.frame}" if count > 1 else f"in frame {one.frame}"
    differ = "Where they differ, most often" if len(agreement.examples) > 1 else "Where they differ,"
    yield Sentence(
        text=f"{differ} CLIP sees {one.clip} and the classifier {one.classifier}, {often}.",
        frames=(one.frame,),
    )


def _plain(text: str) -> Sentence:
    return Sentence(text=text, frames=())


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _names(together: Sequence[Transition]) -> str:
    return _listed([one.group for one in together])


def _frames(frames: Sequence[int]) -> str:
    named = [str(frame) for frame in frames[:_MOST_NAMED]]
    if len(frames) > _MOST_NAMED:
        named.append(f"{len(frames) - _MOST_NAMED} more")
    return f"{'Frame' if len(frames) == 1 else 'Frames'} {_listed(named)}"


def _span(together: Sequence[Transition]) -> tuple[int, ...]:
    """Return the frames over which groups change, or the one frame."""
    gradual = [one for one in together if one.pace == "gradual"]
    starts = [one.first if one in gradual else one.frame for one in together]
    ends = [one.last if one in gradual else one.frame for one in together]
    return (min(starts), max(ends)) if min(starts) < max(ends) else (min(starts),)


def _when(together: Sequence[Transition]) -> str:
    frames = _span(together)
    return f"(frame {frames[0]})" if len(frames) == 1 else f"(frames {frames[0]} to {frames[1]})"
