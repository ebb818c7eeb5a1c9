"""Names on the map: what a reader of the 3D view wants to see written, and where.

Districts, waters, bridges, landmarks and main roads of the scene become at most `LIMIT` labels. Rows are chosen as
columns (pyarrow and numpy), so that a city of a million objects costs as little as its table of names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from scenes.footprints import local_footprints
from scenes.schema import BOUNDS
from twin.view.words import KINDS, THEMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from scenes import Layer, Scene

    Floats = NDArray[np.float64]
    Rows = NDArray[np.intp]
    Label = dict[str, Any]

LIMIT = 300
DISTRICTS, WATERS, LANDMARKS, BRIDGES, ROADS = 80, 60, 60, 20, 40
MOST_LETTERS = 64
# A house number is no name: "滨江大道128号", "3弄12号楼", "Hauptstraße 12a", "128 Riverside Avenue", "MH-00012".
HOUSE_NUMBER = (
    r"(\d+\s*(号|號|弄|室|栋|幢|座|单元|号楼|号院|#)?[a-zA-Z]?$)|(^\d+[a-zA-Z]?(-\d+)?\s+[A-Za-z])|^\d+$|^\W*/"
)
ROAD_RANKS = {"motorway": 3, "trunk": 3, "primary": 3, "secondary": 4, "tertiary": 5}
ROAD_COLUMNS = ("highway", "kind_detail", "fclass", "road_class", "class")
TUNNEL_COLUMNS = ("is_tunnel", "tunnel")
LEAST_LANDMARK = 25.0
NOT_ONE_PLACE_M = 500.0
RIVER_STEP_M = 1500.0
WIDE_WATER_M2 = 150_000.0
SMALL_WATER_M2 = 1_500.0

CLASS_WORDS = pa.array([*KINDS, *KINDS.values(), *(word for words in THEMES.values() for word in words)])
LONG_TITLE = 24

_TWO_LANGUAGES = (
    re.compile(r"^(?P<en>[\x20-\u024f]*[A-Za-z]+ [A-Za-z][\x20-\u024f]*?)\s+(?P<zh>[\u3400-\u9fff]{3,})$"),
    re.compile(r"^(?P<zh>[\u3400-\u9fff]{3,})\s+(?P<en>[A-Za-z]+ [\x20-\u024f]+)$"),
)
_REMARK = re.compile(r"\s*[(\uff08][^()\uff08\uff09]*[)\uff09]$")
_known: WeakKeyDictionary[Scene, list[Label]] = WeakKeyDictionary()


def scene_labels(scene: Scene) -> list[Label]:
    """Return the labels of a scene, the most important first; each scene is read once.

    Returns
    -------
    list of dict
        ``titles`` ({en, zh}), ``point`` ([x, y, z] local metres: the roof of a landmark, the ground elsewhere),
        ``rank`` (0 seen from far away .. 5 seen from nearby) and ``kind`` (district, water, landmark, bridge, road).
    """
    if scene not in _known:
        groups = (_landmarks, _waters, _districts, _bridges, _roads)
        labels = [label for group in groups for label in group(scene)]
        _known[scene] = sorted(labels, key=lambda label: int(label["rank"]))[:LIMIT]
    return _known[scene]


def _districts(scene: Scene) -> Iterator[Label]:
    table = _named(scene, ("districts",))
    if table is None:
        return
    shapes = local_footprints(table)
    areas = shapely.area(shapes)
    ranks = np.minimum(_depth(table), 2)
    best = np.lexsort((-areas, ranks))[:DISTRICTS]
    yield from _labels(table, best, _points(table, best, shapes[best]), ranks[best], "district")


def _depth(table: pa.Table) -> NDArray[np.int64]:
    """Return how many levels of districts are above each row: by the administrative level, else by the parents."""
    if "admin_level" in table.column_names:
        levels = _numbers(table["admin_level"])
        known = np.unique(levels[np.isfinite(levels)])
        return np.where(np.isfinite(levels), np.searchsorted(known, levels), len(known)).astype(np.int64)
    inside = pc.is_in(table["parent"], value_set=table["uid"].combine_chunks())
    return np.asarray(inside.to_numpy(zero_copy_only=False), np.int64)


def _numbers(column: pa.ChunkedArray) -> Floats:
    """Return a column as float64, NaN where there is no number; maps from the field write levels as text, too."""
    text = pc.cast(column, pa.string())
    plain = pc.if_else(pc.match_substring_regex(text, r"^\d+(\.\d+)?$"), text, pa.scalar(None, pa.string()))
    return np.asarray(pc.cast(plain, pa.float64()).to_numpy(), np.float64)


def _waters(scene: Scene) -> Iterator[Label]:
    table = _named(scene, ("water",))
    if table is None:
        return
    shapes = local_footprints(table)
    areas = shapely.area(shapes)
    # A river that is only a line still has a name; a metre of it counts as a metre of width.
    sizes = np.where(areas > 0, areas, shapely.length(shapes))
    codes = _codes(table)
    total = np.bincount(codes, sizes)
    best = _best_of_each(codes, sizes)
    best = best[np.argsort(-total[codes[best]], kind="stable")][:WATERS]
    best = best[total[codes[best]] >= SMALL_WATER_M2]
    wide = total[codes[best]] >= WIDE_WATER_M2
    yield from _labels(table, best, _points(table, best, _inner(shapes[best])), np.where(wide, 1, 3), "water")
    room = max(0, WATERS - len(best))
    again = _along_rivers(table, shapes, best[wide])[:room]
    rows = np.array([row for row, _ in again], np.intp)
    places = np.array([place for _, place in again], object)
    yield from _labels(table, rows, _points(table, rows, places), np.full(len(rows), 3), "water")


def _along_rivers(table: pa.Table, shapes: NDArray[np.object_], rows: Rows) -> list[tuple[int, Any]]:
    """Return (row, point) for more places along waters that are longer than a view is wide."""
    found: list[tuple[int, Any]] = []
    box = _box(table)
    for row in rows.tolist():
        first = _inner(shapes[[row]])[0]
        x0, y0, x1, y1 = (float(box[row, side]) for side in (0, 1, 3, 4))
        steps = max(1, round(max(x1 - x0, y1 - y0) / RIVER_STEP_M))
        flat = x1 - x0 >= y1 - y0
        edges = np.linspace(x0 if flat else y0, x1 if flat else y1, steps + 1)
        low, high = edges[:-1], edges[1:]
        across = np.full((2, steps), [[y0], [y1]] if flat else [[x0], [x1]])
        cells = shapely.box(low, across[0], high, across[1]) if flat else shapely.box(across[0], low, across[1], high)
        parts = shapely.intersection(shapely.make_valid(shapes[row]), cells)
        inner = _inner(parts[shapely.area(parts) > 0])
        found += [(row, place) for place in inner if shapely.distance(place, first) > RIVER_STEP_M * 0.6]
    return found


def _landmarks(scene: Scene) -> Iterator[Label]:
    table = _named(scene, ("buildings", "bim"), ("Building", "BuildingPart"))
    if table is None:
        return
    box = _box(table)
    codes = _codes(table)
    low = np.full((codes.max() + 1, 6), np.inf)
    np.minimum.at(low, codes, np.column_stack([box[:, :3], -box[:, 3:]]))
    size = -low[:, 3:] - low[:, :3]
    # Many houses of one name spread over a quarter are no single place.
    one_place = np.hypot(size[:, 0], size[:, 1]) < NOT_ONE_PLACE_M
    score = np.where(one_place, size[:, 2] + 0.5 * np.sqrt(size[:, 0] * size[:, 1]), 0.0)
    best = _best_of_each(codes, box[:, 5])
    best = best[np.argsort(-score[codes[best]], kind="stable")][:LANDMARKS]
    best = best[score[codes[best]] >= LEAST_LANDMARK]
    shapes = local_footprints(table.take(pa.array(best)))
    places = _points(table, best, shapes)
    places[:, 2] = box[best, 5]
    ranks = 1 + np.digitize(np.arange(len(best)), [8, 24])
    yield from _labels(table, best, places, ranks, "landmark")


def _bridges(scene: Scene) -> Iterator[Label]:
    table = _named(scene, ("roads", "generic", "bim"), ("Bridge", "BridgePart"))
    if table is None:
        return
    codes = _codes(table)
    spans = _spans(table)
    best = _best_of_each(codes, spans)
    best = best[np.argsort(-spans[best], kind="stable")][:BRIDGES]
    places = _points(table, best, local_footprints(table.take(pa.array(best))))
    yield from _labels(table, best, places, np.full(len(best), 2), "bridge")


def _roads(scene: Scene) -> Iterator[Label]:
    table = _named(scene, ("roads",), ("Road",))
    if table is None:
        return
    table = table.filter(pc.invert(_in_tunnel(table)))
    ranks = _road_ranks(table)
    if not len(ranks):
        return
    if (ranks < 9).any():
        table, ranks = table.filter(pa.array(ranks < 9)), ranks[ranks < 9]
    codes = _codes(table)
    spans = _spans(table)
    lengths = np.bincount(codes, spans)
    classes = np.full(len(lengths), 9)
    np.minimum.at(classes, codes, np.minimum(ranks, 4 if (ranks == 9).all() else 9))
    best = _best_of_each(codes, spans)
    best = best[np.lexsort((-lengths[codes[best]], classes[codes[best]]))][:ROADS]
    shapes = local_footprints(table.take(pa.array(best)))
    yield from _labels(table, best, _points(table, best, _middles(shapes)), classes[codes[best]], "road")


def _in_tunnel(table: pa.Table) -> pa.Array:
    """Say of each row whether it is a tunnel, whose name would lie on the wrong street."""
    found = pa.array(np.zeros(table.num_rows, bool))
    for column in TUNNEL_COLUMNS:
        if column in table.column_names:
            said = pc.utf8_lower(pc.cast(table[column], pa.string()))
            found = pc.or_(
                found, pc.fill_null(pc.is_in(said, value_set=pa.array(["true", "yes", "1"])), fill_value=False)
            )
    return found


def _road_ranks(table: pa.Table) -> NDArray[np.int64]:
    """Return the rank by the road's class, 9 where the class is unknown or minor."""
    ranks = np.full(table.num_rows, 9)
    values = pa.array(list(ROAD_RANKS))
    by_value = np.array([*ROAD_RANKS.values(), 9])
    for column in ROAD_COLUMNS:
        if column in table.column_names:
            text = pc.cast(table[column], pa.string())
            index = pc.fill_null(pc.index_in(text, value_set=values), len(values))
            ranks = np.minimum(ranks, by_value[index.to_numpy()])
    return ranks


