"""Models that stay loaded, for jobs that are measured side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from farm.records import ModelSource

_Model = TypeVar("_Model")

_MOST = 3
"""How many models of a sort are kept: a night's jobs share their judges, and each may take gigabytes."""

_loading = threading.Lock()
"""transformers changes settings of the whole process while it loads, so one model is loaded at a time."""


class Kept(Generic[_Model]):
    """Loads each model once, for whichever thread asks first, and keeps the `most` that were asked for last."""

    def __init__(self, load: Callable[[ModelSource], _Model], *, most: int = _MOST) -> None:
        self._load = load
        self._most = most
        self._models: dict[ModelSource, _Model] = {}

    def __call__(self, source: ModelSource) -> _Model:
        """Return the model of `source`; what `load` raises is raised, and tried again the next time."""
        with _loading:
            model = self._models.pop(source, None)
            if model is None:
                # Room is made first, so that a new model never comes on top of `most`.
                while len(self._models) >= self._most:
                    del self._models[next(iter(self._models))]
                model = self._load(source)
            self._models[source] = model
            return model
