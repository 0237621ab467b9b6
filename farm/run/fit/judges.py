"""Whether the analysis' models are here, and CLIP's reads labels to their end and knows their words."""

from __future__ import annotations

from collections.abc import Iterator

from farm.analyze import TextReader, text_reader
from farm.errors import ModelError
from farm.manifest import Document
from farm.manifest.analysis import Classifier, Clip
from farm.manifest.findings import Finding, describe_value
from farm.manifest.location import FieldPath
from farm.records import ModelSource
from farm.render.checkpoints.checkpoint_contents import contents_of
from farm.render.checkpoints.hub import is_offline
from farm.render.checkpoints.source import find_source
from farm.run.reads import refused_model


def judge_remarks(document: Document) -> Iterator[Finding]:
    """Yield models of the hub that are not here and may not be asked for, and labels that CLIP cannot read."""
    analysis = document.manifest.analysis
    if analysis is None:
        return
    if analysis.clip is not None and (source := _find(document, analysis.clip)):
        yield from _absent(("analysis", "clip", "pretrained"), source)
        reader = text_reader(source)
        if reader is not None:
            yield from _labels(analysis.clip, reader)
    if analysis.classifier is not None and (source := _find(document, analysis.classifier)):
        yield from _absent(("analysis", "classifier", "pretrained"), source)


def _find(document: Document, written: Clip | Classifier) -> ModelSource | None:
    if refused_model(document, ("analysis",), written) is not None:
        return None
    try:
        return find_source(written.pretrained, written.revision, document.folder, holds="adapter")
    except ModelError:
        return None  # refused already


def _absent(field: FieldPath, source: ModelSource) -> Iterator[Finding]:
    if is_offline() and contents_of(source) is None:
        yield Finding(
            path=field,
            found="not in this machine's hub cache, and HF_HUB_OFFLINE forbids asking the hub",
            allowed=f"needed where frames are measured: hf download {source.location} --revision {source.revision}",
        )


def _labels(clip: Clip, reader: TextReader) -> Iterator[Finding]:
    for group in clip.groups:
        for position, (label, text) in enumerate(zip(clip.labels[group.name], group.texts, strict=True)):
            field = ("analysis", "clip", "labels", group.name, position)
            unread = reader.unread(text)
            if unread is not None:
                yield Finding(
                    path=field,
                    found=f"its text has {unread.tokens} tokens, of which {clip.pretrained} reads {unread.read}",
                    allowed=f"unread: {describe_value(unread.text)}",
                )
            own = label if isinstance(label, str) else text
            if not reader.knows(own):
                yield Finding(
                    path=field,
                    found=f"the tokenizer of {clip.pretrained} knows no word of {describe_value(own)}",
                    allowed="needed: words that it was trained with, or its probabilities mean little",
                )
