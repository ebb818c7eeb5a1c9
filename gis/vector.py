"""The loader of vector files: tables of features become layers of the city."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely

from gis.attributes import attribute_columns, hashes_of, id_texts, identity_of, names_of
from gis.builders import Features, meshes_of
from gis.cleaning import first_of_each, repaired, usable
from gis.ground import relief_of
from gis.heights import heights_of
from gis.ordering import hilbert_order
from gis.placing import check_bounds, to_local
from gis.reading import GDAL_SUFFIXES, TABLE_SUFFIXES, bounds_of, read_tables
from gis.sniffing import head_of, zip_names
from gis.themes import THEMES, classes_of, plain_name, themes_of
from scenes.errors import LoadError
from scenes.georeference import WGS84, parse_crs, transformer
from scenes.identity import derive_uids
from scenes.loading import Location
from scenes.model import BATCH_ROWS, Batch, Layer
from scenes.schema import object_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from gis.attributes import Identity
    from gis.reading import FeatureTable
    from gis.themes import Theme
    from scenes.loading import Ground, LoadContext
    from scenes.sources import Source

    Rows = NDArray[np.int64]

# A multipolygon with more parts than this is a collection of houses, not one house.
_MOST_PARTS = 8
_GEOJSON = re.compile(rb'"(Feature|FeatureCollection|GeometryCollection|coordinates)"')


class VectorLoader:
    """Reads GeoJSON, GeoPackage, Shapefile, FlatGeobuf, GeoParquet, KML and CSV."""

    name = "vector"
    guarded = True

    def supports(self, source: Source) -> bool:
        """Say whether the file is a vector file; looks at the extension and, for JSON and zip, inside."""
        if source.suffix in {".json", ".geojson"}:
            head = head_of(source.file)
            return b'"CityJSON' not in head and (source.suffix == ".geojson" or bool(_GEOJSON.search(head)))
        if source.suffix == ".gml":
            return b"citygml" not in head_of(source.file).lower()
        if source.suffix == ".zip":
            return any(name.lower().endswith((".shp", ".geojson", ".gpkg")) for name in zip_names(source.file))
        return source.suffix in GDAL_SUFFIXES | TABLE_SUFFIXES

    def locate(self, source: Source) -> Location | None:
        """Return the middle of the features, and their system where it is projected."""
        west, south, east, north, crs = bounds_of(source)
        check_bounds(source.path, crs, (west, south, east, north))
        lon, lat = transformer(crs, WGS84).transform((west + east) / 2, (south + north) / 2)
        parsed = parse_crs(crs)
        in_metres = parsed.is_projected and all(abs(a.unit_conversion_factor - 1) < 1e-9 for a in parsed.axis_info[:2])
        web = parsed.to_epsg() == 3857  # its metres are not metres on the ground
        return Location(float(lon), float(lat), crs if in_metres and not web else "")

    def surface(self, source: Source, context: LoadContext) -> Ground | None:  # noqa: ARG002
        """Return None: features are never the terrain."""
        return None

    def load(self, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        """Yield the batches of every table, each table split into the layers that its features belong to.

        Raises
        ------
        SourceError, GeoreferenceError
            When the file is broken or empty, or lies nowhere.
        """
        tables = [_prepared(table, source, context) for table in read_tables(source)]
        tables = [table for table in tables if len(table.frame)]
        if not tables:
            raise LoadError(
                source.path, "none of its features has a usable geometry", "see twin check for each of them"
            )
        main = _main_layer(tables)
        for table in tables:
            for key in THEMES:
                rows = np.flatnonzero(table.themes == key)
                if len(rows):
                    yield from _batches(table, rows, _layer(THEMES[key], source, main), source, context)


@dataclass(frozen=True, eq=False)
class _Table:
    """A table whose geometry is local, clean and themed."""

    frame: Any
    themes: NDArray[np.object_]
    identity: Identity
    labels: NDArray[np.object_]


def _prepared(table: FeatureTable, source: Source, context: LoadContext) -> _Table:
    frame = table.frame
    dataset = source.namespace if table.name == source.file.name else f"{source.namespace}/{table.name}"
    identity = identity_of(frame, dataset)
    if table.mended:
        message = f"{table.mended} outlines were not closed: closed, or left out where that did not help"
        context.problems.add("warning", source.file.name, "geometry-invalid", message, "repair them in their source")
    labels = f"{source.file.name}#" + identity.source_ids
    geometry = to_local(frame.geometry.to_numpy(), table.crs, source, context)
    geometry = repaired(geometry, labels, context.problems)
    frame = frame.assign(geometry=geometry)
    keep = usable(geometry, labels, context.problems) & _no_label_points(frame, identity, labels, context)
    if keep.any():
        rows = np.flatnonzero(keep)
        extra = _height_texts(frame, source)[rows]
        keep[rows] = first_of_each(geometry[rows], extra, labels[rows], context.problems)
    rows = np.flatnonzero(keep)
    frame = frame.iloc[rows].reset_index(drop=True)
    identity = replace(
        identity,
        source_ids=identity.source_ids[rows],
        uids=identity.uids[rows],
        original=identity.original[rows],
    )
    themes = themes_of(
        frame, tuple(dict.fromkeys(name for name in (source.layer, table.name, source.file.name) if name))
    )
    if source.height_column in frame.columns:
        themes[np.isin(themes, ("areas", "landuse"))] = "buildings"
    return _separated(_Table(frame, themes, identity, labels[rows]), dataset, context)


def _separated(table: _Table, dataset: str, context: LoadContext) -> _Table:
    """Return the table with multipolygons of many houses (one a height class, say) as one building a polygon."""
    parts, rows = shapely.get_parts(table.frame.geometry.to_numpy(), return_index=True)
    counts = np.bincount(rows, minlength=len(table.frame))
    many = (counts > _MOST_PARTS) & (table.themes == "buildings")
    if not many.any():
        return table
    for label, count in zip(table.labels[many], counts[many], strict=True):
        context.problems.add("info", str(label), "multipart-split", f"{count} polygons in one: a building each")
    chosen = many[rows]
    order = np.concatenate([np.flatnonzero(~many), rows[chosen]])
    geometry = np.concatenate([table.frame.geometry.to_numpy()[~many], parts[chosen]])
    number = np.arange(len(rows)) - np.searchsorted(rows, rows)
    endings = np.concatenate(
        [np.full(int((~many).sum()), "", object), ("/" + (number[chosen] + 1).astype(str)).astype(object)]
    )
    ids = table.identity.source_ids[order] + endings
    identity = replace(
        table.identity,
        source_ids=ids,
        uids=np.array(derive_uids(dataset, ids.tolist()), object),
        original=table.identity.original[order],
    )
    frame = table.frame.iloc[order].reset_index(drop=True).assign(geometry=geometry)
    return _Table(frame, table.themes[order], identity, table.labels[order] + endings)


def _no_label_points(
    frame: Any, identity: Identity, labels: NDArray[np.object_], context: LoadContext
) -> NDArray[np.bool_]:
    """Leave out points that only say where the label or the address of an area of the same file goes."""
    geometry = frame.geometry.to_numpy()
    points = shapely.get_type_id(geometry) == 0
    areas = np.isin(shapely.get_type_id(geometry), (3, 6))
    known = identity.original != ""
    mark = points & known & np.isin(identity.original.astype(str), identity.original[areas & known].astype(str))
    mark[mark] = _within_their_areas(identity.original, geometry, np.flatnonzero(mark), np.flatnonzero(areas & known))
    if "label_placement" in frame.columns:
        mark |= points & frame["label_placement"].notna().to_numpy()
    for row in np.flatnonzero(mark):
        context.problems.add("info", str(labels[row]), "label-point", "only the place of a label: left out")
    kept: NDArray[np.bool_] = ~mark
    return kept


def _within_their_areas(
    ids: NDArray[np.object_], geometry: NDArray[np.object_], points: Rows, areas: Rows
) -> NDArray[np.bool_]:
    """Say which points lie within the bounds of an area with their id: node 5 and way 5 may be different things."""
    places: dict[str, list[int]] = {}
    for row in areas.tolist():
        places.setdefault(str(ids[row]), []).append(row)
    found = [
        bool(shapely.intersects(geometry[row], shapely.envelope(geometry[places[str(ids[row])]])).any())
        for row in points.tolist()
    ]
    return np.array(found, bool)


def _height_texts(frame: Any, source: Source) -> NDArray[np.object_]:
    columns = [name for name in (source.height_column, "height", "min_height") if name and name in frame.columns]
    result = np.full(len(frame), "", object)
    for column in dict.fromkeys(columns):
        result = (
            result + frame[column].astype(object).where(frame[column].notna(), "").astype(str).to_numpy(object) + "|"
        )
    return result


def _main_layer(tables: list[_Table]) -> str:
    counts: dict[str, int] = {}
    for table in tables:
        for key, count in zip(*np.unique(table.themes.astype(str), return_counts=True), strict=True):
            counts[str(key)] = counts.get(str(key), 0) + int(count)
    return max(counts, key=lambda key: counts[key])


def _layer(theme: Theme, source: Source, main: str) -> Layer:
    """Return the layer of a theme; a name that the user gave goes to the theme with the most features."""
    name = plain_name(source.layer)
    titles = {"en": theme.english, "zh": theme.chinese}
    if not name:
        return Layer(theme.layer, theme=theme.theme, titles=titles, source=source.file.name)
    if theme.layer != main:
        name = f"{name}-{theme.layer}"
    return Layer(name, theme=theme.theme, titles={"en": source.layer, "zh": source.layer}, source=source.file.name)


def _batches(
    table: _Table, rows: Rows, layer: Layer, source: Source, context: LoadContext
) -> Iterator[tuple[Layer, Batch]]:
    """Yield the batches of one layer, along a Hilbert curve."""
    theme = THEMES[str(table.themes[rows[0]])]
    box = shapely.bounds(table.frame.geometry.to_numpy()[rows])
    rows = rows[hilbert_order((box[:, 0] + box[:, 2]) / 2, (box[:, 1] + box[:, 3]) / 2)]
    frame = table.frame.iloc[rows].reset_index(drop=True)
    classes = classes_of(frame, theme.layer)
    heights = None
    if theme.layer == "buildings":
        heights = heights_of(frame, classes, source)
        _report_heights(heights.source, table.labels[rows], context)
    features = Features(
        theme, frame.geometry.to_numpy(), frame, classes, _colour_hashes(frame, table.identity, rows), heights
    )
    columns, units = _columns(features, table.identity, rows, source)
    ground = relief_of(context.ground)
    for start in range(0, len(rows), BATCH_ROWS):
        part = np.arange(start, min(start + BATCH_ROWS, len(rows)))
        cells = {name: values[part[0] : part[-1] + 1] for name, values in columns.items()}
        yield (
            layer,
            Batch(
                object_table(cells, units),
                meshes_of(features.take(part) if len(part) < len(rows) else features, ground),
                table.identity.aliases(rows[part]),
            ),
        )


def _report_heights(sources: NDArray[np.object_], labels: NDArray[np.object_], context: LoadContext) -> None:
    for rule, text in (("missing", "has no height or storeys"), ("implausible", "its height is not plausible")):
        for label in labels[sources == rule]:
            context.problems.add(
                "warning",
                str(label),
                f"height-{rule}",
                f"{text}: a usual one is drawn",
                "name the column with --height",
            )


def _columns(
    features: Features, identity: Identity, rows: Rows, source: Source
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the columns of the object table and their units."""
    frame, heights = features.frame, features.heights
    used = heights.used if heights is not None else ()
    attributes, properties = attribute_columns(frame, {*used, identity.column, "name", "class"})
    columns: dict[str, Any] = {
        "uid": pa.array(identity.uids[rows], pa.string()),
        "kind": pa.array(_kinds(features), pa.string()),
        "name": pa.array(names_of(frame), pa.string(), from_pandas=True),
        "source": pa.array([source.file.name] * len(rows), pa.string()),
        "source_id": pa.array(identity.source_ids[rows], pa.string()),
        "footprint": pa.array(shapely.to_wkb(features.geometry), pa.binary()),
        "properties": properties,
        "class": pa.array([word or None for word in features.classes], pa.string()),
    }
    units: dict[str, str] = {}
    if heights is not None:
        columns["parent"] = pa.array(_parents(frame, identity), pa.string())
        columns["height_m"] = pa.array(heights.top_m)
        columns["min_height_m"] = pa.array(heights.base_m)
        columns["levels"] = pa.array(heights.levels, from_pandas=True)
        columns["height_source"] = pa.array(heights.source, pa.string())
        units = {"height_m": "m", "min_height_m": "m", "levels": "1"}
    return {**columns, **{name: values for name, values in attributes.items() if name not in columns}}, units


