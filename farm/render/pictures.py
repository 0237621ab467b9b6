"""Input images: read on the machine that renders with them, prepared, and encoded once."""

from __future__ import annotations

import hashlib
import platform
from collections import OrderedDict
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from farm.errors import RenderError, StorageError
from farm.inputs.digest import content_sha256
from farm.inputs.pictures.decode import Film, open_film, reading
from farm.inputs.pictures.prepare import prepare
from farm.records import InputPicture
from farm.render.lru import ResultCache

_CACHED_BYTES = 2**28
"""Maximum size of images in memory: those of every frame, and some of a sequence."""
_OPEN_FILMS = 4
"""Videos and animations kept open, each at the position last read."""
_CACHED_ENCODINGS = 8
"""Images, not frames: one, its masked copy, and some of a sequence."""


class PictureReader:
    """Reads input images: an image that all frames share is read once, a video picture by picture."""

    def __init__(self) -> None:
        self._cache = ResultCache(_CACHED_BYTES, size=_size)
        self._films: OrderedDict[tuple[str, str], Film] = OrderedDict()

    def open(self, picture: InputPicture) -> Image.Image:
        """Return an image in RGB, prepared; it is shared and must not be changed.

        Raises:
            RenderError: when its file is missing on this machine, differs from the planned one, or cannot be decoded.
        """
        return self._cache.get(picture, lambda: self._prepare(picture))

    def _prepare(self, picture: InputPicture) -> Image.Image:
        if picture.prepare is not None:
            return prepare(self.open(replace(picture, prepare=None)), picture.prepare)
        try:
            return self._read(picture)
        except StorageError as error:
            raise RenderError(
                f"On {platform.node()}: {error}. Put input images at the same path on every machine, and run again."
            ) from error

    def _read(self, picture: InputPicture) -> Image.Image:
        path = Path(picture.location)
        with reading(path):
            digest = content_sha256(path)
        if digest != picture.sha256:
            raise RenderError(
                f"{path}: on {platform.node()} this file is not the one that the run started with. Use the same files "
                "on every machine, do not change them during a run, and run again."
            )
        key = picture.location, picture.sha256
        film = self._films.pop(key, None) or open_film(path)
        with ExitStack() as close_film:
            close_film.callback(film.close)
            with reading(path):
                image = film.picture(picture.index)
            if film.moves:
                self._films[key] = film
                close_film.pop_all()
        if len(self._films) > _OPEN_FILMS:
            self._films.popitem(last=False)[1].close()
        return image


def _size(image: Image.Image) -> int:
    return image.width * image.height * len(image.getbands())


def cache_encodings(vae: Any) -> None:
    """Make an autoencoder encode each input image once.

    An encoding is a distribution, from which the pipeline draws with each frame's own generator: no frame changes.
    """
    encode, cache = vae.encode, ResultCache(_CACHED_ENCODINGS)

    def encode_once(x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        content = hashlib.sha256(x.detach().cpu().contiguous().view(torch.uint8).numpy()).hexdigest()
        key = (content, tuple(x.shape), str(x.dtype), str(vae.dtype), repr((args, sorted(kwargs.items()))))
        return cache.get(key, lambda: encode(x, *args, **kwargs))

    vae.encode = encode_once