def _named(scene: Scene, themes: Sequence[str], kinds: Sequence[str] | None = None) -> pa.Table | None:
    """Return the rows of some themes that have a place and a name that is not a number; None if there are none."""
    found = [rows for layer in scene.layers.values() if layer.theme in themes and (rows := _rows(layer, kinds))]
    if not found:
        return None
    return found[0] if len(found) == 1 else pa.concat_tables(found, promote_options="permissive")


def _rows(layer: Layer, kinds: Sequence[str] | None) -> pa.Table | None:
    table = layer.table
    name = pc.utf8_trim_whitespace(table["name"])
    letters = pc.utf8_length(name)
    wanted = pc.and_(pc.greater(letters, 1), pc.less_equal(letters, MOST_LETTERS))
    wanted = pc.and_(wanted, pc.invert(pc.match_substring_regex(name, HOUSE_NUMBER)))
    wanted = pc.and_(wanted, pc.invert(pc.is_in(name, value_set=CLASS_WORDS)))
    if kinds is not None:
        wanted = pc.and_(wanted, pc.is_in(table["kind"], value_set=pa.array(kinds)))
    for bound in BOUNDS:
        wanted = pc.and_(wanted, pc.is_finite(table[bound]))
    kept = [column for column in table.column_names if column in _COLUMNS]
    rows = table.select(kept).filter(pc.fill_null(wanted, fill_value=False))
    return rows if rows.num_rows else None


