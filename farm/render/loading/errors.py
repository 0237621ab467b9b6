"""Translates the errors that libraries raise while they load a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from farm.errors import STOPPING, FarmError, ModelError, OutOfMemory
from farm.inputs.checkpoints.layout import RefusedFiles
from farm.records import ModelSource
from farm.render.memory import is_out_of_memory


@contextmanager
def translate_errors(source: ModelSource, kind: str) -> Iterator[None]:
    """Turn any error into one that names the checkpoint, and the `kind` of model it was loaded as.

    Raises:
        ModelError: when loading fails.
        OutOfMemory: when the device has too little memory.
    """
    try:
        yield
    except RefusedFiles as error:
        raise ModelError(f"{source_name(source)}: cannot be loaded as {kind}: {error}") from error
    except (FarmError, *STOPPING):
        raise
    except BaseException as error:  # untrusted files can make libraries raise anything
        if is_out_of_memory(error):
            raise OutOfMemory(f"{source_name(source)} as {kind}: {error}") from None
        raise ModelError(f"{source_name(source)}: cannot be loaded as {kind}: {error}") from error


def source_name(source: ModelSource) -> str:
    """Return how the manifest names a checkpoint."""
    return f"{source.pretrained}@{source.revision}" if source.revision else source.pretrained
