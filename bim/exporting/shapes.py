"""Triangles, lines and points of an object as IFC, relative to its own place: one face set a colour or image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from scenes.mesh import MeshSet
    from scenes.pictures import Picture

    Floats = NDArray[np.float64]

_MOST_COLOURS = 24
_GREY = (200, 200, 200, 255)
_FORMATS = {"image/png": "PNG", "image/jpeg": "JPG"}


class ShapeWriter:
    """Writes placements and shapes; styles are shared.

    Parameters
    ----------
    model
        The IFC model.
    context
        Context of the model, above those of bodies and of lines.
    """

    def __init__(self, model: Any, context: Any) -> None:
        """Start with no styles."""
        self._model, self._context = model, context
        self._contexts: dict[str, Any] = {}
        self._styles: dict[tuple[int, ...], Any] = {}
        self._textures: dict[Picture, Any] = {}
        self._textured: dict[tuple[Picture, int], Any] = {}

    def placement(self, origin_m: Floats) -> Any:
        """Return a placement at (3,) metres in the frame of the model."""
        create = self._model.create_entity
        point = create("IfcCartesianPoint", [float(value) for value in origin_m])
        return create("IfcLocalPlacement", RelativePlacement=create("IfcAxis2Placement3D", Location=point))

    def shape(self, mesh: MeshSet, origin_m: Floats, *, identifier: str = "Body") -> Any | None:
        """Return the shape of one object's mesh relative to its place, None if there is nothing to show.

        `identifier` is ``Reference`` for openings, whose hosts have their holes already.
        """
        mesh = mesh.expanded()
        positions = mesh.positions_m - origin_m
        bodies = list(self._bodies(mesh, positions))
        found = [self._representation("Body", identifier, "Tessellation", bodies)] if bodies else []
        curves = self._curves(mesh, positions)
        if curves:
            curve_set = self._model.create_entity("IfcGeometricCurveSet", Elements=curves)
            found.append(self._representation("Annotation", "Annotation", "GeometricCurveSet", [curve_set]))
        return self._definition(found)

    def axis(self, mesh: MeshSet, origin_m: Floats) -> Any | None:
        """Return the lines of an object as the one curve that an alignment has."""
        lines = list(self._polylines(mesh, mesh.positions_m - origin_m))
        return self._definition([self._representation("Axis", "Axis", "Curve3D", lines[:1])]) if lines else None

    def polyline(self, points_m: Floats) -> Any:
        """Return (n, 3) points in the coordinates of an object as the one curve that an alignment has."""
        points = [self._model.create_entity("IfcCartesianPoint", point) for point in points_m.tolist()]
        curve = self._model.create_entity("IfcPolyline", points)
        return self._definition([self._representation("Axis", "Axis", "Curve3D", [curve])])

    def flat_lines(self, mesh: MeshSet, origin_m: Floats) -> list[Any]:
        """Return the lines of an object seen from above, as polylines in two dimensions."""
        return list(self._polylines(mesh, (mesh.positions_m - origin_m)[:, :2]))

    def context(self, name: str) -> Any:
        """Return the context of bodies, axes or annotations, made when it is first needed."""
        if name not in self._contexts:
            self._contexts[name] = self._model.create_entity(
                "IfcGeometricRepresentationSubContext",
                ContextIdentifier=name,
                ContextType="Model",
                ParentContext=self._context,
                TargetView="MODEL_VIEW",
            )
        return self._contexts[name]

    def _definition(self, representations: list[Any]) -> Any | None:
        if not representations:
            return None
        return self._model.create_entity("IfcProductDefinitionShape", Representations=representations)

    def _representation(self, context: str, identifier: str, kind: str, items: Sequence[Any]) -> Any:
        return self._model.create_entity(
            "IfcShapeRepresentation",
            ContextOfItems=self.context(context),
            RepresentationIdentifier=identifier,
            RepresentationType=kind,
            Items=items,
        )

    def _bodies(self, mesh: MeshSet, positions: Floats) -> Iterator[Any]:
        """Yield a face set for each colour and each image."""
        if not len(mesh.triangles):
            return
        shown = np.full(len(mesh.triangles), -1) if mesh.triangle_images is None else mesh.triangle_images
        colours = _colours(mesh)
        for colour in np.unique(colours[shown < 0], axis=0):
            faces = self._faces(positions, mesh.triangles[(shown < 0) & (colours == colour).all(axis=1)])
            if faces is not None:
                self._styled(faces, self._style(tuple(colour.tolist())))
                yield faces
        for image in np.unique(shown[shown >= 0]).tolist():
            which = np.flatnonzero(shown == image)
            opacity = int(colours[which[0], 3])
            yield from self._pictured(mesh, positions, which, (mesh.images[image], opacity))

    def _pictured(
        self, mesh: MeshSet, positions: Floats, which: NDArray[np.integer], look: tuple[Picture, int]
    ) -> Iterator[Any]:
        """Yield the face set of the triangles with one image, and lay the image on it."""
        triangles = mesh.triangles[which]
        faces = self._faces(positions, triangles)
        if faces is None or mesh.uvs is None:
            return
        kept = _whole(positions, triangles)
        places, index = np.unique(mesh.uvs[triangles[kept].reshape(-1)].astype(np.float64), axis=0, return_inverse=True)
        places[:, 1] = 1.0 - places[:, 1]  # IFC counts from the lower left corner
        create = self._model.create_entity
        create(
            "IfcIndexedTriangleTextureMap",
            Maps=[self._texture(look[0])],
            MappedTo=faces,
            TexCoords=create("IfcTextureVertexList", places.tolist()),
            TexCoordIndex=(index.reshape(-1, 3) + 1).tolist(),
        )
        self._styled(faces, self._picture_style(*look))
        yield faces

    def _faces(self, positions: Floats, triangles: NDArray[np.uint32]) -> Any | None:
        """Return a face set of distinct points (a tenth of a millimetre apart), None if nothing is left."""
        kept = _whole(positions, triangles)
        if not kept.any():
            return None
        used, index = np.unique(np.round(positions[triangles[kept].reshape(-1)], 4), axis=0, return_inverse=True)
        points = self._model.create_entity("IfcCartesianPointList3D", CoordList=used.tolist())
        corners = (index.reshape(-1, 3) + 1).tolist()
        return self._model.create_entity("IfcTriangulatedFaceSet", Coordinates=points, CoordIndex=corners)

    def _curves(self, mesh: MeshSet, positions: Floats) -> list[Any]:
        points = [] if mesh.points is None else positions[mesh.points].tolist()
        return [
            *self._polylines(mesh, positions),
            *(self._model.create_entity("IfcCartesianPoint", point) for point in points),
        ]

    def _polylines(self, mesh: MeshSet, positions: Floats) -> Iterator[Any]:
        """Yield a polyline for each chain of segments."""
        if mesh.lines is None or not len(mesh.lines):
            return
        breaks = np.flatnonzero(mesh.lines[1:, 0] != mesh.lines[:-1, 1]) + 1
        for chain in np.split(mesh.lines, breaks):
            places = positions[[int(chain[0, 0]), *chain[:, 1].tolist()]].tolist()
            yield self._model.create_entity(
                "IfcPolyline", [self._model.create_entity("IfcCartesianPoint", place) for place in places]
            )

    def _styled(self, item: Any, style: Any) -> None:
        self._model.create_entity("IfcStyledItem", Item=item, Styles=[style])

    def _style(self, colour: tuple[int, ...]) -> Any:
        if colour not in self._styles:
            name = "#{:02x}{:02x}{:02x}{:02x}".format(*colour)
            self._styles[colour] = self._surface(name, [self._shading(colour)])
        return self._styles[colour]

    def _picture_style(self, picture: Picture, opacity: int) -> Any:
        key = picture, opacity
        if key not in self._textured:
            create = self._model.create_entity
            mean = (*picture.mean_colour[:3].tolist(), opacity)
            textures = create("IfcSurfaceStyleWithTextures", [self._texture(picture)])
            self._textured[key] = self._surface(f"Image {len(self._textured) + 1}", [self._shading(mean), textures])
        return self._textured[key]

    def _surface(self, name: str, parts: list[Any]) -> Any:
        return self._model.create_entity("IfcSurfaceStyle", Name=name, Side="BOTH", Styles=parts)

    def _shading(self, colour: tuple[int, ...]) -> Any:
        red, green, blue, alpha = (value / 255.0 for value in colour)
        paint = self._model.create_entity("IfcColourRgb", Red=red, Green=green, Blue=blue)
        return self._model.create_entity("IfcSurfaceStyleShading", SurfaceColour=paint, Transparency=1.0 - alpha)

    def _texture(self, picture: Picture) -> Any:
        if picture not in self._textures:
            self._textures[picture] = self._model.create_entity(
                "IfcBlobTexture",
                RepeatS=True,
                RepeatT=True,
                Mode="DIFFUSE",
                RasterFormat=_FORMATS[picture.mime],
                RasterCode="".join(f"{byte:08b}" for byte in picture.data),
            )
        return self._textures[picture]


def _whole(positions: Floats, triangles: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Say which triangles have three corners that are a tenth of a millimetre apart."""
    corners = np.round(positions[triangles], 4)
    apart = [(corners[:, one] != corners[:, two]).any(axis=1) for one, two in ((0, 1), (1, 2), (2, 0))]
    return np.asarray(apart[0] & apart[1] & apart[2], np.bool_)


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
