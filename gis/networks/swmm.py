"""EPA SWMM 5: what the sections of a sewer model mean, in metres.

Source of the meanings: Storm Water Management Model User's Manual Version 5.2, EPA/600/R-22/030, appendix D.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.networks.inp import columns, first_of_each, link_rows, node_rows, number, numbers, paths_of, places_of, word
from gis.networks.mains import Nodes, Pipes
from gis.tubes import PROFILES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.networks.inp import Model
    from scenes.problems import Problems

    Floats = NDArray[np.float64]

_US = frozenset({"CFS", "GPM", "MGD"})
_FOOT_M = 0.3048
_ACRE_M2 = 4046.8564224
_NODES = {"JUNCTIONS": "manhole", "OUTFALLS": "outfall", "DIVIDERS": "divider", "STORAGE": "storage"}
_LINKS = {
    "CONDUITS": "conduit", "PUMPS": "pump", "ORIFICES": "orifice", "WEIRS": "weir", "OUTLETS": "outlet",
}  # fmt: skip
_SHAPES = {
    "CIRCULAR": "circle", "FORCE_MAIN": "circle", "FILLED_CIRCULAR": "circle", "RECT_CLOSED": "rectangle",
    "RECT_OPEN": "rectangle", "TRAPEZOIDAL": "trapezoid", "TRIANGULAR": "triangle", "RECT_TRIANGULAR": "triangle",
    "RECT_ROUND": "rectangle", "MODBASKETHANDLE": "arch", "BASKETHANDLE": "arch", "HORSESHOE": "arch",
    "ARCH": "arch", "GOTHIC": "egg", "CATENARY": "egg", "EGG": "egg", "SEMIELLIPTICAL": "egg",
    "SEMICIRCULAR": "arch", "PARABOLIC": "trapezoid", "POWER": "trapezoid", "HORIZ_ELLIPSE": "round",
    "VERT_ELLIPSE": "round", "IRREGULAR": "trapezoid", "STREET": "trapezoid", "CUSTOM": "rectangle",
}  # fmt: skip
# Width of the shapes that are given by their height alone (appendix D, [XSECTIONS]).
_WIDTH_SHARE = {"EGG": 0.667, "HORSESHOE": 1.0, "GOTHIC": 0.84, "CATENARY": 0.9, "SEMIELLIPTICAL": 1.0,
                "BASKETHANDLE": 0.944, "SEMICIRCULAR": 1.64}  # fmt: skip
_USUAL_M = 0.3
_SHAFT_M = 1.0
_WIDEST_M = 200.0


@dataclass(frozen=True, eq=False)
class Areas:
    """Subcatchments: names, outlines in plan coordinates, the node each drains to, attributes and units."""

    names: list[str]
    outlines: list[list[tuple[float, float]]]
    outlets: list[str]
    columns: dict[str, Any]
    units: dict[str, str]


def unit_m(model: Model) -> float:
    """Return the metres in a unit of length of the model: feet or metres by its FLOW_UNITS."""
    return _FOOT_M if model.option("FLOW_UNITS", default="CFS") in _US else 1.0


def nodes_of(model: Model, problems: Problems, where: str) -> Nodes:
    """Return the nodes that have a place."""
    unit, places = unit_m(model), places_of(model, "COORDINATES")
    rows, words = node_rows(model, _NODES, places, problems, where)
    kinds = np.array(words, object)
    invert = np.nan_to_num(numbers(rows, 1)) * unit
    depth = np.where(np.isin(kinds, ("manhole", "storage")), np.nan_to_num(numbers(rows, 2)), 0.0) * unit
    depth = np.where(kinds == "divider", [_divider_depth(row) * unit for row in rows], depth)
    crown = _crowns(model, [row[0] for row in rows], invert)
    top = np.where(depth > 0, invert + depth, np.maximum(crown, invert + 0.5))
    areas = [_storage_area(model, row, d / unit) if kind == "storage" else 0.0
             for row, kind, d in zip(rows, words, top - invert, strict=True)]  # fmt: skip
    wide = np.minimum(2 * np.sqrt(np.array(areas) / np.pi) * unit, _WIDEST_M)
    diameter = np.where(wide > 0.1, wide, _SHAFT_M)
    cells = columns(
        invert_m=invert,
        rim_m=top,
        depth_m=top - invert,
        outfall_type=[word(row, 2) if kind == "outfall" else "" for row, kind in zip(rows, words, strict=True)],
        surface_area_m2=np.where(kinds == "storage", np.pi * diameter**2 / 4, np.nan),
        tag=_tags(model, "NODE", rows),
    )
    units = {"invert_m": "m", "rim_m": "m", "depth_m": "m", "surface_area_m2": "m2"}
    xy = np.array([places[row[0]] for row in rows], np.float64).reshape(-1, 2)
    return Nodes([row[0] for row in rows], words, xy, top, invert, top, diameter, cells, units)


def pipes_of(model: Model, nodes: Nodes, problems: Problems, where: str) -> Pipes:
    """Return the links whose nodes have places."""
    index = {name: row for row, name in enumerate(nodes.names)}
    rows, words = link_rows(model, _LINKS, index, problems, where)
    unit = unit_m(model)
    sections = {row[0]: row for row in model.rows("XSECTIONS", 2)}
    shapes = [word(sections.get(row[0], []), 1).upper() for row in rows]
    size = np.array([_size(model, sections.get(row[0], []), unit) for row in rows]).reshape(-1, 2)
    begin = np.array([index[row[1]] for row in rows], np.int64)
    end = np.array([index[row[2]] for row in rows], np.int64)
    invert = nodes.low_m
    low = _ends(model, rows, words, (invert[begin], invert[end]), unit)
    length = np.array([number(word(row, 3)) if kind == "conduit" else np.nan
                       for row, kind in zip(rows, words, strict=True)], np.float64) * unit  # fmt: skip
    known = np.isfinite(length) & (length > 0)
    slope = np.divide((low[0] - low[1]) * 100, length, out=np.full(len(rows), np.nan), where=known)
    conduit = np.array(words, object) == "conduit"
    round_ = np.isin(shapes, ("CIRCULAR", "FORCE_MAIN", "FILLED_CIRCULAR"))
    barrels = np.array([number(word(sections.get(row[0], []), 6)) for row in rows], np.float64)
    cells = columns(
        shape=[shape.lower() for shape in shapes],
        diameter_m=np.where(round_, size[:, 1], np.nan),
        width_m=np.where(conduit, size[:, 0], np.nan),
        height_m=np.where(conduit, size[:, 1], np.nan),
        barrels=barrels,
        length_m=length,
        roughness=np.where(conduit, numbers(rows, 4), np.nan),
        slope_percent=slope,
        from_invert_m=low[0],
        to_invert_m=low[1],
        device_type=[_device_type(row, kind) for row, kind in zip(rows, words, strict=True)],
        tag=_tags(model, "LINK", rows),
    )
    units = {"diameter_m": "m", "width_m": "m", "height_m": "m", "length_m": "m", "from_invert_m": "m",
             "to_invert_m": "m", "slope_percent": "%", "roughness": "1", "barrels": "1"}  # fmt: skip
    bends = paths_of(model, "VERTICES")
    drawn = np.where(conduit[:, None], size, np.minimum(size, _USUAL_M))  # the size of an opening is not that of a pipe
    half = drawn[:, 1] / 2
    profiles = [PROFILES.index(_SHAPES.get(shape, "circle")) for shape in shapes]
    return Pipes(
        [row[0] for row in rows], words, begin, end, [bends.get(row[0], []) for row in rows],
        low[0] + half, low[1] + half, drawn[:, 0], drawn[:, 1], np.array(profiles, np.int64), cells, units,
    )  # fmt: skip


def areas_of(model: Model, problems: Problems, where: str) -> Areas:
    """Return the subcatchments that have an outline."""
    outlines = paths_of(model, "POLYGONS")
    rows, _ = first_of_each(model.rows("SUBCATCHMENTS"))
    for row in rows:
        if len(outlines.get(row[0], [])) < 3:
            problems.add("info", f"{where}#{row[0]}", "subcatchment-without-outline", "has no polygon: not drawn")
    rows = [row for row in rows if len(outlines.get(row[0], [])) >= 3]
    unit = unit_m(model)
    area = _ACRE_M2 if unit != 1.0 else 10_000.0
    cells = columns(
        outlet=[word(row, 2) for row in rows],
        rain_gage=[word(row, 1) for row in rows],
        area_m2=numbers(rows, 3) * area,
        impervious_percent=numbers(rows, 4),
        width_m=numbers(rows, 5) * unit,
        slope_percent=numbers(rows, 6),
        tag=_tags(model, "SUBCATCH", rows),
    )
    units = {"area_m2": "m2", "impervious_percent": "%", "width_m": "m", "slope_percent": "%"}
    names = [row[0] for row in rows]
    return Areas(names, [outlines[name] for name in names], [word(row, 2) for row in rows], cells, units)


def gauges_of(model: Model) -> tuple[list[str], Floats, dict[str, Any]]:
    """Return names, (n, 2) plan coordinates and attributes of the rain gages that have a place."""
    places = places_of(model, "SYMBOLS")
    rows = [row for row in model.rows("RAINGAGES") if row[0] in places]
    xy = np.array([places[row[0]] for row in rows], np.float64).reshape(-1, 2)
    cells = columns(format=[word(row, 1) for row in rows], interval=[word(row, 2) for row in rows],
                    series=[word(row, 5) for row in rows])  # fmt: skip
    return [row[0] for row in rows], xy, cells


def _ends(
    model: Model, rows: list[list[str]], words: list[str], inverts: tuple[Floats, Floats], unit: float
) -> tuple[Floats, Floats]:
    """Return the height of the bottom of each link at both ends, metres."""
    as_heights = model.option("LINK_OFFSETS") == "ELEVATION"
    columns_ = {"conduit": (5, 6), "orifice": (4, 4), "weir": (4, 4), "outlet": (3, 3)}
    found = []
    for side, invert in enumerate(inverts):
        place = [columns_.get(kind, (99, 99))[side] for kind in words]
        offset = np.array([number(word(row, at)) for row, at in zip(rows, place, strict=True)], np.float64) * unit
        # Of devices only the upstream side has an offset; water falls to the invert on the other.
        if side == 1:
            offset[np.array(words, object) != "conduit"] = np.nan
        given = np.isfinite(offset)
        height = offset if as_heights else invert + offset
        found.append(np.where(given, height, invert))
    return found[0], found[1]


def _size(model: Model, section: list[str], unit: float) -> tuple[float, float]:
    """Return width and height of a cross-section in metres."""
    shape = word(section, 1).upper()
    height, second = number(word(section, 2)), number(word(section, 3))
    if shape in {"IRREGULAR", "STREET"}:
        wide, tall = _transect(model, word(section, 2))
        return wide * unit, tall * unit
    if shape == "CUSTOM" or not np.isfinite(height) or height <= 0:
        return (height * unit,) * 2 if np.isfinite(height) and height > 0 else (_USUAL_M, _USUAL_M)
    height *= unit
    width = second * unit if np.isfinite(second) and second > 0 else height
    if shape in {"CIRCULAR", "FORCE_MAIN", "FILLED_CIRCULAR"}:
        width = height
    elif shape in _WIDTH_SHARE:
        width = height * _WIDTH_SHARE[shape]
    elif shape == "TRAPEZOIDAL":
        left, right = number(word(section, 4)), number(word(section, 5))
        width = (second if np.isfinite(second) else 0.0) * unit + height * float(np.nansum([left, right]))
    return max(width, 0.01), height


def _transect(model: Model, name: str) -> tuple[float, float]:
    """Return width and depth of a surveyed channel in units of the file (HEC-2 format: X1, then GR of z and x)."""
    found: list[tuple[float, float]] = []
    mine = False
    for row in model.rows("TRANSECTS"):
        head = row[0].upper()
        if head == "X1":
            mine = word(row, 1) == name
        elif head == "GR" and mine:
            values = [number(text) for text in row[1:]]
            found += zip(values[0::2], values[1::2], strict=False)
    points = np.array(found, np.float64).reshape(-1, 2)
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) < 2:
        return 1.0, 1.0
    return max(float(np.ptp(points[:, 1])), 0.1), max(float(np.ptp(points[:, 0])), 0.1)


def _crowns(model: Model, names: list[str], invert: Floats) -> Floats:
    """Return the height of the highest conduit top at each node: the rim of nodes whose depth is 0."""
    unit, index = unit_m(model), {name: row for row, name in enumerate(names)}
    sections = {row[0]: row for row in model.rows("XSECTIONS", 2)}
    as_heights = model.option("LINK_OFFSETS") == "ELEVATION"
    crown = invert.copy()
    for row in model.rows("CONDUITS", 3):
        height = _size(model, sections.get(row[0], []), unit)[1]
        for name, place in ((row[1], 5), (row[2], 6)):
            at = index.get(name)
            if at is not None:
                offset = number(word(row, place)) * unit
                low = invert[at] if not np.isfinite(offset) else offset if as_heights else invert[at] + offset
                crown[at] = max(crown[at], low + height)
    return crown


def _storage_area(model: Model, row: list[str], depth: float) -> float:
    """Return the largest surface of a storage unit in squared units of the file."""
    shape, values = word(row, 4).upper(), [number(text) for text in row[5:8]]
    if shape == "FUNCTIONAL" and len(values) == 3 and np.isfinite(values).all():
        return max(float(values[2] + values[0] * max(depth, 0.0) ** values[1]), 0.0)
    if shape in {"CYLINDRICAL", "CONICAL", "PARABOLIC", "PYRAMIDAL"} and np.isfinite(values[:2]).all():
        return float(np.prod(values[:2])) * np.pi / 4
    if shape == "TABULAR":
        return _curve_maximum(model, word(row, 5))
    return 0.0


def _curve_maximum(model: Model, name: str) -> float:
    best = 0.0
    for row in model.rows("CURVES", 3):
        if row[0] == name:
            values = [number(text) for text in row[1:] if np.isfinite(number(text))]
            best = max([best, *values[1::2]])
    return best


def _divider_depth(row: list[str]) -> float:
    """Return the depth of a flow divider, which stands behind the parameters of its type."""
    place = {"OVERFLOW": 4, "CUTOFF": 5, "TABULAR": 5, "WEIR": 7}.get(word(row, 3).upper(), 99)
    depth = number(word(row, place))
    return depth if np.isfinite(depth) else 0.0


def _device_type(row: list[str], kind: str) -> str:
    places = {"orifice": 3, "weir": 3, "pump": 3, "outlet": 4}
    return word(row, places[kind]) if kind in places else ""


def _tags(model: Model, kind: str, rows: list[list[str]]) -> list[str]:
    tags = {row[1]: " ".join(row[2:]) for row in model.rows("TAGS", 3) if row[0].upper().startswith(kind)}
    return [tags.get(row[0], "") for row in rows]
