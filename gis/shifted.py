"""Finds sources that carry the Chinese map shift under a WGS 84 label, by laying them over the other sources.

The shift moves whole maps by some 500 m. Where borders, footprints or roads of one source meet those of another much
better after the shift is taken off, and a shift of the same length in any other direction does not help, the source
carries it. A source is compared with what all others show of the same place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import shapely

from gis.datum import to_wgs84
from scenes.footprints import local_footprints
from scenes.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from scenes.georeference import Georeference
    from scenes.model import Scene
    from scenes.sources import Source

    Floats = NDArray[np.float64]
    Shapes = NDArray[np.object_]

_SHIFTS = ("gcj02", "bd09")
_CLOSE_M = 30.0
_LEAST_SHARE = 0.6
_LEAST_GAIN = 0.2
_LEAST_LEAD = 0.15
_LEAST_POINTS = 60
_SAMPLES = 1_500
_MOST_SHAPES = 20_000
_MOST_AREAS = 500
_MOST_SOURCES = 40
_MARGIN_M = 1_500.0
_CHINA_DEG = (72.0, 138.0, 0.8, 55.9)


@dataclass(frozen=True, eq=False)
class _Linework:
    """Lines and outlines of one source in local metres, and places along them."""

    title: str
    lines: Shapes
    places: Floats


def review(scene: Scene, sources: Sequence[Source]) -> list[Problem]:
    """Return a warning for each source that seems to be in GCJ-02 or BD-09 although nobody says so."""
    lon, lat = (float(value) for value in scene.georeference.lonlat(0.0, 0.0))
    west, east, south, north = _CHINA_DEG
    if not (west <= lon <= east and south <= lat <= north) or len(sources) <= 1:
        return []
    corrected = {source.title for source in sources if source.datum_shift or source.place is not None}
    known = list(_linework(scene))[:_MOST_SOURCES]
    found = []
    for each in known:
        others = [other.lines for other in known if other is not each]
        if each.title in corrected or not others:
            continue
        shift = suspected(each.places, np.concatenate(others), scene.georeference)
        if shift:
            found.append(_problem(each.title, shift))
    return found


def _problem(title: str, shift: str) -> Problem:
    name = {"gcj02": "GCJ-02", "bd09": "BD-09"}[shift]
    message = f"fits the other sources only when it is taken as {name}: it carries the Chinese map shift"
    return Problem("warning", title, "datum-shift-suspected", message, f"build again with --{shift} {title}")


def _linework(scene: Scene) -> Iterator[_Linework]:
    shapes: dict[str, list[Shapes]] = {}
    for layer in scene.layers.values():
        if layer.theme in ("bim", "terrain"):
            continue
        for batch in layer.batches:
            plans = local_footprints(batch.table)
            titles = np.array([title or layer.source for title in batch.table["source"].to_pylist()], dtype=object)
            for title in set(titles.tolist()):
                shapes.setdefault(title, []).append(plans[titles == title])
    for title, parts in shapes.items():
        lines = _lines(np.concatenate(parts)[:_MOST_SHAPES])
        if len(lines):
            yield _Linework(title, lines, _places(_lines(_joined(np.concatenate(parts)))))


def _joined(shapes: Shapes) -> Shapes:
    """Return shapes with areas that share borders, such as districts, as one: inner borders are not on other maps."""
    present = shapely.get_parts(shapes[~shapely.is_missing(shapes)][:_MOST_SHAPES])
    areas = shapely.get_type_id(present) == 3
    if not 1 < areas.sum() <= _MOST_AREAS:
        return np.asarray(present)
    whole = shapely.union_all(shapely.make_valid(present[areas]))
    return np.array([*present[~areas], whole], dtype=object)


def _lines(shapes: Shapes) -> Shapes:
    """Return the single lines of shapes: outlines of polygons, lines as they are; points show too little."""
    present = shapely.get_parts(shapes[~shapely.is_missing(shapes)])
    kinds = shapely.get_type_id(present)
    polygons = shapely.get_parts(shapely.boundary(present[kinds == 3]))
    single = np.concatenate([polygons, present[kinds == 1]])
    return cast("Shapes", single[shapely.length(single) > 0])


def _places(lines: Shapes) -> Floats:
    """Return (n, 2) places along lines, evenly by length."""
    lengths = shapely.length(lines)
    total = float(lengths.sum())
    counts = np.maximum(1, np.floor(lengths / total * _SAMPLES).astype(int))
    rows = np.repeat(np.arange(len(lines)), counts)
    steps = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    along = (steps + 0.5) / counts[rows] * lengths[rows]
    places = shapely.get_coordinates(shapely.line_interpolate_point(lines[rows], along))
    return np.asarray(places[:: max(1, len(places) // _SAMPLES)])


def suspected(places: Floats, lines: Shapes, frame: Georeference) -> str:
    """Return the shift (gcj02, bd09) without which places of one source lie on the lines of others, empty if none.

    Parameters
    ----------
    places
        (n, 2) local metres along the outlines of a source.
    lines
        Lines of the others in local metres.
    frame
        Frame of the scene.
    """
    box = shapely.total_bounds(lines)
    near = (places >= box[:2] - _MARGIN_M).all(axis=1) & (places <= box[2:] + _MARGIN_M).all(axis=1)
    places = places[near]
    if len(places) < _LEAST_POINTS:
        return ""
    tree = shapely.STRtree(lines)
    now = _share(places, tree)
    best, score = "", 0.0
    for shift in _SHIFTS:
        moved = _without(shift, places, frame)
        step = moved - places
        turned = [np.column_stack([-step[:, 1], step[:, 0]]), -step, np.column_stack([step[:, 1], -step[:, 0]])]
        share, control = _share(moved, tree), max(_share(places + other, tree) for other in turned)
        clear = share >= now + _LEAST_GAIN and share >= control + _LEAST_LEAD
        if share >= _LEAST_SHARE and clear and share > score:
            best, score = shift, share
    return best


def _without(shift: str, places: Floats, frame: Georeference) -> Floats:
    lon, lat = frame.lonlat(places[:, 0], places[:, 1])
    return np.column_stack(frame.from_lonlat(*to_wgs84(shift, lon, lat)))


def _share(places: Floats, tree: shapely.STRtree) -> float:
    """Return the share of places that lie close to a line."""
    hit = tree.query_nearest(shapely.points(places), max_distance=_CLOSE_M, all_matches=False)[0]
    return len(np.unique(hit)) / len(places)
