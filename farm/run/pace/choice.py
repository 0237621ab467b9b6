"""What a pilot has chosen, as it is kept in the job's folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from farm.records.fields import Share
from farm.store import JobFolder
from farm.typed_json import Malformed

_logger = logging.getLogger(__name__)

_NAME = ".farm/pacing.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Alphas that a pilot chose; `digest` is of all that they come from, `source` of what of it a manifest says."""

    digest: str
    source: str = ""
    alphas: tuple[Share, ...]


def keep_choice(
    folder: JobFolder, choice: Choice, *, pacing: str, seen: Sequence[tuple[float, float]]
) -> None:
    """Keep what was chosen; `seen` are the alphas looked at, with what changed since the one before.

    Raises:
        StorageError: when it cannot be written.
    """
    content = {
        "digest": choice.digest,
        "source": choice.source,
        "pacing": pacing,
        "alphas": choice.alphas,
        "pilot": [{"alpha": alpha, "change": change} for alpha, change in seen],
    }
    folder.write(_NAME, json.dumps(content, indent=1).encode())


def find_choice(folder: JobFolder) -> Choice | None:
    """Return what was chosen before; None for nothing, and for what cannot be understood.

    Raises:
        StorageError: when it cannot be read.
    """
    try:
        return folder.find_record(_NAME, Choice)
    except Malformed as error:
        _logger.warning("%s is damaged (%s); alphas are chosen again", folder.path(_NAME), error)
        return None
