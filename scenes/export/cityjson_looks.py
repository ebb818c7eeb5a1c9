"""Materials and textures of CityJSON, gathered while geometry is written; images lie beside the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from scenes.mesh import MeshSet
    from scenes.pictures import Picture

    Json = dict[str, Any]
    Integers = NDArray[np.int64]

THEME = "citytwin"


@dataclass
class Looks:
    """The materials, the textures and the texture vertices of a document."""

    materials: list[Json] = field(default_factory=list)
    pictures: dict[Picture, int] = field(default_factory=dict)
    places: list[list[float]] = field(default_factory=list)
    _colours: dict[int, int] = field(default_factory=dict)

    def paints(self, mesh: MeshSet) -> Integers | None:
        """Return the material of each triangle, that of its first corner; None where a mesh has no colours."""
        if mesh.colours is None or not len(mesh.triangles):
            return None
        codes = np.ascontiguousarray(mesh.colours[mesh.triangles[:, 0]]).view("<u4").reshape(-1)
        known, inverse = np.unique(codes, return_inverse=True)
        numbers = np.array([self._material(int(code)) for code in known], np.int64)
        found: Integers = numbers[inverse.reshape(-1)]
        return found

    def images(self, mesh: MeshSet) -> Integers | None:
        """Return the texture of each triangle, -1 where it has none; None where a mesh has no images."""
        if mesh.triangle_images is None or mesh.uvs is None or not mesh.images:
            return None
        numbers = [self.pictures.setdefault(picture, len(self.pictures)) for picture in mesh.images]
        found: Integers = np.array([*numbers, -1], np.int64)[mesh.triangle_images]
        return found if (found >= 0).any() else None

    def corners(self, uvs: NDArray[np.float64]) -> Integers:
        """Return the number of the texture vertex of each corner from (c, 2) places from the upper left."""
        places = np.column_stack([uvs[:, 0], 1 - uvs[:, 1]]).round(6)
        known, inverse = np.unique(places, axis=0, return_inverse=True)
        first = len(self.places)
        self.places += known.tolist()
        found: Integers = inverse.reshape(-1) + first
        return found

    def appearance(self, stem: str) -> Json:
        """Return the ``appearance`` of a document, empty where it has none; images are named after its file."""
        found: Json = {}
        if self.materials:
            found["materials"] = self.materials
        if self.pictures:
            found["textures"] = [
                {"type": kind, "image": name, "wrapMode": "wrap"}
                for name, kind in map(_named(stem), self.pictures.items())
            ]
            found["vertices-texture"] = self.places
        return {"appearance": found} if found else {}

    def write_images(self, file: Path) -> None:
        """Write the images beside a file."""
        for picture, number in self.pictures.items():
            name, _ = _named(file.stem)((picture, number))
            file.with_name(name).write_bytes(picture.data)

    def _material(self, code: int) -> int:
        if code not in self._colours:
            red, green, blue, alpha = code.to_bytes(4, "little")
            name = f"#{red:02x}{green:02x}{blue:02x}{alpha:02x}"
            material: Json = {"name": name, "diffuseColor": [round(part / 255, 6) for part in (red, green, blue)]}
            if alpha < 255:
                material["transparency"] = round(1 - alpha / 255, 6)
            self._colours[code] = len(self.materials)
            self.materials.append(material)
        return self._colours[code]


def _named(stem: str) -> Any:
    def name_of(item: tuple[Picture, int]) -> tuple[str, str]:
        picture, number = item
        ending, kind = ("png", "PNG") if picture.mime == "image/png" else ("jpg", "JPG")
        return f"{stem}_{number}.{ending}", kind

    return name_of
