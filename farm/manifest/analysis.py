"""The `analysis` section: measurements of the finished frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag

from farm.manifest.fields import IntRange, Section, Text, expand_switch, shape_tag, tagged_union_error
from farm.manifest.sources import Commit, Pretrained
from farm.records import LabelGroup

TEMPLATE = "a photo of {label}"

_RESNET = "microsoft/resnet-50"
_RESNET_COMMIT = "34c2154c194f829b11125337b98c8f5f9965ff19"
"""A commit with model.safetensors."""

Template = Annotated[
    str,
    Text(
        1000,
        pattern=r"\{label\}",
        words="text that contains {label}, such as: a photo of {label}",
    ),
]
GroupName = Annotated[str, Text(100, least=1, words="the name of a group, 1 to 100 characters")]
LabelName = Annotated[str, Text(100, least=1, words="a label, 1 to 100 characters")]
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
    """A CLIP model that scores how well a frame matches its prompts, and which label of each group fits it best."""

    pretrained: Pretrained
    """Any `CLIPModel`: a hub id (`org/name`), a local folder, or the name of a shipped checkpoint."""

    revision: Commit | None = None
    """The full commit of a hub id."""

    labels: Annotated[dict[GroupName, Labels], Field(max_length=50)] = Field(default_factory=dict)
    """Groups of two or more mutually exclusive labels, such as `object: [cat, dog]`."""

    template: Annotated[
        Annotated[Template, Tag("<text>")] | Annotated[dict[GroupName, Template], Tag("<map>")],
        Discriminator(
            shape_tag, **tagged_union_error("text that contains {label}, or a map of group to such text")
        ),
    ] = TEMPLATE
    """The prompt for a label: text that contains {label}, or a map of group to such text."""

    @property
    def groups(self) -> tuple[LabelGroup, ...]:
        """The groups, with the prompt for each label."""
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
        """The template of the prompts for the classifier's classes."""
        return TEMPLATE if isinstance(self.template, dict) else self.template

    def _template_of(self, group: str) -> str:
        return self.template.get(group, TEMPLATE) if isinstance(self.template, dict) else self.template


class Classifier(Section):
    """An image classifier that names the content of a frame."""

    pretrained: Pretrained = _RESNET
    """Any image classifier of transformers: a hub id (`org/name`), a local folder, or a shipped checkpoint's name."""

    revision: Commit | None = Field(
        default_factory=lambda given: _RESNET_COMMIT if given.get("pretrained") == _RESNET else None,
        validate_default=True,
    )
    """The full commit of a hub id."""

    top_k: Annotated[int, IntRange(1, 100)] = 5
    """Number of most probable classes to record."""


class Analysis(Section):
    """Measurements of the finished frames."""

    clip: Annotated[Clip | None, BeforeValidator(expand_switch, json_schema_input_type=Clip | None)] = None
    """Scores from a CLIP model; null for none."""

    classifier: Annotated[
        Classifier | None, BeforeValidator(expand_switch, json_schema_input_type=Classifier | bool | None)
    ] = None
    """Classes from an image classifier; true for microsoft/resnet-50, null for none."""

    smoothness: bool = True
    """Measure change and flicker between frames, and find blank ones."""


def label_name(label: str | Mapping[str, Any]) -> str:
    """Return the name of a label, with or without its own text."""
    return label if isinstance(label, str) else next(iter(label))


def _text(label: str | Mapping[str, str], template: str) -> str:
    return template.replace("{label}", label) if isinstance(label, str) else next(iter(label.values()))
