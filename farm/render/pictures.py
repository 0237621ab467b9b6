"""The pictures that frames are made from, read on the machine that renders them."""

from __future__ import annotations

import hashlib
import platform
from collections import OrderedDict
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image

from farm.errors import RenderError, StorageError
from farm.inputs.digest import content_sha256
from farm.inputs.pictures.decode import Film, open_film, reading
from farm.records import Canny, Expand, InputPicture
from farm.render.lru import Remembered

_OVERLAP = 8
"""Pixels: the mask's reach into the picture, one cell of most VAEs. There the new meets the old; without it the seam
is where the picture ends, and shows."""


def prepare(image: Image.Image, preparation: Canny | Expand) -> Image.Image:
    """Return what is made of an RGB picture, in RGB."""
    match preparation:
        case Canny():
            return _edges(image, preparation)
        case Expand(part="canvas"):
            return _canvas(image, preparation)
        case Expand():
            return _mask(image, preparation)


def _edges(image: Image.Image, canny: Canny) -> Image.Image:
    """As diffusers' ControlNet guide makes them: of the RGB picture, then the same in all channels."""
    edges = cv2.Canny(np.asarray(image), canny.low_threshold, canny.high_threshold)
    return Image.fromarray(np.stack([edges] * 3, axis=2))


def _canvas(image: Image.Image, expand: Expand) -> Image.Image:
    sides = ((expand.top, expand.bottom), (expand.left, expand.right), (0, 0))
    return Image.fromarray(np.pad(np.asarray(image), sides, mode="edge"))


def _mask(image: Image.Image, expand: Expand) -> Image.Image:
    """White is what is painted: the added sides, and the picture's edge along each of them."""
    left, right, top, bottom = (
        added and added + _OVERLAP for added in (expand.left, expand.right, expand.top, expand.bottom)
    )
    height = expand.top + image.height + expand.bottom
    width = expand.left + image.width + expand.right
    mask = np.full((height, width, 3), 255, np.uint8)
    mask[top : height - bottom, left : width - right] = 0
    return Image.fromarray(mask)


_BYTES = 2**28
"""Of pictures that stay in memory: those that go into every frame, beside some of a sequence."""

_FILMS = 4
"""How many stay open, each where it was read last."""


class PictureReader:
    """Reads input pictures: one for all frames once, those of a video one after the other."""

    def __init__(self) -> None:
        self._known = Remembered(_BYTES, weigh=_bytes)
        self._films: OrderedDict[tuple[str, str], Film] = OrderedDict()

    def open(self, picture: InputPicture) -> Image.Image:
        """Return a picture in RGB, prepared; it is shared, and not to be changed.

        Raises:
            RenderError: when its file is not on this machine, is another than was found, or cannot be decoded.
        """
        return self._known.get(picture, lambda: self._make(picture))

    def _make(self, picture: InputPicture) -> Image.Image:
        if picture.prepare is not None:
            return prepare(self.open(replace(picture, prepare=None)), picture.prepare)
        try:
            return self._read(picture)
        except StorageError as error:
            raise RenderError(
                f"On {platform.node()}, {error}. Have input pictures at the same place on every machine, and run again."
            ) from error

    def _read(self, picture: InputPicture) -> Image.Image:
        path = Path(picture.location)
        with reading(path):
            digest = content_sha256(path)
        if digest != picture.sha256:
            raise RenderError(
                f"{path}: this picture on {platform.node()} is not the one that this run began with. Have the same "
                "files on every machine, leave them alone while they are rendered with, and run again."
            )
        place = picture.location, picture.sha256
        film = self._films.pop(place, None) or open_film(path)
        with ExitStack() as unless_kept:
            unless_kept.callback(film.close)
            with reading(path):
                image = film.picture(picture.index)
            if film.moves:
                self._films[place] = film
                unless_kept.pop_all()
        if len(self._films) > _FILMS:
            self._films.popitem(last=False)[1].close()
        return image


def _bytes(image: Image.Image) -> int:
    return image.width * image.height * len(image.getbands())


_CAPACITY = 8
"""Pictures, not frames: an image, a masked one, and some of a sequence."""


def encode_once(vae: Any) -> None:
    """Have an autoencoder return what it made of the same picture before.

    It gives a distribution, from which a pipeline draws with each frame's own generator, so every frame is what it
    would have been.
    """
    encode, known = vae.encode, Remembered(_CAPACITY)

    def remembered(x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        content = hashlib.sha256(x.detach().cpu().contiguous().view(torch.uint8).numpy()).hexdigest()
        key = (content, tuple(x.shape), str(x.dtype), str(vae.dtype), repr((args, sorted(kwargs.items()))))
        return known.get(key, lambda: encode(x, *args, **kwargs))

    vae.encode = remembered
