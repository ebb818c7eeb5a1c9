"""A panel with an image, and the eye that looks at it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import ifcopenshell.api.geometry
import ifcopenshell.api.root
import ifcopenshell.api.spatial
import numpy as np
from PIL import Image

import bim

if TYPE_CHECKING:
    from pathlib import Path

    from scenes import Scene
    from scenes.mesh import MeshSet

RED, GREEN, BLUE, WHITE = (220, 20, 20), (20, 200, 20), (20, 20, 220), (250, 250, 250)
BROWN = (128, 77, 51)


def quarters() -> bytes:
    """Return a PNG with red and green above, blue and white below."""
    pixels = np.array([[RED, GREEN], [BLUE, WHITE]], np.uint8).repeat(16, axis=0).repeat(16, axis=1)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def bits(data: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in data)


class Panel:
    """A house with one upright panel in the plane y = 0, 4 m wide and 2 m high, as a face set."""

    POINTS = ((0.0, 0.0, 0.0), (4.0, 0.0, 0.0), (4.0, 0.0, 2.0), (0.0, 0.0, 2.0))
    PLACES = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))

    def __init__(self, house: Any, *, polygonal: bool = False) -> None:
        self.house, self.model = house, house.model
        create = self.model.create_entity
        points = create("IfcCartesianPointList3D", self.POINTS)
        if polygonal:
            self.face = create("IfcIndexedPolygonalFace", (1, 2, 3, 4))
            self.item = create("IfcPolygonalFaceSet", points, None, [self.face])
        else:
            self.item = create("IfcTriangulatedFaceSet", Coordinates=points, CoordIndex=((1, 2, 3), (1, 3, 4)))
        self.product = ifcopenshell.api.root.create_entity(self.model, ifc_class="IfcPlate", name="Panel")
        self.put(self.item)

    def put(self, item: Any) -> None:
        """Make an item the shape of the panel."""
        shape = self.model.create_entity("IfcShapeRepresentation", self.house.body, "Body", "Tessellation", [item])
        self.product.Representation = self.model.create_entity("IfcProductDefinitionShape", Representations=[shape])
        ifcopenshell.api.geometry.edit_object_placement(self.model, product=self.product, matrix=np.eye(4))
        ifcopenshell.api.spatial.assign_container(
            self.model, relating_structure=self.house.storey, products=[self.product]
        )

    def texture(self, ifc_class: str = "IfcBlobTexture", **attributes: Any) -> Any:
        """Give the item a brown style with a texture."""
        create = self.model.create_entity
        if ifc_class == "IfcBlobTexture":
            attributes = {"RasterFormat": "PNG", "RasterCode": bits(quarters())} | attributes
        made = create(ifc_class, **({"RepeatS": True, "RepeatT": True, "Mode": "DIFFUSE"} | attributes))
        brown = create("IfcSurfaceStyleShading", create("IfcColourRgb", None, 0.5, 0.3, 0.2), 0.0)
        style = create("IfcSurfaceStyle", "Brick", "BOTH", [brown, create("IfcSurfaceStyleWithTextures", [made])])
        create("IfcStyledItem", self.item, [style])
        return made

    def map(self, texture: Any, index: Any = ((1, 2, 3), (1, 3, 4)), places: Any = PLACES) -> Any:
        """Lay the texture on the triangles."""
        vertices = self.model.create_entity("IfcTextureVertexList", places)
        return self.model.create_entity("IfcIndexedTriangleTextureMap", [texture], self.item, vertices, index)

    def read(self, folder: Path) -> Scene:
        return bim.read(self.house.save(folder / "panel.ifc"))


def mesh_of(scene: Scene, name: str = "Panel") -> MeshSet:
    mesh = next(scene[uid] for uid in scene if scene[uid].name == name).mesh()
    assert mesh is not None
    return mesh.expanded()


def seen(mesh: MeshSet, point: tuple[float, float, float]) -> tuple[int, ...]:
    """Return the colour in which a point of a mesh is seen: of its image, else of its vertices."""
    corners = mesh.positions_m[mesh.triangles]
    for triangle, corner in enumerate(corners):
        axes = np.column_stack([corner[1] - corner[0], corner[2] - corner[0]])
        share = np.linalg.lstsq(axes, np.array(point) - corner[0], rcond=None)[0]
        there = corner[0] + axes @ share
        if np.abs(there - point).max() < 1e-3 and share.min() > -1e-6 and share.sum() < 1 + 1e-6:
            assert mesh.colours is not None
            below = mesh.colours[mesh.triangles[triangle, 0]]
            if mesh.triangle_images is None or mesh.triangle_images[triangle] < 0:
                return tuple(below[:3].tolist())
            assert mesh.uvs is not None
            uvs = mesh.uvs[mesh.triangles[triangle]]
            place = uvs[0] + np.column_stack([uvs[1] - uvs[0], uvs[2] - uvs[0]]) @ share
            pixels = mesh.images[mesh.triangle_images[triangle]].pixels()
            row, column = (int((place[axis] % 1.0) * pixels.shape[1 - axis]) for axis in (1, 0))
            return tuple((pixels[row, column, :3].astype(int) * below[:3] // 255).tolist())
    raise AssertionError(f"no triangle is at {point}")


def near(colour: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return max(abs(a - b) for a, b in zip(colour, other, strict=True)) < 30
