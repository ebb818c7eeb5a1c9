"""The images that a city model names, read from beside it, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scenes.errors import LoadError
from scenes.pictures import MOST_BYTES, Picture

if TYPE_CHECKING:
    from gis.shelf import Shelf
    from gis.surfaces import SurfaceCollector
    from scenes.problems import Problems


class Pictures:
    """Reads images beside a model.

    Parameters
    ----------
    shelf, name
        Where the model lies.
    textures
        What it says: the image of each texture by number, or nothing.
    problems
        Collects images that cannot be had.
    """

    def __init__(self, shelf: Shelf, name: str, textures: Any, problems: Problems) -> None:
        """Read nothing yet."""
        self._shelf, self._name, self._problems = shelf, name, problems
        self._textures = textures if isinstance(textures, list) else []
        self._pictures: dict[str, Picture | None] = {}
        self._numbers: dict[tuple[int, str], int] = {}

    def number(self, texture: int, surfaces: SurfaceCollector) -> int:
        """Return the number under which a collector has the image of a texture, -1 if it cannot be had."""
        if not 0 <= texture < len(self._textures) or not isinstance(self._textures[texture], dict):
            return -1
        return self.number_of(str(self._textures[texture].get("image") or ""), surfaces)

    def number_of(self, image: str, surfaces: SurfaceCollector) -> int:
        """Return the number under which a collector has an image by its path, -1 if it cannot be had."""
        key = (id(surfaces), image)
        if key not in self._numbers:
            picture = self._read(image)
            self._numbers[key] = -1 if picture is None else surfaces.picture(picture)
        return self._numbers[key]

    def _read(self, image: str) -> Picture | None:
        if image not in self._pictures:
            self._pictures[image] = self._opened(image)
        return self._pictures[image]

    def _opened(self, image: str) -> Picture | None:
        found = self._shelf.beside(self._name, image)
        if found is None:
            what = f"the image {image[:120]} is not beside the model: its surfaces keep their colours"
            self._problems.add("info", self._name, "image-missing", what, "put it into the folder of the model")
            return None
        try:
            return Picture.read(self._shelf.read(found, MOST_BYTES), image)
        except LoadError as error:
            self._problems.add("warning", self._name, "image-broken", f"{image[:120]} {error.what}", error.advice)
            return None
