"""One window of a table made ready: local, clean, without repeats, each feature with its identity and its theme."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from gis.cleaning import finite, first_of_each, repaired, usable
from gis.elevations import Elevations, elevations_of, footprints_of, no_elevations, raised_lines
from gis.ground import relief_of
from gis.identifying import Identities, Identity, id_column_of
from gis.placing import areas_to_local, to_local
from gis.seen import Seen, mixed
from gis.shapes import Shapes
from gis.themes import themes_of
from scenes.identity import derive_uids

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from gis.features import FeatureTable, TableStream
    from scenes.loading import LoadContext
    from scenes.sources import Source

    Hashes = NDArray[np.uint64]
    Objects = NDArray[np.object_]
    Rows = NDArray[np.int64]

# A multipolygon with more parts than this is a collection of houses, not one house.
_MOST_PARTS = 8


@dataclass(frozen=True, eq=False)
class Window:
    """Features that are local, clean and themed."""

    frame: Any
    themes: Objects
    identity: Identity
    labels: Objects
    elevations: Elevations
    shapes: Shapes

    def __len__(self) -> int:
        """Return the number of features."""
        return len(self.frame)


@dataclass(frozen=True, eq=False)
class TableState:
    """What is remembered of a table from window to window.

    Parameters
    ----------
    identities
        Gives the ids.
    seen
        Hashes of the shapes that came before; None for a table of one window.
    columns
        The attribute columns of each layer, as its first window decided.
    """

    identities: Identities
    seen: Seen | None = None
    columns: dict[str, list[Any]] = field(default_factory=dict)


def state_of(stream: TableStream, first: FeatureTable, source: Source, *, more: bool) -> TableState:
    """Return the state to begin a table with; where `more` windows follow, the ids of all of them are read first."""
    dataset = source.namespace if stream.name == source.title else f"{source.namespace}/{stream.name}"
    identities = Identities(dataset, id_column_of(first.frame))
    if more and identities.column and not stream.unique:
        identities.learn(stream.id_values(identities.column))
    return TableState(identities, Seen() if more else None)


def prepared(table: FeatureTable, state: TableState, source: Source, context: LoadContext) -> Window:
    """Return the usable features of a window; what is left out or mended is reported."""
    frame = table.frame.reset_index(drop=True)
    if table.mended:
        message = f"{table.mended} outlines were not closed: closed, or left out where that did not help"
        context.problems.add("warning", source.title, "geometry-invalid", message, "repair them in their source")
    with ThreadPoolExecutor(1) as beside:  # ids keep the interpreter busy, places and their check hardly do
        identified = beside.submit(state.identities.of, frame, partial(_plans, table))
        elevations, shapes = _placed(table, frame, source, context)
        half = len(frame) // 2
        rest = beside.submit(shapely.is_valid, shapes.geometry[half:])
        valid = np.concatenate([shapely.is_valid(shapes.geometry[:half]), rest.result()])
    identity = identified.result()
    labels = f"{source.title}#" + identity.source_ids
    geometry = repaired(shapes.geometry, valid, labels, context.problems)
    shapes = shapes.changed(geometry)
    frame = frame.assign(geometry=geometry)
    if source.height_column.lower() == "z" and source.height_column not in frame.columns:
        frame[source.height_column] = elevations.high_m
    keep = usable(geometry, labels, context.problems) & _no_label_points(frame, identity, labels, context)
    if keep.any():
        rows = np.flatnonzero(keep)
        extra = (_height_hashes(frame, source) ^ _elevation_hashes(elevations))[rows]
        keep[rows] = first_of_each(geometry[rows], extra, labels[rows], context.problems, state.seen)
    rows = np.flatnonzero(keep)
    frame = frame.iloc[rows].reset_index(drop=True)
    themes = themes_of(frame, tuple(dict.fromkeys(name for name in (source.layer, table.name, source.title) if name)))
    if source.height_column in frame.columns:
        themes[np.isin(themes, ("areas", "landuse"))] = "buildings"
    window = Window(frame, themes, identity.take(rows), labels[rows], elevations.take(rows), shapes.take(rows))
    return _with_roots(_separated(window, state.identities.dataset, context))


def _plans(table: FeatureTable, rows: Rows) -> Iterable[bytes | None]:
    """Return the WKB, in two dimensions, of some features as the file has them."""
    if table.areas is not None:
        return cast("list[bytes | None]", table.areas.wkb.take(pa.array(rows)).to_pylist())
    return cast("Objects", shapely.to_wkb(table.frame.geometry.to_numpy()[rows], output_dimension=2))


def _placed(table: FeatureTable, frame: Any, source: Source, context: LoadContext) -> tuple[Elevations, Shapes]:
    """Return the heights of the features of a window, and their shapes in local metres."""
    if table.areas is not None:
        shapes = Shapes(wkb=areas_to_local(table.areas, table.crs, source, context))
        return no_elevations(len(frame)), shapes
    elevations = elevations_of(frame, table.crs, source.suffix)
    return elevations, Shapes(_local(frame, table.crs, elevations, source, context))


def _local(frame: Any, crs: str, elevations: Elevations, source: Source, context: LoadContext) -> Objects:
    """Return (n,) shapes in local metres: lines with heights keep them, everything else is flat."""
    shapes = finite(frame.geometry.to_numpy())
    if not elevations.known.any():
        return to_local(shapes, crs, source, context)
    shapes = footprints_of(shapes, elevations)
    local = to_local(shapes, crs, source, context)
    ground = relief_of(context.ground)
    raised = raised_lines(local, shapes, crs, elevations, (context.georeference.height_m, ground))
    if ground is None and shapely.has_z(raised).any():
        message = "its lines keep their heights; without terrain they may float above everything else, or lie below"
        context.problems.add("info", source.title, "heights-without-terrain", message, "add the terrain of the city")
    return raised


def _separated(window: Window, dataset: str, context: LoadContext) -> Window:
    """Return the window with multipolygons of many houses (one a height class, say) as one building a polygon."""
    shapes = window.frame.geometry.to_numpy()
    counts = shapely.get_num_geometries(shapes)
    many = (counts > _MOST_PARTS) & (window.themes == "buildings")
    if not many.any():
        return window
    parts, rows = shapely.get_parts(shapes, return_index=True)
    for label, count in zip(window.labels[many], counts[many], strict=True):
        context.problems.add("info", str(label), "multipart-split", f"{count} polygons in one: a building each")
    chosen = many[rows]
    order = np.concatenate([np.flatnonzero(~many), rows[chosen]])
    geometry = np.concatenate([window.frame.geometry.to_numpy()[~many], parts[chosen]])
    number = np.arange(len(rows)) - np.searchsorted(rows, rows)
    endings = np.concatenate(
        [np.full(int((~many).sum()), "", object), ("/" + (number[chosen] + 1).astype(str)).astype(object)]
    )
    ids = window.identity.source_ids[order] + endings
    identity = replace(
        window.identity,
        source_ids=ids,
        uids=np.array(derive_uids(dataset, ids.tolist()), object),
        original=window.identity.original[order],
    )
    frame = window.frame.iloc[order].reset_index(drop=True).assign(geometry=geometry)
    labels = window.labels[order] + endings
    return Window(frame, window.themes[order], identity, labels, window.elevations.take(order), Shapes(geometry))


def _with_roots(window: Window) -> Window:
    """Return the window with each part of a building tied to the outline that it lies in, where nothing says it."""
    frame = window.frame
    if "building:part" not in frame.columns or not len(window):
        return window
    part = frame["building:part"].notna().to_numpy() & (frame["building:part"].astype(str) != "no").to_numpy()
    roots = np.full(len(frame), None, object)
    if "root_id" in frame.columns:
        roots = frame["root_id"].astype(object).where(frame["root_id"].notna(), None).to_numpy(object)
    shapes = frame.geometry.to_numpy()
    open_parts = np.flatnonzero(part & np.array([root is None for root in roots], bool))
    outlines = np.flatnonzero(
        ~part & (window.themes == "buildings") & (window.identity.original != "") & (shapely.area(shapes) > 0)
    )
    if not len(open_parts) or not len(outlines):
        return window
    tree = shapely.STRtree(shapes[outlines])
    inside, found = tree.query(shapely.point_on_surface(shapes[open_parts]), predicate="within")
    largest = np.argsort(shapely.area(shapes[outlines[found]]), kind="stable")
    roots[open_parts[inside[largest]]] = window.identity.original[outlines[found[largest]]]
    return replace(window, frame=frame.assign(root_id=roots))


def _no_label_points(frame: Any, identity: Identity, labels: Objects, context: LoadContext) -> NDArray[np.bool_]:
    """Leave out points that only say where the label or the address of an area of the same file goes."""
    geometry = frame.geometry.to_numpy()
    points = shapely.get_type_id(geometry) == 0
    if not points.any():
        return np.ones(len(frame), bool)
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


def _within_their_areas(ids: Objects, geometry: Objects, points: Rows, areas: Rows) -> NDArray[np.bool_]:
    """Say which points lie within the bounds of an area with their id: node 5 and way 5 may be different things."""
    places: dict[str, list[int]] = {}
    if len(points):
        for row in areas.tolist():
            places.setdefault(str(ids[row]), []).append(row)
    found = [
        bool(shapely.intersects(geometry[row], shapely.envelope(geometry[places[str(ids[row])]])).any())
        for row in points.tolist()
    ]
    return np.array(found, bool)


def _height_hashes(frame: Any, source: Source) -> Hashes:
    """Return numbers that tell features of different heights apart."""
    columns = [name for name in (source.height_column, "height", "min_height") if name and name in frame.columns]
    result = np.zeros(len(frame), np.uint64)
    for column in dict.fromkeys(columns):
        values = frame[column]
        if pd.api.types.is_numeric_dtype(values):
            hashed = pd.util.hash_array(values.to_numpy(np.float64, na_value=np.nan))
        else:
            hashed = pd.util.hash_array(values.astype(object).where(values.notna(), "").astype(str).to_numpy(object))
        result = mixed(result + hashed.astype(np.uint64))
    return result


def _elevation_hashes(elevations: Elevations) -> Hashes:
    """Return numbers that tell shapes at different heights apart; 0 where none is known."""
    centimetres = np.rint(np.column_stack([elevations.low_m, elevations.high_m])[elevations.known] * 100)
    result = np.zeros(len(elevations.low_m), np.uint64)
    low, high = centimetres.astype(np.int64).astype(np.uint64).T
    result[elevations.known] = mixed(mixed(low) + high)
    return result
