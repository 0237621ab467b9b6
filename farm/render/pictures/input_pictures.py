"""The pictures that frames are made from, read on the machine that renders them."""

from __future__ import annotations

import platform
from collections import OrderedDict
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from PIL import Image

from farm.errors import RenderError, StorageError
from farm.records import InputPicture
from farm.render.pictures.file_digest import content_sha256
from farm.render.pictures.films import Film
from farm.render.pictures.picture_files import open_film, reading
from farm.render.pictures.prepared_pictures import prepare
from farm.render.remembered import Remembered

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
