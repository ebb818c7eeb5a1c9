"""Triangles of an object as IFC: one face set a colour, relative to the object's own place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.mesh import MeshSet

    Floats = NDArray[np.float64]

_MOST_COLOURS = 24
_GREY = (200, 200, 200, 255)


class ShapeWriter:
    """Writes placements and shapes; styles are shared.

    Parameters
    ----------
    model
        The IFC model.
    body
        Context of body shapes.
    """

    def __init__(self, model: Any, body: Any) -> None:
        """Start with no styles."""
        self._model, self._body = model, body
        self._styles: dict[tuple[int, ...], Any] = {}

    def placement(self, origin_m: Floats) -> Any:
        """Return a placement at (3,) metres in the frame of the model."""
        create = self._model.create_entity
        point = create("IfcCartesianPoint", [float(value) for value in origin_m])
        return create("IfcLocalPlacement", RelativePlacement=create("IfcAxis2Placement3D", Location=point))

    def shape(self, mesh: MeshSet, origin_m: Floats) -> Any | None:
        """Return the shape of one object's mesh relative to its place, None if it has no triangles."""
        mesh = mesh.expanded()
        if not len(mesh.triangles):
            return None
        positions = mesh.positions_m - origin_m
        colours = _colours(mesh)
        items = []
        for colour in np.unique(colours, axis=0):
            triangles = mesh.triangles[(colours == colour).all(axis=1)]
            faces = self._faces(positions, triangles)
            if faces is not None:
                self._model.create_entity("IfcStyledItem", Item=faces, Styles=[self._style(tuple(colour.tolist()))])
                items.append(faces)
        if not items:
            return None
        shape = self._model.create_entity(
            "IfcShapeRepresentation",
            ContextOfItems=self._body,
            RepresentationIdentifier="Body",
            RepresentationType="Tessellation",
            Items=items,
        )
        return self._model.create_entity("IfcProductDefinitionShape", Representations=[shape])

    def _faces(self, positions: Floats, triangles: NDArray[np.uint32]) -> Any | None:
        """Return a face set of distinct points (a tenth of a millimetre apart), None if nothing is left."""
        used, index = np.unique(np.round(positions[triangles.reshape(-1)], 4), axis=0, return_inverse=True)
        corners = index.reshape(-1, 3) + 1
        whole = (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2]) & (corners[:, 2] != corners[:, 0])
        if not whole.any():
            return None
        points = self._model.create_entity("IfcCartesianPointList3D", CoordList=used.tolist())
        return self._model.create_entity(
            "IfcTriangulatedFaceSet", Coordinates=points, CoordIndex=corners[whole].tolist()
        )

    def _style(self, colour: tuple[int, ...]) -> Any:
        if colour not in self._styles:
            create = self._model.create_entity
            red, green, blue, alpha = (value / 255.0 for value in colour)
            paint = create("IfcColourRgb", Red=red, Green=green, Blue=blue)
            shading = create("IfcSurfaceStyleShading", SurfaceColour=paint, Transparency=1.0 - alpha)
            name = "#{:02x}{:02x}{:02x}{:02x}".format(*colour)
            self._styles[colour] = create("IfcSurfaceStyle", Name=name, Side="BOTH", Styles=[shading])
        return self._styles[colour]


def _colours(mesh: MeshSet) -> NDArray[np.uint8]:
    """Return (t, 4) colours of triangles, at most two dozen different ones."""
    if mesh.colours is None:
        return np.tile(np.array(_GREY, np.uint8), (len(mesh.triangles), 1))
    colours = mesh.colours[mesh.triangles[:, 0]]
    step = 1
    while len(np.unique(colours // step, axis=0)) > _MOST_COLOURS and step < 128:
        step *= 2
    if step == 1:
        return colours
    alike: NDArray[np.uint8] = np.minimum(colours // step * step + step // 2, 255).astype(np.uint8)
    return alike
