"""The charts of a job's page: how its prompts and arguments move, and what was measured."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence

from farm.plan import Plan
from farm.records import Column, Value
from farm.report import Chart, Curve
from farm.run.measure.findings import Findings, moves

_CLASSIFIER = "classifier"
_MOST_CURVES = 8
"""Of what moves: as many colours as are told apart."""
_CHANGE = "rgb_change"
"""In the group of what is measured from the frame before, which says nothing of pictures side by side."""


def charts(plan: Plan, findings: Findings | None) -> Iterator[Chart]:
    """Yield the measured charts, then those of what the manifest moves.

    Of frames that stand side by side values are points, and changes from one to the next are left out.
    """
    points = not moves(plan)
    if findings is not None:
        groups: dict[str, list[Column]] = {}
        for column in findings.columns:
            if column.group and column.kind == "float":
                groups.setdefault(column.group, []).append(column)
        for title, members in groups.items():
            if points and any(column.name == _CHANGE for column in members):
                continue
            chart = _classes(findings) if title == _CLASSIFIER else _measured(title, members, findings)
            yield dataclasses.replace(chart, points=points)
    if not points:
        yield from _prompts(plan)
    for chart in _arguments(plan):
        yield dataclasses.replace(chart, points=points)


def _measured(title: str, members: Sequence[Column], findings: Findings) -> Chart:
    return Chart(
        title=_title(title),
        unit=members[0].unit if len({column.unit for column in members}) == 1 else "",
        probabilities=all(column.unit == "probability" for column in members),
        curves=tuple(
            Curve(label=column.label, values=tuple(map(_number, findings.curves[column.name])))
            for column in members
        ),
    )


def _title(group: str) -> str:
    return f"CLIP{group[4:]}" if group.startswith("clip ") else group[:1].upper() + group[1:]


def _classes(findings: Findings) -> Chart:
    """The classes that the classifier ever found likeliest, as probable as it found them where they are in its top."""
    curves = findings.curves
    count = len(curves["classifier_label_1"])
    often = Counter(str(label) for label in curves["classifier_label_1"] if label is not None)
    lines: dict[str, list[float | None]] = {
        label: [None] * count for label, _ in often.most_common(_MOST_CURVES)
    }
    rank = 1
    while (labels := curves.get(f"classifier_label_{rank}")) is not None:
        for frame, (label, value) in enumerate(
            zip(labels, curves[f"classifier_probability_{rank}"], strict=True)
        ):
            if label in lines:
                lines[str(label)][frame] = _number(value)
        rank += 1
    top = rank - 1
    return Chart(
        title="Classifier",
        unit="probability",
        probabilities=True,
        description=f"Each class is drawn where it is {f'among the {top} likeliest' if top > 1 else 'the likeliest'}.",
        curves=tuple(Curve(label=label, values=tuple(values)) for label, values in lines.items()),
    )


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _prompts(plan: Plan) -> Iterator[Chart]:
    """How much of each prompt is in each frame."""
    shares: dict[str, list[float | None]] = {}
    for frame in range(plan.frame_count):
        conditioning = plan.motion.at(frame).conditioning
        for prompt, weight in zip(conditioning.prompts, conditioning.weights, strict=True):
            if prompt not in shares:
                shares[prompt] = [0.0] * plan.frame_count
            shares[prompt][frame] = weight
        if len(shares) > _MOST_CURVES:
            return
    if len(shares) > 1:
        yield Chart(
            title="Prompts",
            unit="share",
            probabilities=True,
            curves=tuple(Curve(label=prompt, values=tuple(values)) for prompt, values in shares.items()),
        )


def _arguments(plan: Plan) -> Iterator[Chart]:
    for name, curve in sorted(plan.curves.items())[:_MOST_CURVES]:
        values = tuple(curve.at(frame) for frame in range(plan.frame_count))
        yield Chart(title=name, curves=(Curve(label=name, values=values),))
