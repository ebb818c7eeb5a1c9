"""Ask a scene by CQL2 text: attributes by DuckDB on the Arrow tables, places by shapely on the footprints.

Columns are the attributes and the fixed columns of `scenes.schema`, and also ``layer`` (its name) and ``handle``; a
rare attribute in a property set is written ``Pset_WallCommon.IsExternal``. ``geometry`` is the footprint. Geometry
literals are WGS 84 longitude and latitude, or projected coordinates of the scene where they do not fit into degrees;
`crs` names another system. ``S_DWITHIN(geometry, POINT(...), metres)`` is an addition to the standard.
"""

from __future__ import annotations

import difflib
import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scenes.errors import QueryError
from scenes.filter_places import PlaceCondition, local_literal
from scenes.filter_sql import Condition
from scenes.filter_text import parse
from scenes.footprints import local_footprints
from scenes.frames import LEADING, picked_frame, tagged_table
from scenes.plans import nearest_rows, rows_near, rows_taken, rows_with_plan
from scenes.schema import FIXED_NAMES
from scenes.select import select_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from scenes.model import Scene

    Rows = NDArray[np.int64]


def query(scene: Scene, text: str, *, crs: str = "") -> GeoDataFrame:
    """Return the objects that a filter picks, with the uid as index, in the projected system of the scene.

    Parameters
    ----------
    scene
        The scene to ask.
    text
        CQL2 text, such as ``layer = 'buildings' AND height_m > 100``.
    crs
        Coordinate system of the geometry literals in the text, where it is not the default.

    Raises
    ------
    QueryError
        When the text does not parse, names an unknown column, or compares what cannot be compared.
    """
    return picked_frame(scene, find_rows(scene, text, crs=crs))


def select(scene: Scene, text: str, *, crs: str = "") -> Scene:
    """Return the scene cut down to the objects that a filter picks (same arguments and errors as `query`)."""
    return select_rows(scene, find_rows(scene, text, crs=crs))


def find_rows(scene: Scene, text: str, *, crs: str = "") -> dict[str, Rows]:
    """Return the rows of each layer that a filter picks, ascending (same arguments and errors as `query`)."""
    search = _Search(scene, crs, text)
    node = parse(text)
    found = {name: search.layer_rows(name, node) for name in scene.layers}
    search.check()
    return found


def nearest(
    scene: Scene, place: tuple[float, float], count: int = 1, *, crs: str = "", layers: Sequence[str] = ()
) -> GeoDataFrame:
    """Return the objects whose plans lie nearest to a place, the nearest first, with a column ``distance_m``.

    Parameters
    ----------
    scene
        The scene to ask.
    place
        x and y, or longitude and latitude where both fit into degrees, as in the text of a filter.
    count
        How many at most.
    crs
        Coordinate system of the place, where it is not the default.
    layers
        Layers to look in; default all.

    Raises
    ------
    UnknownObjectError
        When the scene has no such layer.
    """
    point = local_literal({"type": "Point", "coordinates": list(place)}, scene.georeference, crs)
    for name in layers:
        scene.without_layer(name)  # says which there are
    found = {
        name: nearest_rows(layer, point, count) for name, layer in scene.layers.items() if not layers or name in layers
    }
    none = np.zeros(0, np.int64)
    frame = picked_frame(scene, {name: found[name][0] if name in found else none for name in scene.layers})
    result = frame.assign(distance_m=np.concatenate([none, *(away for _, away in found.values())]))
    result = result.sort_values("distance_m", kind="stable").head(count)
    result.attrs.update(frame.attrs)
    return result


def find_handles(scene: Scene, text: str, *, crs: str = "") -> Rows:
    """Return the handles that a filter picks, ascending (same arguments and errors as `query`)."""
    found = find_rows(scene, text, crs=crs)
    parts = [rows + scene.bases[name] for name, rows in found.items()]
    return np.concatenate([np.zeros(0, np.int64), *parts])


@functools.cache
def _database() -> Any:
    """Return the database of this process: it has no tables of its own and sees no files."""
    import duckdb  # noqa: PLC0415

    database = duckdb.connect(config={"enable_external_access": False})
    database.execute("SET GLOBAL TimeZone = 'UTC'")
    return database


@dataclass
class _Search:
    """One filter on its way through the layers."""

    scene: Scene
    crs: str
    text: str
    mismatches: dict[int, str] = field(default_factory=dict)
    fitting: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Collect the columns of all layers."""
        attributes = {name for layer in self.scene.layers.values() for name in layer.table.column_names}
        self.names = FIXED_NAMES | attributes | set(LEADING.names)

    def layer_rows(self, name: str, node: Any) -> Rows:
        """Return the rows of one layer that the filter picks."""
        table = tagged_table(self.scene, name)
        masks: dict[str, pa.Array] = {}

        def place(predicate: Mapping[str, Any]) -> str:
            masks[column := f"s{len(masks)}"] = self._mask(name, predicate)
            return column

        condition = Condition(table.schema, self._known, place)
        where = condition.where(node)
        self.mismatches.update(condition.mismatches)
        self.fitting |= condition.fitting
        columns = {alias: table[column] for column, alias in condition.columns.items()}
        data = pa.table({"i": np.arange(table.num_rows, dtype=np.int64), **columns, **masks})
        return self._run(data, where, condition.parameters)

    def check(self) -> None:
        """Refuse a comparison that fits the columns of no layer."""
        for place, message in self.mismatches.items():
            if place not in self.fitting:
                raise QueryError(self.text, f"{message}, which never fits", "write numbers bare and text in '...'")

    def _run(self, data: pa.Table, where: str, parameters: list[Any]) -> Rows:
        import duckdb  # noqa: PLC0415

        with _database().cursor() as connection:
            connection.register("objects", data)
            try:
                found = connection.execute(f"SELECT i FROM objects WHERE {where}", parameters).fetchnumpy()["i"]
            except duckdb.Error as error:
                first = str(error).splitlines()[0]
                raise QueryError(
                    self.text, f"cannot be worked out ({first})", "check the types of the columns"
                ) from error
        return np.sort(np.asarray(found, dtype=np.int64))

    def _mask(self, name: str, predicate: Mapping[str, Any]) -> pa.Array:
        """Return where a spatial predicate holds; only shapes near what the user wrote are looked at."""
        layer = self.scene.layers[name]
        condition = PlaceCondition.of(predicate, self.scene.georeference, self.crs)
        known = rows_with_plan(layer)
        holds = np.full(len(known), condition.elsewhere)
        near = rows_near(layer, condition.reach)
        holds[near] = condition.mask(local_footprints(rows_taken(layer, near)))
        return pa.array(holds, mask=~known)

    def _known(self, name: str) -> bool:
        """Say whether some layer has a column; a dotted name that no property set has is an error like any other."""
        if name in self.names:
            return True
        group, dot, item = name.partition(".")
        if dot and '"' not in name and self._in_properties(group, item):
            return False
        near = difflib.get_close_matches(name, sorted(self.names), n=5, cutoff=0.5)
        usual = sorted(self.names - FIXED_NAMES)[:10]
        hint = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(usual)}"
        raise QueryError(name, "no layer has this column", hint)

    def _in_properties(self, group: str, item: str) -> bool:
        wanted = [f'"{group}"', f'"{item}"']
        for layer in self.scene.layers.values():
            texts = layer.table["properties"]
            both = pc.and_(pc.match_substring(texts, wanted[0]), pc.match_substring(texts, wanted[1]))
            if pc.any(both).as_py():
                return True
        return False
