"""Tables that this toolkit wrote: objects come back with their uids, kinds, layers, parents, heights and units.

A GeoPackage, GeoParquet or CSV that was exported and edited elsewhere is the same city again, so nothing is guessed
anew. A table holds plans, not solids: houses come back as prisms between their lowest and highest point, what has no
plan comes back without a shape.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from pyarrow import parquet

from gis import colours as palette
from gis import gdal
from gis.attributes import attribute_columns, id_texts
from gis.builders import Features, meshes_of
from gis.cleaning import finite
from gis.ground import relief_of
from gis.heights import Heights
from gis.identifying import hashes_of
from gis.placing import to_local
from gis.prisms import extruded
from gis.seen import Seen
from gis.shapes import Shapes
from gis.themes import THEMES, Theme, plain_name
from scenes.identity import derive_uids
from scenes.joining import join
from scenes.model import BATCH_ROWS, Batch, Layer
from scenes.schema import BOUNDS, FIXED, FIXED_NAMES, NOTES_KEY, object_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from gis.features import FeatureTable
    from scenes.loading import LoadContext
    from scenes.mesh import MeshSet
    from scenes.sources import Source

    Floats = NDArray[np.float64]
    Objects = NDArray[np.object_]

_MARKS = frozenset({"uid", "kind", "layer", "handle", "source_id", "min_x", "max_z"})
_ADDED = frozenset({"layer", "handle", "easting", "northing", "longitude", "latitude", "bbox", "geometry", "footprint"})
_TEXTS = ("name", "parent", "source", "source_id", "grade", "properties")
_TIMES = ("valid_from", "valid_to")
_DRAWN_BY_HEIGHT = ("", "buildings")
_SOLID = Theme("", "generic", "GenericOccupiedSpace", "Objects", "对象")
_THEME_OF = {theme.kind: theme for theme in THEMES.values() if theme.theme != "generic"} | {
    "BuildingPart": THEMES["buildings"],
    "PlantCover": THEMES["landuse"],
    "Waterway": THEMES["water"],
    "Track": THEMES["roads"],
    "Square": THEMES["roads"],
}


def is_own(columns: Any) -> bool:
    """Say whether a table with these columns was written by an export of this toolkit.

    Examples
    --------
    >>> is_own(["uid", "kind", "name"])
    False
    """
    return set(columns) >= _MARKS


@dataclass(frozen=True, eq=False)
class OwnRows:
    """Turns windows of a table of ours into batches.

    Parameters
    ----------
    source, context
        What is read, and the frame that it goes to.
    notes
        What the table says about itself: ``units`` of its columns, ``origin_m`` of its bounds.
    """

    source: Source
    context: LoadContext
    notes: Mapping[str, Any]
    seen: Seen = field(default_factory=Seen)

    def batches(self, table: FeatureTable) -> Iterator[tuple[Layer, Batch]]:
        """Yield the objects of a window, layer by layer, in their order."""
        frame = table.frame.reset_index(drop=True)
        frame = frame.assign(geometry=to_local(finite(frame.geometry.to_numpy()), table.crs, self.source, self.context))
        frame["uid"] = self._uids(frame)
        for name in BOUNDS:
            frame[name] = pd.to_numeric(frame[name], errors="coerce") + self._shift(name)
        names = id_texts(frame["layer"])
        for name in dict.fromkeys(names.tolist()):
            rows = np.flatnonzero(names == name)
            for start in range(0, len(rows), BATCH_ROWS):
                part = frame.iloc[rows[start : start + BATCH_ROWS]].reset_index(drop=True)
                yield self._layer(part, name), self._batch(part)

    def _shift(self, bound: str) -> float:
        """Return what turns a bound in the frame of the table into one of this frame; NaN if its frame is unknown."""
        frame, origin = self.context.georeference, self.notes.get("origin_m")
        if origin is None or self.notes.get("crs") != frame.crs:
            return float("nan")
        axis = "xyz".index(bound[-1])
        return float(origin[axis] - frame.origin_m[axis])

    def _uids(self, frame: Any) -> Objects:
        """Return the uids of the table; rows that were copied, or added without one, get their own."""
        uids = id_texts(frame["uid"])
        hashes = hashes_of(uids)
        fresh = (uids == "") | pd.Series(uids).duplicated().to_numpy() | self.seen.known(hashes)
        self.seen.add(np.unique(hashes[~fresh]))
        rows = np.flatnonzero(fresh)
        shapes = shapely.to_wkb(frame.geometry.to_numpy()[rows], hex=True)
        keys = [f"{uids[row]}~{shape}" for row, shape in zip(rows, shapes, strict=True)]
        again = pd.Series(keys, dtype=object).groupby(np.array(keys, object)).cumcount()
        uids[rows] = derive_uids(self.source.namespace, [f"{key}~{n}" for key, n in zip(keys, again, strict=True)])
        return uids

    def _layer(self, frame: Any, name: str) -> Layer:
        theme = THEMES.get(name) or _theme(str(frame["kind"].iloc[0]))
        wanted = plain_name(self.source.layer) or plain_name(name) or theme.layer or "objects"
        known = wanted in THEMES
        titles = {"en": theme.english, "zh": theme.chinese} if known else {"en": wanted, "zh": wanted}
        return Layer(wanted, theme=theme.theme, titles=titles, source=self.source.title)

    def _batch(self, frame: Any) -> Batch:
        shapes = frame.geometry.to_numpy()
        boxes = frame[list(BOUNDS)].to_numpy(np.float64)
        shapes[_stands_in(shapes, boxes, frame["kind"])] = None
        columns: dict[str, Any] = {
            "uid": pa.array(frame["uid"], pa.string()),
            "kind": pa.array([text or "GenericOccupiedSpace" for text in id_texts(frame["kind"])], pa.string()),
            **{name: _text(frame, name) for name in _TEXTS},
            **{name: _time(frame, name) for name in _TIMES},
            **{name: pa.array(boxes[:, place], from_pandas=True) for place, name in enumerate(BOUNDS)},
            "footprint": pa.array(shapely.to_wkb(shapes, output_dimension=2), pa.binary()),
        }
        kept = [name for name in frame.columns if name not in _ADDED | FIXED_NAMES and frame[name].notna().any()]
        attributes, _ = attribute_columns(frame, (), kept)
        attributes = {name.removesuffix("_") if name in {"layer_", "handle_"} else name: values
                      for name, values in attributes.items()}  # fmt: skip
        units = {name: str(unit) for name, unit in self.notes.get("units", {}).items() if name in attributes}
        return Batch(object_table({**columns, **attributes}, units), self._meshes(frame, shapes, boxes))

    def _meshes(self, frame: Any, shapes: Objects, boxes: Floats) -> dict[str, MeshSet]:
        """Return prisms of what has a plan and two heights, and what each theme draws of the rest."""
        themes = np.array([_theme(kind).layer for kind in frame["kind"].astype(str)], object)
        areas = np.isin(shapely.get_type_id(shapes), (3, 6))
        tall = areas & np.isin(themes, _DRAWN_BY_HEIGHT) & (boxes[:, 5] > boxes[:, 2])
        found = [self._prisms(frame, shapes, boxes, np.flatnonzero(tall))] if tall.any() else []
        for name in dict.fromkeys(themes[~tall].tolist()):
            rows = np.flatnonzero((themes == name) & ~tall & ~shapely.is_missing(shapes))
            if len(rows):
                found += [_renumbered(mesh, rows) for mesh in self._themed(frame, shapes, rows, name).values()]
        return {"1": join(found)} if found else {}

    def _prisms(self, frame: Any, shapes: Objects, boxes: Floats, rows: NDArray[np.int64]) -> MeshSet:
        features = _features(frame, shapes, rows, THEMES["buildings"])
        colours = palette.building_colours(features.classes, boxes[rows, 5] - boxes[rows, 2], features.hashes)
        return _renumbered(extruded(shapes[rows], boxes[rows, 2], boxes[rows, 5], colours).mesh(), rows)

    def _themed(self, frame: Any, shapes: Objects, rows: NDArray[np.int64], name: str) -> dict[str, MeshSet]:
        features = _features(frame, shapes, rows, THEMES.get(name, _SOLID))
        return meshes_of(features, relief_of(self.context.ground))


def _theme(kind: str) -> Theme:
    """Return the theme that draws a kind; what is a solid of its own has none."""
    return _THEME_OF.get(kind, _SOLID)


def _stands_in(shapes: Objects, boxes: Floats, kinds: Any) -> NDArray[np.bool_]:
    """Say which points only stand for the middle of an object without a plan."""
    places = shapely.get_type_id(shapes) == 0
    themes = np.array([_theme(kind).layer for kind in kinds.astype(str)], object)
    wide = (boxes[:, 3:5] > boxes[:, :2]).any(axis=1)
    result: NDArray[np.bool_] = places & wide & np.isin(themes, _DRAWN_BY_HEIGHT)
    return result


def _features(frame: Any, shapes: Objects, rows: NDArray[np.int64], theme: Theme) -> Features:
    part = frame.iloc[rows].reset_index(drop=True)
    words = id_texts(part["class"]) if "class" in part.columns else np.full(len(part), "", object)
    heights = _heights(part) if theme.layer == "buildings" else None
    return Features(theme, Shapes(shapes[rows]), part, words, hashes_of(id_texts(part["source_id"])), heights)


def _heights(frame: Any) -> Heights:
    """Return the heights that the table states, one storey where it states none."""
    base, top, levels = (_numbers(frame, name) for name in ("min_height_m", "height_m", "levels"))
    base = np.nan_to_num(base)
    top = np.where(top > base, top, base + 3.0)
    return Heights(top, base, levels, np.full(len(frame), "column", object), ())


def _numbers(frame: Any, name: str) -> Floats:
    if name not in frame.columns:
        return np.full(len(frame), np.nan)
    return np.asarray(pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float64, na_value=np.nan))


def _text(frame: Any, name: str) -> pa.Array:
    if name not in frame.columns:
        return pa.nulls(len(frame), pa.string())
    return pa.array([text or None for text in id_texts(frame[name])], pa.string())


def _time(frame: Any, name: str) -> pa.Array:
    kind = FIXED.field(name).type
    if name not in frame.columns or not frame[name].notna().any():
        return pa.nulls(len(frame), kind)
    return pa.array(pd.to_datetime(frame[name], utc=True, errors="coerce").dt.as_unit("ms"), kind, from_pandas=True)


def _renumbered(mesh: MeshSet, rows: NDArray[np.int64]) -> MeshSet:
    """Return the mesh of some rows with the numbers that these rows have in their batch."""
    instances = tuple(replace(each, rows=rows[each.rows].astype(np.uint32)) for each in mesh.instances)
    return replace(mesh, rows=rows[mesh.rows].astype(np.uint32), instances=instances)


def notes_of(source: Source, table: str) -> dict[str, Any]:
    """Return what an exported table says about itself, nothing where the format has no place for that."""
    if source.suffix == ".gpkg":
        text = gdal.layer_metadata(source, table).get(NOTES_KEY, "")
    elif source.suffix in {".parquet", ".geoparquet"}:
        text = (parquet.read_schema(source.path).metadata or {}).get(NOTES_KEY.encode(), b"").decode()
    else:
        text = ""
    try:
        notes = json.loads(text) if text else {}
    except ValueError:
        return {}
    return notes if isinstance(notes, dict) else {}
