"""Worker side: what has no body, as lines and points: grids, alignments with stationing, referents, annotations, ports.

Drawing also fills the columns of these rows (stations, radii, gradients) and adds a row for each axis of a grid.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bim.alignment import Alignments
from bim.curves import curve_points, point_of
from bim.entities import READ_ERRORS, attribute, list_at, number_at, text_at
from bim.grids import axis_points, grid_axes
from bim.layouts import layout_segments
from bim.placements import axes_matrix, object_matrix
from bim.relations import Tie
from bim.tree import Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bim.tree import Tree
    from bim.units import Units

    Floats = NDArray[np.float64]

_DEEPEST = 8
_LARGEST_M = 1.0e8


@dataclass(frozen=True, eq=False)
class Drawing:
    """Lines and points of one object, in metres in the coordinates of the file.

    Parameters
    ----------
    number
        Entity number.
    positions
        (v, 3) float64.
    segments
        (l, 2) uint32: lines between positions.
    points
        (p,) uint32: positions that are points.
    """

    number: int
    positions: Floats
    segments: NDArray[np.uint32]
    points: NDArray[np.uint32]


@dataclass
class Drawn:
    """All drawings of a model, the relations found on the way, and what could not be drawn."""

    drawings: list[Drawing] = field(default_factory=list)
    ties: list[Tie] = field(default_factory=list)
    oddities: list[tuple[str, str, str]] = field(default_factory=list)


def draw(model: Any, tree: Tree, units: Units) -> Drawn:
    """Return the lines and points of the rows without a body; grid axes become rows of their own."""
    drawn = Drawn()
    alignments = Alignments(model, units)
    pen = _Pen(model, units, alignments, drawn)
    for row in list(tree.rows):
        entity = model.by_id(row.number)
        read = next((read for name, read in _DRAWN.items() if entity.is_a(name)), None)
        try:
            if read is not None and row.layer == "lines":
                read(pen, row, entity, tree)
            elif row.layer == "ports":
                pen.port(row, entity)
            elif row.layer == "":
                pen.measure(row, entity)
        except READ_ERRORS as error:
            drawn.oddities.append((f"#{row.number}", "line-unreadable", f"cannot be drawn ({error})"[:200]))
    _set_stations(tree)
    drawn.oddities += alignments.oddities
    return drawn


class _Pen:
    """Draws one kind of object at a time."""

    def __init__(self, model: Any, units: Units, alignments: Alignments, drawn: Drawn) -> None:
        self._model, self._units, self._alignments, self._drawn = model, units, alignments, drawn

    def alignment(self, row: Row, entity: Any, _tree: Tree) -> None:
        """Draw an alignment as a line in space."""
        axis = self._alignments.axis(entity)
        if axis is None:
            return
        row.columns["length_m"] = axis.length_m
        self._put(row.number, [axis.sampled()], object_matrix(entity, self._units))

    def segment(self, row: Row, entity: Any, _tree: Tree) -> None:
        """Set the columns of a segment of a layout."""
        design = attribute(entity, "DesignParameters")
        if design is None:
            return
        metres = self._units.length.factor
        row.columns["predefined_type"] = text_at(design, "PredefinedType")
        for column, names in _SEGMENT_COLUMNS.items():
            value = next((found for name in names if (found := number_at(design, name)) is not None), None)
            if value is None or ("Radius" in names[0] and value == 0.0):
                continue
            row.columns[column] = value if "gradient" in column else value * metres
        if design.is_a("IfcAlignmentCantSegment"):
            left, right = (number_at(design, name) or 0.0 for name in ("StartCantLeft", "StartCantRight"))
            row.columns["start_cant_m"] = (right - left) * metres
            left, right = (number_at(design, name) or 0.0 for name in ("EndCantLeft", "EndCantRight"))
            row.columns["end_cant_m"] = (right - left) * metres

    def layout(self, _row: Row, entity: Any, tree: Tree) -> None:
        """Set where the segments of a horizontal layout begin, which only the sum of the lengths before tells."""
        rows = {row.number: row for row in tree.rows}
        along = 0.0
        for segment in layout_segments(entity):
            design = segment.DesignParameters
            if segment.id() in rows and design.is_a("IfcAlignmentHorizontalSegment"):
                rows[segment.id()].columns["distance_along_m"] = along * self._units.length.factor
            along += number_at(design, "SegmentLength") or 0.0

    def referent(self, row: Row, entity: Any, _tree: Tree) -> None:
        """Draw a referent (a station, a kilometre post) as a point."""
        self.measure(row, entity)
        row.columns["station_m"] = self._station(entity)
        matrix = object_matrix(entity, self._units, self._alignments)
        self._put(row.number, [], np.eye(4), matrix[None, :3, 3])

    def port(self, row: Row, entity: Any) -> None:
        """Draw a port as a point where it is placed; one without a placement has none."""
        if attribute(entity, "ObjectPlacement") is not None:
            place = object_matrix(entity, self._units, self._alignments)
            self._put(row.number, [], np.eye(4), place[None, :3, 3])

    def measure(self, row: Row, entity: Any) -> None:
        """Set how far along an alignment an object is placed, and tie it to the alignment."""
        placement = attribute(entity, "ObjectPlacement")
        distance = self._alignments.distance(placement)
        if distance is None:
            return
        row.columns["distance_along_m"] = distance
        owner = self._alignments.owner(placement)
        if owner:
            self._drawn.ties.append(Tie(row.number, "positioned", owner))

    def grid(self, row: Row, entity: Any, tree: Tree) -> None:
        """Add a row for each axis of a grid, and draw it."""
        matrix = object_matrix(entity, self._units, self._alignments)
        for tag, axis in grid_axes(entity):
            child = Row(axis.id(), f"{row.global_id}/{tag}", tag, "IfcGridAxis", row.kind, "lines", parent=row.number)
            child.storey = row.storey
            tree.rows.append(child)
            self._put(child.number, [axis_points(axis, self._units)], matrix)

    def annotation(self, row: Row, entity: Any, _tree: Tree) -> None:
        """Draw the curves and points of an annotation or another positioning element."""
        shape = attribute(entity, "Representation")
        lines: list[Floats] = []
        points: list[Floats] = []
        texts: list[str] = []
        for representation in list_at(shape, "Representations") if shape is not None else []:
            for item in list_at(representation, "Items"):
                self._item(item, np.eye(4), (lines, points, texts))
        if texts:
            row.columns["text"] = " | ".join(texts)
        matrix = object_matrix(entity, self._units, self._alignments)
        self._put(row.number, lines, matrix, np.array(points).reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3])

    def _item(
        self, item: Any, matrix: Floats, found: tuple[list[Floats], list[Floats], list[str]], depth: int = 0
    ) -> None:
        """Add the lines, points and texts of an item of a representation to what was found."""
        if depth > _DEEPEST:
            return
        if item.is_a("IfcGeometricSet"):
            inner = list_at(item, "Elements")
        elif item.is_a("IfcStyledItem"):  # IFC2x3: an annotation occurrence
            inner = list_at(item, "Item")
        elif item.is_a("IfcMappedItem"):
            inner = list_at(item.MappingSource.MappedRepresentation, "Items")
            matrix = matrix @ _mapping(item, self._units)
        else:
            self._drawn_item(item, matrix, found)
            return
        for each in inner:
            self._item(each, matrix, found, depth + 1)

    def _drawn_item(self, item: Any, matrix: Floats, found: tuple[list[Floats], list[Floats], list[str]]) -> None:
        if item.is_a("IfcCurve"):
            found[0].append(curve_points(item, self._units) @ matrix[:3, :3].T + matrix[:3, 3])
        elif item.is_a("IfcCartesianPoint"):
            found[1].append(matrix[:3, :3] @ point_of(item, self._units) + matrix[:3, 3])
        elif item.is_a("IfcTextLiteral") and text_at(item, "Literal"):
            found[1].append((matrix @ axes_matrix(attribute(item, "Placement"), self._units))[:3, 3])
            found[2].append(text_at(item, "Literal"))

    def _station(self, entity: Any) -> float | None:
        """Return the station that a referent states, in metres."""
        for relation in list_at(entity, "IsDefinedBy"):
            definition = attribute(relation, "RelatingPropertyDefinition")
            if definition is None or text_at(definition, "Name") != "Pset_Stationing":
                continue
            for each in list_at(definition, "HasProperties"):
                value = number_at(each, "NominalValue")
                if text_at(each, "Name") == "Station" and value is not None:
                    own = attribute(each, "Unit")
                    return value * (self._units.length if own is None else self._units.unit(own)).factor
        return None

    def _put(self, number: int, lines: list[Floats], matrix: Floats, points: Floats | None = None) -> None:
        """Keep polylines, placed by a matrix, and points that are placed already."""
        lines = [line for line in lines if len(line) > 1]
        single = np.zeros((0, 3)) if points is None else points
        counts = [len(line) for line in lines]
        starts = np.cumsum([0, *counts])
        pairs = [
            np.column_stack([np.arange(count - 1), np.arange(1, count)]) + first
            for count, first in zip(counts, starts, strict=False)
        ]
        placed = [line @ matrix[:3, :3].T + matrix[:3, 3] for line in lines]
        positions = np.concatenate([np.zeros((0, 3)), *placed, single])
        if not len(positions):
            return
        if not np.isfinite(positions).all() or np.abs(positions).max() > _LARGEST_M:
            self._drawn.oddities.append((f"#{number}", "line-invalid", "has coordinates out of all bounds"))
            return
        segments = np.concatenate([np.zeros((0, 2)), *pairs]).astype(np.uint32)
        self._drawn.drawings.append(
            Drawing(number, positions, segments, np.arange(starts[-1], len(positions), dtype=np.uint32))
        )


def _mapping(item: Any, units: Units) -> Floats:
    """Return the (4, 4) matrix of a mapped item: from the mapped representation to where it is shown."""
    target, origin = item.MappingTarget, item.MappingSource.MappingOrigin
    matrix = np.eye(4)
    scale = number_at(target, "Scale") or 1.0
    axes = [attribute(target, name) for name in ("Axis1", "Axis2", "Axis3")]
    for column, axis in enumerate(axes):
        if axis is not None:
            matrix[:3, column] = np.array([*map(float, axis.DirectionRatios), 0.0][:3])
    matrix[:3, :3] *= scale
    matrix[:3, 3] = point_of(target.LocalOrigin, units)
    return np.asarray(matrix @ np.linalg.inv(axes_matrix(origin, units)))


def _set_stations(tree: Tree) -> None:
    """Set stations: of an alignment from its first referent, of what lies along it from the alignment."""
    rows = {row.number: row for row in tree.rows}
    known: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for row in tree.rows:
        owner = _alignment_of(row, rows)
        station, distance = row.columns.get("station_m"), row.columns.get("distance_along_m")
        if row.ifc_class == "IfcReferent" and owner is not None and station is not None and distance is not None:
            known[owner.number].append((distance, station))
    for row in tree.rows:
        if row.ifc_class == "IfcAlignment" and row.columns.get("length_m") is not None:
            distance, station = min(known.get(row.number, [(0.0, 0.0)]))
            row.columns["start_station_m"] = station - distance
            row.columns["end_station_m"] = station - distance + row.columns["length_m"]
    for row in tree.rows:
        owner = _alignment_of(row, rows)
        if row.ifc_class == "IfcAlignmentSegment" and owner is not None and "distance_along_m" in row.columns:
            first = owner.columns.get("start_station_m", 0.0) + row.columns["distance_along_m"]
            row.columns["start_station_m"] = first
            row.columns["end_station_m"] = first + row.columns.get("length_m", 0.0)


def _alignment_of(row: Row, rows: dict[int, Row]) -> Row | None:
    above: Row | None = rows.get(row.parent)
    while above is not None and above.ifc_class != "IfcAlignment":
        above = rows.get(above.parent)
    return above


# Column of a segment: the design parameters that fill it (horizontal, vertical, cant).
_SEGMENT_COLUMNS = {
    "length_m": ("SegmentLength", "HorizontalLength"),
    "distance_along_m": ("StartDistAlong",),
    "start_radius_m": ("StartRadiusOfCurvature",),
    "end_radius_m": ("EndRadiusOfCurvature",),
    "start_height_m": ("StartHeight",),
    "start_gradient": ("StartGradient",),
    "end_gradient": ("EndGradient",),
}
_DRAWN: dict[str, Callable[[_Pen, Row, Any, Tree], None]] = {
    "IfcAlignment": _Pen.alignment,
    "IfcAlignmentSegment": _Pen.segment,
    "IfcAlignmentHorizontal": _Pen.layout,
    "IfcReferent": _Pen.referent,
    "IfcGrid": _Pen.grid,
    "IfcProduct": _Pen.annotation,
}
