"""Vector tiles: single MVT tiles, MBTiles and PMTiles; what tile borders cut apart is joined again.

The highest zoom is read. A feature that touches a border waits until all tiles are read; its pieces are those with
the same id, or where tiles carry no ids, those with the same attributes that touch.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis import gdal
from gis.identifying import id_column_of
from gis.sniffing import head_of
from scenes.errors import LoadError
from scenes.scratch import scratch_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from gis.features import TableStream
    from scenes.problems import Problems
    from scenes.sources import Source

    Objects = NDArray[np.object_]

WORLD_M = 2 * 20_037_508.342789244
_EXTENT = 4_096
_DEEPEST = 30
_ADDRESS = re.compile(r"(\d{1,2})[/\\_-](\d{1,8})[/\\_-](\d{1,8})\.(?:mvt|pbf)$", re.IGNORECASE)


def tables(source: Source, problems: Problems) -> Iterator[TableStream]:
    """Yield the layers of a tile, or of all tiles of the highest zoom.

    Raises
    ------
    LoadError
        When a single tile does not say its zoom, column and row.
    """
    alone = source.suffix in {".mvt", ".pbf"}
    path, zoom = _single(source) if alone else (gdal.opened_path(source), zoom_of(source))
    layers = [(layer, kind) for layer, kind in gdal.layers_of(source, path) if kind is not None]
    if not layers:
        problems.add("info", source.title, "table-without-places", "its tiles have no layers")
    for layer, _ in layers:
        found = gdal.stream(source, path, layer, layer)
        yield found if alone else replace(found, frames=_joining(found, zoom), ids=lambda _column: None)


def zoom_of(source: Source) -> int:
    """Return the highest zoom of an MBTiles or PMTiles file."""
    zoom = head_of(source.file, 127)[101] if source.suffix == ".pmtiles" else _zoom_in_table(source)
    if not 0 <= zoom <= _DEEPEST:
        raise LoadError(source.shown, f"says that its tiles are of zoom {zoom}", "export it again")
    return zoom


def _zoom_in_table(source: Source) -> int:
    try:
        address = f"file:{source.file.resolve().as_posix()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True)) as base:
            row = base.execute("SELECT max(zoom_level) FROM tiles").fetchone()
        return int(row[0])
    except (sqlite3.Error, TypeError, ValueError) as error:
        raise LoadError(source.shown, f"holds no tiles ({error})", "export it again") from error


def tile_of(path: str) -> tuple[int, int, int] | None:
    """Return zoom, column and row of a tile as its path says, None if it does not.

    Examples
    --------
    >>> tile_of("tiles/14/13719/6690.mvt"), tile_of("14-13719-6690.pbf"), tile_of("city.mvt")
    ((14, 13719, 6690), (14, 13719, 6690), None)
    """
    match = _ADDRESS.search(path)
    numbers = tuple(int(text) for text in match.groups()) if match else ()
    if len(numbers) != 3 or numbers[0] > _DEEPEST or max(numbers[1:]) >= 1 << numbers[0]:
        return None
    return numbers[0], numbers[1], numbers[2]


def _single(source: Source) -> tuple[str, int]:
    """Return where GDAL finds a tile under its zoom, column and row, and the zoom."""
    place = tile_of(str(source.file.resolve()))
    if place is None:
        raise LoadError(
            source.shown, "does not say which tile it is", "name it ZOOM/COLUMN/ROW.mvt or ZOOM-COLUMN-ROW.mvt"
        )
    zoom, column, row = place
    folder = scratch_file("-tile") / str(zoom) / str(column)
    folder.mkdir(parents=True)
    link = folder / f"{row}.mvt"
    link.symlink_to(source.file.resolve())
    return str(link), zoom


def _joining(stream: TableStream, zoom: int) -> Any:
    size_m = WORLD_M / 2**zoom

    def frames(rows: int) -> Iterator[Any]:
        waiting: list[Any] = []
        for window in stream.windows(rows):
            named = _named(window.frame)
            cut = touching(named.geometry.to_numpy(), size_m)
            waiting.append(named[cut])
            if not cut.all():
                yield named[~cut].reset_index(drop=True)
        if any(map(len, waiting)):
            yield joined(pd.concat(waiting, ignore_index=True), size_m / _EXTENT)

    return frames


def touching(shapes: Objects, size_m: float) -> NDArray[np.bool_]:
    """Say which of (n,) shapes in web Mercator metres touch a border between tiles."""
    slack = size_m / _EXTENT / 2
    edges = shapely.bounds(shapes) + WORLD_M / 2
    off = np.abs(edges - np.round(edges / size_m) * size_m)
    return np.asarray((off <= slack).any(axis=1), bool)


def joined(pieces: Any, grid_m: float) -> Any:
    """Return pieces of features joined: by their id, else by touching pieces with the same attributes."""
    shapes = pieces.geometry.to_numpy()
    column = id_column_of(pieces)
    attributes = pieces.drop(columns="geometry").astype(object).map(str)
    same = pd.util.hash_pandas_object(attributes, index=False).to_numpy()
    known = pieces[column].notna().to_numpy() if column else np.zeros(len(pieces), bool)
    keys = np.where(known, pieces[column].astype(str) if column else "", same.astype(str)).astype(object)
    kinds = np.array(["", "l", "a"], object)[shapely.get_dimensions(shapes).clip(0, 2)]
    _, first, group = np.unique(keys + kinds, return_index=True, return_inverse=True)
    order = np.argsort(group, kind="stable")
    ends = np.flatnonzero(np.diff(group[order], append=-1)) + 1
    merged = [_merged(part, grid_m) for part in np.split(shapes[order], ends[:-1])]
    rows: list[int] = []
    found: list[Any] = []
    for place, shape in zip(first.tolist(), merged, strict=True):
        parts = [shape] if known[place] else list(shapely.get_parts(shape))
        rows += [place] * len(parts)
        found += parts
    plain = pieces.drop(columns="geometry").iloc[rows].reset_index(drop=True)
    return gpd.GeoDataFrame(plain, geometry=np.array(found, object))


def _merged(parts: Objects, grid_m: float) -> Any:
    if len(parts) == 1:
        return parts[0]
    dimension = shapely.get_dimensions(parts).max()
    valid = shapely.make_valid(parts) if dimension == 2 else parts
    whole = shapely.union_all(valid, grid_size=grid_m if dimension == 2 else None)
    return shapely.line_merge(whole) if dimension == 1 else whole


def _named(frame: Any) -> Any:
    """Return the frame with the ids of the tile format, where it has any, as a column that identifies."""
    if "mvt_id" not in frame.columns:
        return frame
    known = frame["mvt_id"].notna() & (frame["mvt_id"] > 0)
    if known.any() and not id_column_of(frame):
        return frame.assign(id=frame["mvt_id"].where(known)).drop(columns="mvt_id")
    return frame.drop(columns="mvt_id")
