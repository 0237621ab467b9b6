"""The `analysis` section: what is measured in the finished frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag

from farm.manifest.fields import IntRange, Section, Text, shape_tag, tagged_union_error
from farm.manifest.sources import Commit, Pretrained
from farm.records import LabelGroup

TEMPLATE = "a photo of {label}"

_RESNET = "microsoft/resnet-50"
_RESNET_COMMIT = "34c2154c194f829b11125337b98c8f5f9965ff19"
"""It holds model.safetensors."""

Template = Annotated[
    str,
    Text(
        1000,
        pattern=r"\{label\}",
        words="a text with {label} where the label goes, such as a photo of {label}",
    ),
]
GroupName = Annotated[str, Text(100, least=1, words="a group's name of 1 to 100 characters")]
LabelName = Annotated[str, Text(100, least=1, words="a label of 1 to 100 characters")]
_LABEL = "a label, or a map of one label to its text, such as {cat: a small cat}"
Label = Annotated[
    Annotated[LabelName, Tag("<text>")]
    | Annotated[
        dict[LabelName, Annotated[str, Text(10_000, least=1)]],
        Field(min_length=1, max_length=1),
        Tag("<map>"),
    ],
    Discriminator(shape_tag, **tagged_union_error(_LABEL)),
]
Labels = Annotated[tuple[Label, ...], Field(strict=False, min_length=2, max_length=100)]


class Clip(Section):
    """A CLIP model says how well a frame shows its prompts, and which label of each group it shows."""

    pretrained: Pretrained
    """Any `CLIPModel`: a hub id (`org/name`), a local folder, or the name of a shipped checkpoint."""

    revision: Commit | None = None
    """The full commit of a hub id."""

    labels: Annotated[dict[GroupName, Labels], Field(max_length=50)] = Field(default_factory=dict)
    """Groups of two or more labels that exclude each other, such as `object: [cat, dog]`."""

    template: Annotated[
        Annotated[Template, Tag("<text>")] | Annotated[dict[GroupName, Template], Tag("<map>")],
        Discriminator(
            shape_tag, **tagged_union_error("a text with {label} in it, or a map of group to such a text")
        ),
    ] = TEMPLATE
    """How a label is asked for: a text with {label} in it, or a map of group to such a text."""

    @property
    def groups(self) -> tuple[LabelGroup, ...]:
        """The groups with the text that each label is asked with."""
        return tuple(
            LabelGroup(
                name=name,
                labels=tuple(map(label_name, labels)),
                texts=tuple(_text(label, self._template_of(name)) for label in labels),
            )
            for name, labels in self.labels.items()
        )

    @property
    def class_template(self) -> str:
        """How the classifier's own classes are asked for."""
        return TEMPLATE if isinstance(self.template, dict) else self.template

    def _template_of(self, group: str) -> str:
        return self.template.get(group, TEMPLATE) if isinstance(self.template, dict) else self.template


class Classifier(Section):
    """An image classifier says what it takes a frame for."""

    pretrained: Pretrained = _RESNET
    """Any image classifier of transformers: a hub id (`org/name`), a local folder, or a shipped checkpoint's name."""

    revision: Commit | None = Field(
        default_factory=lambda given: _RESNET_COMMIT if given.get("pretrained") == _RESNET else None,
        validate_default=True,
    )
    """The full commit of a hub id."""

    top_k: Annotated[int, IntRange(1, 100)] = 5
    """So many of its likeliest classes are kept."""


def switched(value: object) -> object:
    """`true` stands for all defaults, `false` for null."""
    if isinstance(value, bool):
        return {} if value else None
    return value


class Analysis(Section):
    """What is measured in the finished frames; null for nothing of it."""

    clip: Annotated[Clip | None, BeforeValidator(switched, json_schema_input_type=Clip | None)] = None
    """What a CLIP model sees; null for none."""

    classifier: Annotated[
        Classifier | None, BeforeValidator(switched, json_schema_input_type=Classifier | bool | None)
    ] = None
    """What a classifier sees; true for microsoft/resnet-50, null for none."""

    smoothness: bool = True
    """How much changes from frame to frame, what flickers, and which frames are blank."""


def label_name(label: str | Mapping[str, Any]) -> str:
    """Returns the name of a label as it is written: by itself, or with its own text."""
    return label if isinstance(label, str) else next(iter(label))


def _text(label: str | Mapping[str, str], template: str) -> str:
    return template.replace("{label}", label) if isinstance(label, str) else next(iter(label.values()))
