"""What stands in additional files of SUMO: polygons, points of interest, stops and parking along lanes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from shapely.ops import substring

from gis.builders import LAND_LIFT_M, ROAD_LIFT_M, Features, meshes_of
from gis.colours import POINT_COLOUR, rgba
from gis.draping import draped
from gis.ground import ground_z
from gis.heights import heights_of
from gis.meshing import joined
from gis.networks.inp import columns, number
from gis.networks.objects import NetworkObjects
from gis.networks.properties import property_cells
from gis.networks.shapes import local_areas, local_lines
from gis.networks.sumo_streets import lane_width_m
from gis.prototypes import pinned
from gis.ribbons import ribbons
from gis.shapes import Shapes
from gis.themes import THEMES
from scenes.georeference import WGS84
from scenes.identity import derive_uids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gis.networks.plan import Plan
    from gis.networks.sumo_xml import Document, Item
    from scenes.georeference import Georeference
    from scenes.loading import Ground
    from scenes.problems import Problems
    from scenes.sources import Source

    Floats = NDArray[np.float64]
    Objects = NDArray[np.object_]

_COLOURS = {"red": "#ff0000", "green": "#00ff00", "blue": "#0000ff", "yellow": "#ffff00", "cyan": "#00ffff",
            "magenta": "#ff00ff", "orange": "#ff8000", "white": "#ffffff", "black": "#000000", "grey": "#808080",
            "gray": "#808080"}  # fmt: skip
_STOP_COLOURS = {"parkingArea": "#6f8fbf", "chargingStation": "#5aa469"}
_STOP_WIDTH_M = 2.0
_AREA_LIFT_M = LAND_LIFT_M + 0.15


def is_building(item: Item) -> bool:
    """Say whether a polygon is a building by its type."""
    return item.attributes.get("type", "").lower().startswith("building")


def building_objects(
    items: Sequence[Item], plan: Plan, frame: Georeference, ground: Ground | None, source: Source
) -> NetworkObjects:
    """Return polygons of buildings as solids, of the usual height where no parameter says another."""
    areas = local_areas([item.points for item in items], plan, frame)
    table = pd.DataFrame([item.parameters for item in items], index=range(len(items)))
    classes = np.array([item.attributes["type"].partition(".")[2] for item in items], object)
    heights = heights_of(table, classes, source)
    uids = derive_uids(source.namespace, [item.key for item in items])
    hashes = np.array([int(uid.rpartition("-")[2], 16) for uid in uids], np.uint64)
    features = Features(THEMES["buildings"], Shapes(areas), table, classes, hashes, heights)
    mesh = meshes_of(features, ground)
    cells = columns(
        **{"class": classes.tolist()}, height_m=heights.top_m, min_height_m=heights.base_m, levels=heights.levels,
        height_source=heights.source.tolist(),
    )  # fmt: skip
    units = {"height_m": "m", "min_height_m": "m", "levels": "1"}
    return NetworkObjects(
        _ids("poly", items), ["Building"] * len(items), _names(items), cells, units, areas,
        mesh=mesh.get("1") or NetworkObjects([], []).mesh,
    )  # fmt: skip


def area_objects(items: Sequence[Item], plan: Plan, frame: Georeference, ground: Ground | None) -> NetworkObjects:
    """Return other polygons in the colours of the file; those that are not filled are lines."""
    closed = [item.attributes.get("fill", "0").lower() not in {"0", "false", "f"} for item in items]
    shapes = [item.points for item in items]
    areas = local_areas(shapes, plan, frame)
    lines = local_lines(shapes, plan, frame)
    filled = np.array(closed, bool) & ~shapely.is_empty(areas)
    colours = np.array([colour_of(item) for item in items], np.uint8).reshape(-1, 4)
    layers = np.array([number(item.attributes.get("layer", "0")) for item in items], np.float64)
    lifts = _AREA_LIFT_M + 0.02 * np.clip(np.nan_to_num(layers), -5, 5)
    drawn, drawn_lines = areas.copy(), lines.copy()
    drawn[~filled], drawn_lines[filled] = shapely.Polygon(), shapely.LineString()
    surfaces = draped(drawn, lifts, colours, ground)
    bands = ribbons(drawn_lines, np.full(len(items), 1.0), lifts, colours, ground)
    cells = columns(**{"class": [item.attributes.get("type", "") for item in items]})
    plans = np.where(filled, areas, lines)
    parameters = property_cells([{"parameters": item.parameters} for item in items])
    return NetworkObjects(
        _ids("poly", items), ["LandUse"] * len(items), _names(items), {**cells, "properties": parameters}, {}, plans,
        mesh=joined([surfaces, bands]),
    )  # fmt: skip


def place_objects(
    document: Document, lanes: Lanes, plan: Plan, frame: Georeference, ground: Ground | None
) -> NetworkObjects:
    """Return points of interest as pins: at x and y, at degrees, or at a place along a lane."""
    items = document.places
    xy = np.array([[number(item.attributes.get(name)) for name in "xy"] for item in items], np.float64).reshape(-1, 2)
    degrees = np.array([[number(item.attributes.get(name)) for name in ("lon", "lat")] for item in items], float)
    local = np.full((len(items), 2), np.nan)
    known = np.isfinite(xy).all(axis=1)
    local[known] = plan.to_local(xy[known], frame)
    spherical = ~known & np.isfinite(degrees.reshape(-1, 2)).all(axis=1)
    if spherical.any():
        local[spherical] = np.column_stack(frame.localise_from(WGS84, *degrees[spherical].T))
    for row in np.flatnonzero(~known & ~spherical).tolist():
        line = lanes.line(items[row].attributes.get("lane", ""))
        if line is not None:
            along = number(items[row].attributes.get("pos", "0"))
            local[row] = shapely.get_coordinates(shapely.line_interpolate_point(line, along))[0]
    good = np.isfinite(local).all(axis=1)
    kept = [item for item, there in zip(items, good, strict=True) if there]
    local = local[good]
    feet = np.column_stack([local, ground_z(ground, local[:, 0], local[:, 1])])
    return NetworkObjects(
        _ids("poi", kept), ["PointOfInterest"] * len(kept), _names(kept),
        {**columns(**{"class": [item.attributes.get("type", "") for item in kept]}),
         "properties": property_cells([{"parameters": item.parameters} for item in kept])},
        {}, np.asarray(shapely.points(local), object), mesh=pinned(feet, np.full(len(kept), 6.0), POINT_COLOUR),
    )  # fmt: skip


class Lanes:
    """The lanes of a network by id, in local metres."""

    def __init__(self, network: Document | None, plan: Plan, frame: Georeference) -> None:
        """Turn all lanes at once."""
        found = network.lanes if network is not None else []
        lines = local_lines([lane.points for lane in found], plan, frame)
        self._lines = {lane.key: line for lane, line in zip(found, lines, strict=True)}
        self._widths = {lane.key: lane_width_m(lane.attributes) for lane in found}

    def line(self, key: str) -> Any:
        """Return the middle of a lane, None if the network has none of that id."""
        line = self._lines.get(key)
        return None if line is None or shapely.is_empty(line) else line

    def width_m(self, key: str) -> float:
        """Return the width of a lane."""
        return self._widths.get(key, 3.2)


def stop_objects(document: Document, lanes: Lanes, ground: Ground | None, problems: Problems) -> NetworkObjects:
    """Return stops and parking areas as strips on the right of their lanes."""
    kept: list[Item] = []
    strips: list[Any] = []
    for item in document.stops:
        line = lanes.line(item.attributes.get("lane", ""))
        if line is None:
            text = f"lies on lane {item.attributes.get('lane', '?')}, which no network beside it has: left out"
            problems.add("warning", item.key, "lane-unknown", text, "put the .net.xml into the same folder")
            continue
        kept.append(item)
        strips.append(_strip(item, line, lanes.width_m(item.attributes["lane"])))
    lines = np.array(strips, object) if strips else np.zeros(0, object)
    colours = rgba([_STOP_COLOURS.get(item.tag, "#c98a3d") for item in kept])
    lifts = np.full(len(kept), ROAD_LIFT_M + 0.13)
    mesh = ribbons(lines, np.full(len(kept), _STOP_WIDTH_M), lifts, colours, ground).mesh()
    cells = columns(
        **{"class": [item.tag for item in kept]},
        lane=[item.attributes["lane"] for item in kept],
        edge=[item.attributes["lane"].rpartition("_")[0] for item in kept],
        lines=[item.attributes.get("lines", "") for item in kept],
        capacity=np.array([number(item.attributes.get("roadsideCapacity")) for item in kept], np.float64),
        length_m=shapely.length(lines).astype(np.float64),
    )
    kinds = ["TrafficArea" if item.tag == "parkingArea" else "CityFurniture" for item in kept]
    units = {"capacity": "1", "length_m": "m"}
    return NetworkObjects(_ids("", kept), kinds, _names(kept), cells, units, lines, mesh=mesh)


def _strip(item: Item, line: Any, width_m: float) -> Any:
    """Return the part of a lane that a stop takes, moved to the right edge."""
    length = float(line.length)
    begin, end = number(item.attributes.get("startPos", "0")), number(item.attributes.get("endPos"))
    begin = begin + length if begin < 0 else begin
    end = length if not np.isfinite(end) else end + length if end < 0 else end
    begin, end = float(np.clip(begin, 0, max(length - 0.5, 0))), float(np.clip(end, 0, length))
    part = substring(line, begin, max(end, min(begin + 0.5, length)))
    moved = shapely.offset_curve(part, -(width_m + _STOP_WIDTH_M) / 2)
    return moved if moved.geom_type == "LineString" and not shapely.is_empty(moved) else part


def colour_of(item: Item) -> tuple[int, int, int, int]:
    """Return the colour that an element states: a name, ``#rrggbb``, or three or four numbers up to 1 or 255."""
    text = item.attributes.get("color", "").strip().lower()
    if text in _COLOURS or (text.startswith("#") and len(text) in {7, 9}):
        try:
            r, g, b, a = rgba([_COLOURS.get(text, text)])[0].tolist()
        except ValueError:
            return 168, 172, 176, 255
        return r, g, b, a
    parts = [number(part) for part in text.split(",")]
    if len(parts) not in {3, 4} or not np.isfinite(parts).all():
        return 168, 172, 176, 255
    scale = 255.0 if max(parts) <= 1.0 and "." in text else 1.0
    r, g, b = (int(np.clip(part * scale, 0, 255)) for part in parts[:3])
    return r, g, b, 255


def _ids(head: str, items: Sequence[Item]) -> list[str]:
    seen: dict[str, int] = {}
    found = []
    for item in items:
        key = f"{head or item.tag}/{item.key}"
        seen[key] = seen.get(key, 0) + 1
        found.append(key if seen[key] == 1 else f"{key}#{seen[key]}")
    return found


def _names(items: Sequence[Item]) -> list[str]:
    return [item.attributes.get("name") or item.parameters.get("name", "") for item in items]
