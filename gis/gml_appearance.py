"""Appearances of CityGML: the colour or image of surfaces, by their ids."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.gml_numbers import numbers_of
from gis.gml_words import POLYGONS, local_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_POLYGON_TAGS = tuple("{*}" + name for name in sorted(POLYGONS))


@dataclass(frozen=True, slots=True)
class Image:
    """An image on a surface: its path, and the places of the points of each ring as text, by the id of the ring."""

    path: str
    places: dict[str, str]


@dataclass
class Appearances:
    """Colours and images by the id of a polygon, or of a surface that holds polygons.

    The first theme that speaks about a surface counts; an image counts more than a colour.
    """

    colours: dict[str, str] = field(default_factory=dict)
    images: dict[str, Image] = field(default_factory=dict)
    georeferenced: int = 0

    def __bool__(self) -> bool:
        """Say whether there is any."""
        return bool(self.colours or self.images)

    def read(self, element: Any) -> None:
        """Add what an ``Appearance`` element, or anything that holds some, says."""
        for data in element.iter("{*}X3DMaterial", "{*}ParameterizedTexture", "{*}GeoreferencedTexture"):
            name = local_name(data.tag)
            if name == "X3DMaterial":
                self._material(data)
            elif name == "ParameterizedTexture":
                self._texture(data)
            else:
                self.georeferenced += 1

    def _material(self, data: Any) -> None:
        colour = _colour(data)
        if not colour:
            return
        for target in data.iter("{*}target"):
            name = (target.text or "").strip().lstrip("#")
            if name:
                self.colours.setdefault(name, colour)

    def _texture(self, data: Any) -> None:
        path = next(((part.text or "").strip() for part in data if local_name(part.tag) == "imageURI"), "")
        if not path:
            return
        for target in data.iter("{*}target", "{*}textureParameterization"):
            name = (target.get("uri") or "").strip().lstrip("#")
            places = {
                (part.get("ring") or "").lstrip("#"): part.text or "" for part in target.iter("{*}textureCoordinates")
            }
            for part in target.iter("{*}ring"):  # CityGML 3
                text = part.getnext()
                if part.text and text is not None and local_name(text.tag) == "textureCoordinates":
                    places[part.text.strip().lstrip("#")] = text.text or ""
            if not name:
                name = _text(target, "uri").lstrip("#")
            if name and places:
                self.images.setdefault(name, Image(path, places))

    def spread(self, element: Any, id_of: Callable[[Any], str], id_key: str) -> None:
        """Hand the colours of surfaces that hold polygons down to the polygons, which get ids where they have none."""
        if not self.colours:
            return
        for holder in element.iter("{*}MultiSurface", "{*}CompositeSurface", "{*}Solid", "{*}Surface",
                                   "{*}TriangulatedSurface", "{*}OrientableSurface"):  # fmt: skip
            colour = self.colours.get(id_of(holder))
            if colour is None:
                continue
            for number, polygon in enumerate(holder.iter(*_POLYGON_TAGS)):
                name = id_of(polygon)
                if not name:
                    name = f"{id_of(holder)}/{number}"
                    polygon.set(id_key, name)
                self.colours.setdefault(name, colour)


def uvs_of(text: str, size: int) -> Floats | None:
    """Return (size, 2) places in an image from its upper left corner, None unless the text has so many.

    Examples
    --------
    >>> uvs_of("0 0 1 0 1 1", 3).tolist()
    [[0.0, 1.0], [1.0, 1.0], [1.0, 0.0]]
    """
    numbers, _ = numbers_of([text])
    if len(numbers) != 2 * size or not np.isfinite(numbers).all():
        return None
    places: Floats = numbers.reshape(-1, 2) * [1, -1] + [0, 1]
    return places


def _colour(data: Any) -> str:
    diffuse, _ = numbers_of([_text(data, "diffuseColor") or "0.8 0.8 0.8"])
    clear, _ = numbers_of([_text(data, "transparency") or "0"])
    if len(diffuse) != 3 or not np.isfinite(diffuse).all():
        return ""
    alpha = 1.0 - (float(clear[0]) if len(clear) == 1 and np.isfinite(clear[0]) else 0.0)
    channels = np.clip([*diffuse, alpha], 0, 1) * 255
    return "#" + bytes(round(float(value)) for value in channels).hex()


def _text(element: Any, name: str) -> str:
    return next(((part.text or "").strip() for part in element if local_name(part.tag) == name), "")
