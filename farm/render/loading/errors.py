"""Whatever libraries raise while they load, told as what it means to who wrote the manifest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from farm.errors import STOPPING, FarmError, ModelError, OutOfMemory
from farm.inputs.checkpoints.layout import RefusedFiles
from farm.records import ModelSource
from farm.render.memory import is_out_of_memory


@contextmanager
def told(source: ModelSource, kind: str) -> Iterator[None]:
    """Name what could not be loaded, and as what.

    Raises:
        ModelError: where anything in it failed.
        OutOfMemory: where the device had too little.
    """
    try:
        yield
    except RefusedFiles as error:
        raise ModelError(f"{name_of(source)}: cannot be loaded as {kind}: {error}") from error
    except (FarmError, *STOPPING):
        raise
    except (
        BaseException
    ) as error:  # files that anybody may have written lead libraries into errors of every kind
        if is_out_of_memory(error):
            raise OutOfMemory(f"{name_of(source)} as {kind}: {error}") from None
        raise ModelError(f"{name_of(source)}: cannot be loaded as {kind}: {error}") from error


def name_of(source: ModelSource) -> str:
    """Return what the manifest says of a checkpoint."""
    return f"{source.pretrained}@{source.revision}" if source.revision else source.pretrained