def _kinds(features: Features) -> NDArray[np.object_]:
    kinds = np.full(len(features), features.theme.kind, object)
    if features.theme.layer == "buildings":
        part = features.flags("building:part")
        if "kind" in features.frame.columns:
            part |= (features.frame["kind"].astype(str) == "building_part").to_numpy()
        kinds[part] = "BuildingPart"
    if features.theme.layer == "landuse":
        green = ("park", "grass", "wood", "forest", "garden", "natural_wood", "meadow", "scrub", "natural_forest")
        kinds[np.isin(features.classes, green)] = "PlantCover"
    if features.theme.layer == "water":
        kinds[np.isin(features.classes, ("river", "canal", "stream"))] = "Waterway"
    return kinds


def _parents(frame: Any, identity: Identity) -> list[str | None]:
    """Return the uid of the building that each part names in ``root_id``."""
    first: dict[str, str] = {}
    for original, uid in zip(identity.original, identity.uids, strict=True):
        first.setdefault(str(original), str(uid))
    return [first.get(root) if root else None for root in _roots(frame)]


def _roots(frame: Any) -> list[str]:
    """Return the id of the building that each part belongs to, empty for the others."""
    if "root_id" not in frame.columns:
        return [""] * len(frame)
    return [str(text) for text in id_texts(frame["root_id"])]


def _colour_hashes(frame: Any, identity: Identity, rows: Rows) -> NDArray[np.uint64]:
    """Return the numbers that decide colours: a part wears the colour of its building."""
    roots = np.array(_roots(frame), object)
    own = identity.original[rows]
    return hashes_of(np.where(roots != "", roots, np.where(own != "", own, identity.source_ids[rows])))