_ENGLISH = ("name:en", "name_en")
_CHINESE = ("name:zh", "name_zh", "name:zh-Hans")
_COLUMNS = {"uid", "name", "parent", "footprint", "admin_level", *BOUNDS, *ROAD_COLUMNS, *TUNNEL_COLUMNS}
_COLUMNS |= {*_ENGLISH, *_CHINESE}


def _box(table: pa.Table) -> Floats:
    return np.column_stack([table[bound].to_numpy().astype(np.float64) for bound in BOUNDS])


def _codes(table: pa.Table) -> Rows:
    """Return a number for each row, the same for the same name."""
    encoded = table["name"].combine_chunks().dictionary_encode()
    return np.asarray(encoded.indices.to_numpy(), np.intp)


def _spans(table: pa.Table) -> Floats:
    box = _box(table)
    return np.asarray(np.hypot(box[:, 3] - box[:, 0], box[:, 4] - box[:, 1]))


def _best_of_each(codes: Rows, score: Floats) -> Rows:
    """Return the row of the highest score of each code."""
    order = np.lexsort((-score, codes))
    return np.asarray(order[np.unique(codes[order], return_index=True)[1]], np.intp)


def _inner(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the place of each shape that is farthest from its shore, so that a name has water all around it."""
    out = _middles(shapes)
    for place, shape in enumerate(shapes):
        if shape is not None and shapely.area(shape) > 0:
            parts = shapely.get_parts(shape)
            largest = parts[np.argmax(shapely.area(parts))]
            circle = shapely.maximum_inscribed_circle(largest, tolerance=max(1.0, np.sqrt(largest.area) / 100))
            out[place] = shapely.points(shapely.get_coordinates(circle)[0])
    return out


def _middles(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return a point on each shape, half way along it if it is a line."""
    out = shapely.point_on_surface(shapes)
    lines = shapely.get_type_id(shapes) == shapely.GeometryType.LINESTRING
    out[lines] = shapely.line_interpolate_point(shapes[lines], 0.5, normalized=True)
    return np.asarray(out, object)


def _points(table: pa.Table, rows: Rows, shapes: NDArray[np.object_]) -> Floats:
    """Return (n, 3) local metres on the shapes, at the middle height of the rows' bounds."""
    box = _box(table)[rows]
    inside = shapely.point_on_surface(shapes) if len(rows) else shapes
    x, y = shapely.get_x(inside), shapely.get_y(inside)
    middle = (box[:, :3] + box[:, 3:]) / 2
    known = np.isfinite(x) & np.isfinite(y)
    return np.column_stack([np.where(known, x, middle[:, 0]), np.where(known, y, middle[:, 1]), middle[:, 2]])


def _labels(table: pa.Table, rows: Rows, points: Floats, ranks: NDArray[Any], kind: str) -> Iterator[Label]:
    columns = [column for column in ("name", *_ENGLISH, *_CHINESE) if column in table.column_names]
    names = table.select(columns).take(pa.array(rows, pa.int64())).to_pylist()
    for cells, point, rank in zip(names, points.tolist(), ranks.tolist(), strict=True):
        place = [round(value, 2) for value in point]
        yield {"titles": _titles(cells), "point": place, "rank": int(rank), "kind": kind}


def _titles(cells: dict[str, str | None]) -> dict[str, str]:
    """Return the name by language; a name in one language only serves for both."""
    name = (cells["name"] or "").strip()
    english = next((found for column in _ENGLISH if (found := (cells.get(column) or "").strip())), "")
    chinese = next((found for column in _CHINESE if (found := (cells.get(column) or "").strip())), "")
    for pattern in _TWO_LANGUAGES:
        if (both := pattern.match(name)) is not None:
            english, chinese = english or both["en"].strip(), chinese or both["zh"]
    return {"en": _short(english or name), "zh": _short(chinese or name)}


def _short(title: str) -> str:
    """Return a long title without the remark in brackets at its end."""
    return (_REMARK.sub("", title) or title) if len(title) > LONG_TITLE else title
