"""Worker side: the images of surface styles, and where an item of a shape says how they lie on it.

A style names a texture; texture coordinates tie it to a face set or to single faces. Where they are missing or made
by a rule, the image lies upright on every side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bim.draping import Faces, Upright
from bim.entities import READ_ERRORS, attribute, every, list_at, number_at, text_at
from scenes.errors import CityTwinError
from scenes.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from bim.units import Units

    Floats = NDArray[np.float64]

# What a texture may be for when it is the colour of a surface: words of IFC 4.3, IFC4 (X3D) and IFC2x3.
_COLOUR_MODES = frozenset(
    {
        "",
        "DIFFUSE",
        "TEXTURE",
        "NOTDEFINED",
        "MODULATE",
        "REPLACE",
        "MODULATE2X",
        "MODULATE4X",
        "DECAL",
        "COLOR",
        "BLEND",
    }
)
_MOST_PIXELS = 80_000_000
_LEAST_PX = 64
_SHARPEST = 1.0e-9


@dataclass(frozen=True, slots=True)
class StatedImage:
    """An image as a model states it: the address of a file, or the bytes themselves."""

    number: int
    address: str = ""
    data: bytes = b""


def stated_images(model: Any) -> tuple[list[StatedImage], list[tuple[str, str, str]]]:
    """Return the images of an open model by the entity number of their texture, and what cannot be read."""
    found, oddities = [], []
    for texture in every(model, "IfcSurfaceTexture"):
        if not _is_colour(texture):
            continue
        try:
            found.append(_stated(texture))
        except (*READ_ERRORS, MemoryError, CityTwinError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            oddities.append((f"#{texture.id()}", "image-broken", f"{texture.is_a()} cannot be read ({reason})"[:200]))
    return found, oddities


def _is_colour(texture: Any) -> bool:
    return (text_at(texture, "Mode") or text_at(texture, "TextureType")).upper() in _COLOUR_MODES


def _stated(texture: Any) -> StatedImage:
    if texture.is_a("IfcImageTexture"):
        return StatedImage(texture.id(), text_at(texture, "URLReference") or text_at(texture, "UrlReference"))
    if texture.is_a("IfcBlobTexture"):
        return StatedImage(texture.id(), data=_bytes(texture.RasterCode))
    return StatedImage(texture.id(), data=Picture.of_pixels(_pixels(texture)).data)


def _bytes(bits: Any) -> bytes:
    """Return a binary value, which the library gives as a text of noughts and ones."""
    if not isinstance(bits, str) or not bits:
        raise ValueError("it holds no bytes")
    return int(bits, 2).to_bytes((len(bits) + 7) // 8, "big")


def _pixels(texture: Any) -> NDArray[np.uint8]:
    """Return (rows, columns, 4) pixels; the file has them from the lower left corner, row by row upwards."""
    width, height, depth = int(texture.Width), int(texture.Height), int(texture.ColourComponents)
    texts = texture.Pixel
    if width < 1 or height < 1 or depth not in (1, 2, 3, 4) or width * height > _MOST_PIXELS:
        raise ValueError(f"{width} x {height} pixels of {depth} components are no image")
    if len(texts) != width * height:
        raise ValueError(f"{len(texts)} pixels are not {width} x {height}")
    if any(len(text) > 8 * depth for text in texts):
        raise ValueError(f"a pixel has more than {depth} components")
    flat = np.frombuffer(b"".join(int(text, 2).to_bytes(depth, "big") for text in texts), np.uint8)
    cells = flat.reshape(height, width, depth)[::-1]
    colour = cells[..., :1].repeat(3, axis=2) if depth < 3 else cells[..., :3]
    alpha = cells[..., -1:] if depth in (2, 4) else np.full((height, width, 1), 255, np.uint8)
    times = -(-_LEAST_PX // max(width, height))  # few pixels are a pattern with sharp edges, which JPEG would blur
    return np.concatenate([colour, alpha], axis=2).repeat(times, axis=0).repeat(times, axis=1)


class Textures:
    """Which texture a style or an item of a shape has, and how it lies there.

    Parameters
    ----------
    model
        The open file.
    units
        Its units.
    """

    def __init__(self, model: Any, units: Units) -> None:
        self._model = model
        self.metres = units.length.factor
        self._textures = {each.id(): each for each in every(model, "IfcSurfaceTexture") if _is_colour(each)}
        self._of_style = dict(self._styled()) if self._textures else {}
        self._maps: dict[int, list[Any]] = {}
        self._raw: set[int] = set()
        for texture_map in every(model, "IfcTextureCoordinate") if self._textures else ():
            self._take(texture_map)
        self._lying: dict[tuple[int, int], Faces | Upright] = {}

    def __bool__(self) -> bool:
        """Say whether the model has any."""
        return bool(self._textures)

    def number(self, item: int, style: int) -> int:
        """Return the entity number of the texture of an item that has a style, 0 if there is none."""
        own = self._maps.get(item)
        return self._texture_of(own[0]) if own else self._of_style.get(style, 0)

    def lying(self, item: int, texture: int) -> Faces | Upright:
        """Return how a texture lies on an item of a shape."""
        key = item, texture
        if key not in self._lying:
            self._lying[key] = self._read(item, texture)
        return self._lying[key]

    def settled(self, uvs: Floats, texture: int) -> Floats:
        """Return (n, 2) places in an image, from the lower left corner, as places from its upper left one.

        The transformation of the texture is applied before; where it is not repeated its edge goes on.
        """
        entity = self._textures[texture]
        moved = uvs @ _linear(entity).T + _shift(entity)
        for axis, name in enumerate(("RepeatS", "RepeatT")):
            if attribute(entity, name) is False:
                moved[:, axis] = np.clip(moved[:, axis], 0.0, 1.0)
        return np.column_stack([moved[:, 0], 1.0 - moved[:, 1]])

    def _styled(self) -> Iterator[tuple[int, int]]:
        """Yield each surface style, and each rendering in it, with its texture."""
        for style in every(self._model, "IfcSurfaceStyle"):
            parts = list_at(style, "Styles")
            named = [
                each for part in parts if part.is_a("IfcSurfaceStyleWithTextures") for each in list_at(part, "Textures")
            ]
            texture = next((each.id() for each in named if each.id() in self._textures), 0)
            if texture:
                yield from ((each.id(), texture) for each in (style, *parts))

    def _take(self, coordinates: Any) -> None:
        """Keep texture coordinates under the items that they are for; those of a rule under the texture."""
        texture = self._texture_of(coordinates)
        if not texture:
            return
        if coordinates.is_a("IfcTextureCoordinateGenerator"):
            if text_at(coordinates, "Mode").upper() == "COORD":
                self._raw.add(texture)
            return
        target = attribute(coordinates, "MappedTo")
        for item in self._items(target) if target is not None else ():
            self._maps.setdefault(item, []).append(coordinates)

    def _texture_of(self, coordinates: Any) -> int:
        return next((each.id() for each in list_at(coordinates, "Maps") if each.id() in self._textures), 0)

    def _items(self, target: Any) -> Iterator[int]:
        """Yield what the engine may name the triangles of a face set or face by: its item, or its shell."""
        if not target.is_a("IfcFace"):
            yield target.id()
            return
        for shell in self._model.get_inverse(target):
            if shell.is_a("IfcConnectedFaceSet"):
                yield shell.id()
                yield from (each.id() for each in self._model.get_inverse(shell))

    def _read(self, item: int, texture: int) -> Faces | Upright:
        parts = []
        for each in self._maps.get(item, ()):
            try:
                parts += list(_mapped(each, self.metres))
            except READ_ERRORS:  # an index beyond its list; the image lies as it would without a map
                continue
        faces = Faces.of(parts)
        if len(faces.uvs):
            return faces
        return Upright(1.0 / self.metres if texture in self._raw else 1.0)


def _mapped(coordinates: Any, metres: float) -> Iterator[tuple[Floats, Floats]]:
    """Yield the corners of each face in metres, (k, 3), and their places in the image, (k, 2)."""
    if coordinates.is_a("IfcTextureMap"):
        bounds = sorted(coordinates.MappedTo.Bounds, key=lambda bound: not bound.is_a("IfcFaceOuterBound"))
        loop = bounds[0].Bound
        corners = np.array([point.Coordinates for point in loop.Polygon], np.float64) * metres
        places = np.array([vertex.Coordinates for vertex in coordinates.Vertices], np.float64)
        yield corners, places[: len(corners)]
        return
    faces = coordinates.MappedTo
    points = np.array(faces.Coordinates.CoordList, np.float64) * metres
    vertices = np.array(coordinates.TexCoords.TexCoordsList, np.float64)
    chosen = attribute(faces, "PnIndex")
    order = np.arange(len(points)) if chosen is None else np.array(chosen, np.int64) - 1
    if coordinates.is_a("IfcIndexedTriangleTextureMap"):
        triangles = np.array(faces.CoordIndex, np.int64) - 1
        stated = attribute(coordinates, "TexCoordIndex")
        named = triangles if stated is None else np.array(stated, np.int64) - 1
        yield from zip(points[order[triangles]], vertices[named], strict=True)
        return
    for each in coordinates.TexCoordIndices:
        ring = np.array(each.TexCoordsOf.CoordIndex, np.int64) - 1
        yield points[order[ring]], vertices[np.array(each.TexCoordIndex, np.int64) - 1]


def _linear(texture: Any) -> Floats:
    """Return the (2, 2) turn and stretch of the transformation of a texture."""
    operator = attribute(texture, "TextureTransform")
    if operator is None:
        return np.eye(2)
    first = attribute(operator, "Axis1")
    ratios = np.array(first.DirectionRatios[:2], np.float64) if first is not None else np.array([1.0, 0.0])
    length = float(np.hypot(*ratios))
    cos, sin = ratios / length if length > _SHARPEST else (1.0, 0.0)
    along = number_at(operator, "Scale") or 1.0
    across = number_at(operator, "Scale2") or along
    return np.array([[cos, -sin], [sin, cos]]) * [along, across]


def _shift(texture: Any) -> Floats:
    operator = attribute(texture, "TextureTransform")
    origin = attribute(operator, "LocalOrigin") if operator is not None else None
    return np.zeros(2) if origin is None else np.array(origin.Coordinates[:2], np.float64)
