"""The streets of a SUMO network: each edge with its lanes side by side, and the areas of its junctions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from gis.builders import ROAD_LIFT_M
from gis.colours import ROAD_COLOURS, rgba
from gis.draping import draped
from gis.networks.inp import columns
from gis.networks.objects import Link, NetworkObjects
from gis.networks.properties import property_cells
from gis.networks.shapes import grouped_lines, local_areas, local_lines
from gis.networks.sumo_xml import LANE_WIDTH_M
from gis.ribbons import ribbons

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.networks.plan import Plan
    from gis.networks.sumo_xml import Document, Item, Lane
    from scenes.georeference import Georeference
    from scenes.loading import Ground

    Floats = NDArray[np.float64]
    Objects = NDArray[np.object_]

_TURNS = {"s": "straight", "l": "left", "L": "half left", "r": "right", "R": "half right", "t": "turn", "": ""}
_RAILS = ("rail", "tram", "railway")
_JUNCTION_LIFT_M = ROAD_LIFT_M - 0.02
_STREET_LIFT_M = ROAD_LIFT_M + 0.1


def street_objects(document: Document, plan: Plan, frame: Georeference, ground: Ground | None) -> NetworkObjects:
    """Return one object an edge; its shape is that of its lanes."""
    edges, lanes = document.edges, document.lanes
    lines = local_lines([lane.points for lane in lanes], plan, frame)
    widths = np.array([lane_width_m(lane.attributes) for lane in lanes], np.float64)
    owner = np.array([lane.edge for lane in lanes], np.int64)
    words = [_word(edges[lane.edge], lane) for lane in lanes]
    colours = rgba([ROAD_COLOURS[word] for word in words])
    soup = ribbons(lines, widths, np.full(len(lanes), _STREET_LIFT_M), colours, ground)
    mesh = replace(soup, vertex_rows=owner[soup.vertex_rows], triangle_rows=owner[soup.triangle_rows]).mesh()
    index = {edge.key: row for row, edge in enumerate(edges)}
    ids = [f"edge/{edge.key}" for edge in edges]
    kinds = [_kind(edge.attributes.get("type", "")) for edge in edges]
    names = [edge.attributes.get("name", "") for edge in edges]
    units = {"speed_m_s": "m/s", "length_m": "m", "width_m": "m", "lanes": "1", "priority": "1"}
    plans = grouped_lines(lines, owner, len(edges))
    return NetworkObjects(
        ids, kinds, names, _street_columns(edges, lanes, owner, widths), units, plans,
        links=_street_links(document, index), mesh=mesh,
    )  # fmt: skip


def junction_objects(document: Document, plan: Plan, frame: Georeference, ground: Ground | None) -> NetworkObjects:
    """Return the junctions as areas; those without an area have a point."""
    junctions = document.junctions
    areas = local_areas([item.points for item in junctions], plan, frame)
    colours = np.repeat(rgba([ROAD_COLOURS["residential"]]), len(junctions), axis=0)
    mesh = draped(areas, np.full(len(junctions), _JUNCTION_LIFT_M), colours, ground).mesh()
    centres = np.array([[_float(item, "x"), _float(item, "y")] for item in junctions], np.float64).reshape(-1, 2)
    known = np.isfinite(centres).all(axis=1)
    local = np.full(centres.shape, np.nan)
    local[known] = plan.to_local(centres[known], frame)
    bare = shapely.is_empty(areas) & known
    plans = areas.copy()
    plans[bare] = shapely.points(local[bare])
    control = [item.attributes.get("type", "") for item in junctions]
    cells = columns(**{"class": control}, traffic_lights=["yes" if "traffic_light" in word else "" for word in control])
    ids = [f"junction/{item.key}" for item in junctions]
    return NetworkObjects(ids, ["TrafficArea"] * len(junctions), (), cells, {}, plans, mesh=mesh)


def lane_width_m(attributes: dict[str, str]) -> float:
    """Return the width of a lane in metres; 3.2 where the file does not say, as in SUMO."""
    try:
        width = float(attributes.get("width", LANE_WIDTH_M))
    except ValueError:
        return LANE_WIDTH_M
    return width if 0 < width < 100 else LANE_WIDTH_M


def _street_columns(edges: list[Item], lanes: list[Lane], owner: NDArray[np.int64], widths: Floats) -> dict[str, Any]:
    speed = np.array([_number(lane.attributes, "speed") for lane in lanes])
    length = np.array([_number(lane.attributes, "length") for lane in lanes])
    size = len(edges)
    fastest, longest = np.full(size, np.nan), np.full(size, np.nan)
    np.fmax.at(fastest, owner, speed)
    np.fmax.at(longest, owner, length)
    allowed: list[dict[str, None]] = [{} for _ in edges]
    details: list[dict[str, str]] = [{} for _ in edges]
    for lane, width in zip(lanes, widths.tolist(), strict=True):
        text = _permission(lane)
        allowed[lane.edge][text] = None
        said = f"{width:.2f} m wide, {lane.attributes.get('speed', '?')} m/s, {text}"
        details[lane.edge][lane.key] = said
    return {
        **columns(
            **{"class": [edge.attributes.get("type", "") for edge in edges]},
            from_node=[edge.attributes.get("from", "") for edge in edges],
            to_node=[edge.attributes.get("to", "") for edge in edges],
            lanes=np.bincount(owner, minlength=size),
            speed_m_s=fastest,
            priority=np.array([_number(edge.attributes, "priority") for edge in edges]),
            length_m=longest,
            width_m=np.bincount(owner, weights=widths, minlength=size),
            allow=["; ".join(texts) for texts in allowed],
        ),
        "properties": property_cells([{"lanes": detail} for detail in details]),
    }


def _street_links(document: Document, index: dict[str, int]) -> list[Link]:
    nodes = {item.key for item in document.junctions}
    links = [
        Link(row, "connects", f"junction/{edge.attributes[role]}", role)
        for row, edge in enumerate(document.edges)
        for role in ("from", "to")
        if edge.attributes.get(role) in nodes
    ]
    turns = {(begin, end): turn for begin, end, turn in document.connections if begin in index and end in index}
    links += [Link(index[a], "connects", f"edge/{b}", _TURNS.get(turn, turn)) for (a, b), turn in turns.items()]
    return links


def _permission(lane: Lane) -> str:
    if lane.attributes.get("allow"):
        return lane.attributes["allow"]
    refused = lane.attributes.get("disallow", "")
    return f"all but {refused}" if refused else "all"


def _word(edge: Item, lane: Lane) -> str:
    """Return the colour word of a lane: by who may use it, else by the type of its edge."""
    allowed = set(lane.attributes.get("allow", "").split())
    kind = edge.attributes.get("type", "").partition(".")
    if kind[0] == "railway" or (allowed and all(word.startswith(_RAILS) for word in allowed)):
        return "rail"
    if allowed and allowed <= {"pedestrian", "bicycle"}:
        return "path"
    word = kind[2].partition("|")[0].removesuffix("_link")
    return word if word in ROAD_COLOURS else "ferry" if kind[0] == "waterway" else "residential"


def _kind(word: str) -> str:
    head = word.partition(".")[0]
    return {"railway": "Railway", "waterway": "Waterway"}.get(head, "Road")


def _number(attributes: dict[str, str], name: str) -> float:
    try:
        return float(attributes.get(name, "nan"))
    except ValueError:
        return float("nan")


def _float(item: Item, name: str) -> float:
    return _number(item.attributes, name)
