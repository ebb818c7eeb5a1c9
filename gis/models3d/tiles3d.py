"""The loader of existing 3D Tiles 1.0 and 1.1: the finest tiles become objects, one a feature."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.datum import unshifted
from gis.modelframe import ModelFrame
from gis.models3d.objects import ModelRows
from gis.models3d.tile_content import Reading, pieces_of
from gis.models3d.tile_points import holds_points, points_of
from gis.models3d.tile_tree import TileTree
from gis.networks.objects import layer_named
from gis.networks.plan import metric_crs
from gis.pointcloud_blocks import batches
from gis.pointcloud_spill import spill
from gis.shelf import Shelf
from gis.sniffing import head_of, zip_names
from gis.themes import plain_name
from scenes.errors import CityTwinError, GeoreferenceError, LoadError, MissingLibraryError, UnsupportedError
from scenes.georeference import GEOCENTRIC, WGS84, transformer
from scenes.loading import Location
from scenes.points import THEME
from scenes.problems import Problems
from scenes.schema import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from gis.models3d.tile_content import Piece
    from gis.models3d.tile_tree import Content
    from gis.pointcloud_chunks import PointChunk
    from scenes.georeference import Georeference
    from scenes.loading import Ground, LoadContext
    from scenes.model import Batch, Layer
    from scenes.sources import Source

    Floats = NDArray[np.float64]

_ROWS = 20_000
_TRIANGLES = 2_000_000
_EARTH_M = (6_200_000.0, 6_600_000.0)
_NAMES = ("name", "Name", "NAME", "gml:name")


class Tiles3dLoader:
    """Reads ``tileset.json``, a folder or a zip (``.3tz``) with one."""

    name = "tiles3d"
    guarded = True

    def supports(self, source: Source) -> bool:
        """Say whether it is a tileset: by its name, or by what its first bytes say."""
        if source.is_remote:
            return False
        if source.file.is_dir():
            return (source.file / "tileset.json").is_file()
        if source.suffix in {".3tz", ".zip"}:
            return "tileset.json" in zip_names(source.file)
        if source.suffix != ".json":
            return False
        head = head_of(source.file)
        return b'"geometricError"' in head and (b'"root"' in head or b'"asset"' in head)

    def locate(self, source: Source) -> Location | None:
        """Return the middle of the root tile; None where the user places the tileset."""
        if source.place is not None:
            return None
        tree, name = _tree(source, Problems(limit=0))
        root = tree.document(name)["root"]
        if source.crs:
            centre = _centre(root)
            found = ModelFrame.of(source, source.crs, centre[None]).location(centre[None])
            return None if found is None else Location(found.longitude_deg, found.latitude_deg, metric_crs(source.crs))
        region = (root.get("boundingVolume") or {}).get("region")
        if region:
            west, south, east, north = np.degrees(np.asarray(region[:4], np.float64))
            return Location(float((west + east) / 2), float((south + north) / 2))
        centre = _centre(root)
        if not _on_earth(centre):
            raise _nowhere(source)
        lon, lat, _ = transformer(GEOCENTRIC, "EPSG:4979").transform(centre[0], centre[1], centre[2])
        return Location(float(lon), float(lat))

    def surface(self, source: Source, context: LoadContext) -> Ground | None:  # noqa: ARG002
        """Return None: tiles bring their own heights."""
        return None

    def load(self, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        """Yield the finest tiles as objects: one a feature, or one a tile that has none.

        Raises
        ------
        SourceError, GeoreferenceError
            When none of its tiles can be read, or nobody says where it lies.
        """
        tree, name = _tree(source, context.problems)
        up = str((tree.document(name).get("asset") or {}).get("gltfUpAxis", "Y")).upper()
        placing = _Placing(source, context.georeference)
        title = source.file.stem if source.file.stem != "tileset" else source.file.absolute().parent.name
        layer = layer_named(plain_name(title) or "tiles", "generic", {"en": title, "zh": title}, source, main=True)
        rows, shown = ModelRows(), 0
        seen: dict[str, int] = {}
        clouds: list[Content] = []
        for content in tree.contents(name, np.eye(4)):
            if holds_points(tree.read(content.name)):
                clouds.append(content)
            for piece in _pieces(content, tree, up, context.problems):
                seen[content.name] = number = seen.get(content.name, 0) + 1
                _add(rows, content, piece, f"tile/{content.name}" + (f"/{number}" if number > 1 else ""))
            if len(rows) >= _ROWS or rows.triangle_count >= _TRIANGLES:
                shown += len(rows)
                yield from rows.batches(layer, "tile", source, placing.to_local)
                rows = ModelRows()
        if len(rows):
            yield from rows.batches(layer, "tile", source, placing.to_local)
        spilt = spill(_points(clouds, tree, placing, context.problems), source.shown)
        if spilt is not None:
            titles = {"en": title, "zh": title}
            points = layer_named(f"{layer.name}-points", THEME, titles, source, main=not shown + len(rows))
            yield from ((points, batch) for batch in batches(spilt, source.namespace, source.title))
        if not shown + len(rows) and spilt is None:
            raise LoadError(source.path, "none of its tiles can be read", "see the problems above it")
        if tree.coarser:
            text = f"read to an error of {source.max_error_m:g} m: {tree.coarser:,} tiles stand for finer ones"
            context.problems.add("info", source.title, "tiles-coarser", text, "choose another --max-error")


class _Placing:
    """From coordinates of the tileset to local metres: geocentric, or by the user's placement."""

    def __init__(self, source: Source, frame: Georeference) -> None:
        self._source, self._frame = source, frame

    def to_local(self, points: Floats) -> Floats:
        """Return (n, 3) coordinates of the tileset as local metres."""
        if self._source.place is not None or self._source.crs:
            return ModelFrame.of(self._source, self._source.crs, points).to_local(points, self._frame)
        if not _on_earth(np.median(points, axis=0)):
            raise _nowhere(self._source)
        lon, lat, height = transformer(GEOCENTRIC, "EPSG:4979").transform(points[:, 0], points[:, 1], points[:, 2])
        x, y = self._frame.localise_from(*unshifted(self._source, WGS84, lon, lat))
        return np.column_stack([x, y, np.asarray(height) - self._frame.height_m])


def _tree(source: Source, problems: Problems) -> tuple[TileTree, str]:
    path = source.file
    if path.is_dir():
        path = path / "tileset.json"
    if path.suffix.lower() in {".3tz", ".zip"}:
        return TileTree(Shelf(path, is_zip=True), problems, source.title, source.max_error_m), "tileset.json"
    return TileTree(Shelf(path, path.absolute().parent), problems, source.title, source.max_error_m), path.name


def _centre(root: dict[str, Any]) -> Floats:
    """Return the middle of a tile in the coordinates of the tileset."""
    volume = root.get("boundingVolume") or {}
    local = np.asarray((volume.get("box") or volume.get("sphere") or [0.0, 0.0, 0.0])[:3], np.float64)
    if "transform" not in root:
        return local
    matrix = np.asarray(root["transform"], np.float64).reshape(4, 4).T
    moved: Floats = matrix[:3, :3] @ local + matrix[:3, 3]
    return moved


def _on_earth(point: Floats) -> bool:
    return bool(_EARTH_M[0] < float(np.linalg.norm(point)) < _EARTH_M[1])


def _nowhere(source: Source) -> GeoreferenceError:
    return GeoreferenceError(
        source.path,
        "the tileset has coordinates of its own and does not say where it lies",
        "place it with --place FILE=E,N,H,ANGLE, or name its system with --source-crs FILE=EPSG:N",
    )


def _pieces(content: Content, tree: TileTree, up: str, problems: Problems) -> list[Piece]:
    def resolve(uri: str) -> bytes | None:
        found = tree.beside(content.name, uri)
        return None if found is None else tree.read(found)

    where = f"{tree.where}#{content.name}"
    try:
        return list(pieces_of(tree.read(content.name), Reading(resolve, where, problems, up)))
    except MissingLibraryError:
        raise
    except CityTwinError as error:
        problems.add("warning", where, "tile-broken", f"{error.what}: left out", error.advice)
        return []


def _points(
    clouds: list[Content], tree: TileTree, placing: _Placing, problems: Problems
) -> Iterator[tuple[PointChunk, Floats]]:
    """Yield the points of some contents, each chunk with its (n, 3) local metres."""
    for content in clouds:
        where = f"{tree.where}#{content.name}"
        try:
            for chunk in points_of(tree.read(content.name), where):
                moved = chunk.xyz @ content.matrix[:3, :3].T + content.matrix[:3, 3]
                if len(chunk):
                    yield chunk, placing.to_local(moved)
        except (LoadError, UnsupportedError) as error:
            problems.add("warning", where, "tile-broken", f"{error.what}: left out", error.advice)


def _add(rows: ModelRows, content: Content, piece: Piece, key: str) -> None:
    """Add the features of a tile, or the tile itself where it has none; `key` is its id."""
    whole = -1
    known: dict[tuple[int, int], int] = {}
    for part in piece.model.parts:
        moved = part.positions @ content.matrix[:3, :3].T + content.matrix[:3, 3]
        if part.features is None:
            if whole < 0:
                name = next((text for text in piece.model.names if text), "") or content.name
                whole = rows.add(key, "GenericOccupiedSpace", name, "", content.facts)
            owner = np.full(len(moved), whole, np.int64)
        else:
            ids, inverse = np.unique(part.features, return_inverse=True)
            for each in ids.tolist():
                if (part.table, each) not in known:
                    known[part.table, each] = _feature(rows, content.facts, piece, (key, part.table, each))
            owner = np.array([known[part.table, each] for each in ids.tolist()], np.int64)[inverse]
        mirrored = np.linalg.det(content.matrix[:3, :3]) < 0
        triangles = part.triangles[:, ::-1] if mirrored else part.triangles
        rows.parts.append(replace(part, positions=moved, triangles=triangles))
        rows.rows.append(owner)


def _feature(rows: ModelRows, facts: dict[str, Any], piece: Piece, at: tuple[str, int, int]) -> int:
    """Add one feature with the values of its table, or of the batch table, and return its row."""
    key, table, feature = at
    tables = piece.model.tables
    columns = tables[table] if 0 <= table < len(tables) else piece.batch or {}
    record = {name: values[feature] for name, values in columns.items() if 0 <= feature < len(values)}
    name = next((str(record[each]) for each in _NAMES if record.get(each)), "")
    part = f"{table}." if table > 0 else ""
    kind = record["kind"] if record.get("kind") in KINDS else "GenericOccupiedSpace"
    return rows.add(f"{key}#{part}{feature}", kind, name, "", {**facts, **record})
