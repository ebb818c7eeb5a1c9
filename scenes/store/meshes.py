"""Geometry on disk: one Parquet file a batch, one row (and row group) a `MeshSet`, read when it is touched."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scenes.digest import meshes_hash
from scenes.errors import PackageError
from scenes.mesh import Instances, MeshSet
from scenes.pictures import Picture
from scenes.scratch import keep
from scenes.store.remote import fetched

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Corners = tuple[NDArray[np.float64], NDArray[np.float64]]

RECENT_BYTES = 200_000_000
_KEY = b"citytwin"
_MESH = {
    "centre": (np.float64, 0),
    "positions": (np.float32, 3),
    "triangles": (np.uint32, 3),
    "rows": (np.uint32, 0),
    "vertex_starts": (np.uint32, 0),
    "triangle_starts": (np.uint32, 0),
    "colours": (np.uint8, 4),
    "normals": (np.float32, 3),
    "lines": (np.uint32, 2),
    "points": (np.uint32, 0),
    "semantics": (np.uint8, 0),
    "uvs": (np.float32, 2),
    "triangle_images": (np.int32, 0),
}
_PLACED = {
    "rows": (np.uint32, 0),
    "positions": (np.float32, 3),
    "yaw_rad": (np.float32, 0),
    "scales": (np.float32, 3),
}
_WORDS = {"colours": np.uint32}
"""What is stored as numbers of four bytes, which are read in a third of the time; earlier versions had the bytes."""
_PICTURE = "picture"
_SCHEMA = pa.schema(
    [("lod", pa.string()), ("part", pa.int32()), ("images", pa.list_(pa.int32()))]
    + [("image", pa.large_binary()), ("mime", pa.string())]
    + [(name, pa.large_list(pa.from_numpy_dtype(_WORDS.get(name, kind)))) for name, (kind, _) in _MESH.items()]
    + [(f"placed_{name}", pa.large_list(pa.from_numpy_dtype(kind))) for name, (kind, _) in _PLACED.items()]
)
_SPLIT = ("positions", "normals", "uvs", "placed_positions", "placed_scales")
_STEPS = ("triangles", "rows", "vertex_starts", "triangle_starts", "lines", "points", "placed_rows")
_ENCODINGS = {f"{name}.list.element": "BYTE_STREAM_SPLIT" for name in _SPLIT} | {
    f"{name}.list.element": "DELTA_BINARY_PACKED" for name in _STEPS
}


class _Recent:
    """The geometry that was read last, up to a number of bytes: memory does not grow with the city."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._kept: OrderedDict[tuple[str, str, str], MeshSet] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, file: Path, level: str, content_hash: str) -> MeshSet:
        key = str(file), level, content_hash
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        mesh = read_mesh(file, level, content_hash)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = mesh
                self._bytes += mesh.nbytes
            while self._bytes > self._limit and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return mesh


_recent = _Recent(RECENT_BYTES)


class StoredMeshes(Mapping[str, MeshSet]):
    """The geometry of a stored batch: level of detail to `MeshSet`, read when it is asked for.

    What was read last stays in memory, up to `RECENT_BYTES` for all batches together.

    Parameters
    ----------
    file
        The Parquet file, in a package or among the scratch files of this process.
    content_hash
        Hash of the geometry, as the manifest has it.
    triangle_counts
        Level of detail to triangles, as the manifest has it.
    bounds_known
        Whether the table of the batch has the bounds already.
    """

    def __init__(
        self, file: Path, content_hash: str, triangle_counts: Mapping[str, int], *, bounds_known: bool = False
    ) -> None:
        """Read nothing yet."""
        self.file = file
        self.content_hash = content_hash
        self.triangle_counts = dict(triangle_counts)
        self.bounds_known = bounds_known
        self._kept = keep(file)

    def __getitem__(self, level: str) -> MeshSet:
        """Return the geometry at a level.

        Raises
        ------
        PackageError
            When the file is gone, broken, or of another save of the package.
        """
        if level not in self.triangle_counts:
            raise KeyError(level)
        return _recent.get(self.file, level, self.content_hash)

    def __contains__(self, level: object) -> bool:
        """Say whether there is such a level; reads nothing."""
        return level in self.triangle_counts

    def __iter__(self) -> Iterator[str]:
        """Iterate over the levels of detail."""
        return iter(self.triangle_counts)

    def __len__(self) -> int:
        """Return the number of levels."""
        return len(self.triangle_counts)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes as a name, not as arrays."""
        return _travelled, (self.file, self.content_hash, self.triangle_counts, self.bounds_known)

    @property
    def is_scratch(self) -> bool:
        """Whether the file goes with this object."""
        return self._kept is not None

    @property
    def is_there(self) -> bool:
        """Whether the file still holds this geometry."""
        return self._note.get("hash") == self.content_hash

    @property
    def corners(self) -> dict[str, Corners | None]:
        """Least and greatest corner of each level as the file tells them (`corners_of`); empty where it does not."""
        told = self._note.get("corners", {}) if self.is_there else {}
        return {level: each and (np.array(each[:3]), np.array(each[3:])) for level, each in told.items()}

    @cached_property
    def _note(self) -> dict[str, Any]:
        """What the file tells of its geometry, empty if it cannot be read."""
        try:
            note: dict[str, Any] = json.loads((pq.read_metadata(fetched(self.file)).metadata or {}).get(_KEY, b"{}"))
        except (OSError, pa.ArrowException, ValueError):
            return {}
        return note


def _travelled(file: Path, content_hash: str, counts: Mapping[str, int], bounds_known: bool) -> StoredMeshes:
    return StoredMeshes(file, content_hash, counts, bounds_known=bounds_known)


def write_meshes(meshes: Mapping[str, MeshSet], file: Path) -> str:
    """Write the geometry of a batch and return its hash; row 0 of a level is the mesh, the others its instances.

    Images come last, each once however many levels and prototypes use it; meshes name them by number.
    """
    numbers: dict[Picture, int] = {}
    rows = [row for level, mesh in meshes.items() for row in _rows_of(level, mesh, numbers)]
    rows += [
        {"lod": _PICTURE, "part": number, "image": picture.data, "mime": picture.mime}
        for picture, number in numbers.items()
    ]
    parts = [(row["lod"], row["part"]) for row in rows]
    content_hash = meshes_hash(meshes)
    corners = {level: _listed(corners_of(mesh)) for level, mesh in meshes.items()}  # who tiles need not read the rest
    note = json.dumps({"hash": content_hash, "parts": parts, "corners": corners}).encode()
    schema = _SCHEMA.with_metadata({_KEY: note})
    with pq.ParquetWriter(
        file,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=False,
        column_encoding=_ENCODINGS,
        write_statistics=False,
    ) as writer:
        for row in rows:
            arrays = [_cell(row.get(field.name), field.type, _WORDS.get(field.name)) for field in schema]
            writer.write_table(pa.table(arrays, schema=schema))
    return content_hash


def read_mesh(file: Path, level: str, content_hash: str) -> MeshSet:
    """Return the geometry at one level of a stored batch.

    Raises
    ------
    PackageError
        When the file is gone, broken, or holds something else than `content_hash` says.
    """
    try:
        parquet = pq.ParquetFile(fetched(file))
        note = json.loads((parquet.schema_arrow.metadata or {})[_KEY])
        if note["hash"] != content_hash:
            raise PackageError(file, "the package was saved over since it was opened", "open it again")
        groups = [place for place, (lod, _) in enumerate(note["parts"]) if lod == level]
        read = [parquet.read_row_group(group) for group in groups]
        pictures = _pictures_of(parquet, note["parts"], read)
        return _mesh_of(read[0], pictures, tuple(_instances_of(table, pictures) for table in read[1:]))
    except FileNotFoundError as error:
        raise PackageError(file, "is gone; the package was moved or saved over", "open it again") from error
    except (OSError, pa.ArrowException, ValueError, KeyError, IndexError) as error:
        raise PackageError(
            file, f"cannot be read ({error})", "restore it from a copy or build the city again"
        ) from error


def corners_of(mesh: MeshSet) -> Corners | None:
    """Return the least and greatest corner in local metres, None if there is nothing; of placements the feet count."""
    groups = [mesh.positions, *(each.positions for each in mesh.instances)]
    found = [np.ascontiguousarray(group.T) for group in groups if len(group)]  # faster by column than by row
    if not found:
        return None
    low = np.min([columns.min(axis=1) + mesh.centre for columns in found], axis=0)
    return low, np.max([columns.max(axis=1) + mesh.centre for columns in found], axis=0)


def _listed(corners: Corners | None) -> list[float] | None:
    return None if corners is None else [*corners[0].tolist(), *corners[1].tolist()]


def _rows_of(level: str, mesh: MeshSet, numbers: dict[Picture, int]) -> list[dict[str, Any]]:
    def shape(mesh: MeshSet) -> dict[str, Any]:
        images = [numbers.setdefault(image, len(numbers)) for image in mesh.images]
        return {"images": images, **{name: getattr(mesh, name) for name in _MESH}}

    rows: list[dict[str, Any]] = [{"lod": level, "part": 0, **shape(mesh)}]
    for number, each in enumerate(mesh.instances, start=1):
        placed = {f"placed_{name}": getattr(each, name) for name in _PLACED}
        rows.append({"lod": level, "part": number, **shape(each.prototype), **placed})
    return rows


def _pictures_of(parquet: pq.ParquetFile, parts: list[Any], read: list[pa.Table]) -> dict[int, Picture]:
    """Return the images that some meshes name, by number."""
    wanted = {number for table in read for number in _named(table)}
    found = {}
    for group, (lod, number) in enumerate(parts):
        if lod == _PICTURE and number in wanted:
            row = parquet.read_row_group(group, columns=["image", "mime"]).to_pylist()[0]
            found[number] = Picture(row["image"], row["mime"])
    return found


def _named(table: pa.Table) -> list[int]:
    return table["images"][0].as_py() or [] if "images" in table.column_names else []


def _cell(value: Any, kind: pa.DataType, words: type[np.generic] | None) -> pa.Array:
    """Return one value as a column of one row."""
    if not isinstance(value, np.ndarray):
        return pa.array([value], kind)
    flat = np.ascontiguousarray(value).reshape(-1)
    flat = flat if words is None else flat.view(words)
    return pa.LargeListArray.from_arrays(pa.array([0, len(flat)], pa.int64()), pa.array(flat))


def _mesh_of(table: pa.Table, pictures: Mapping[int, Picture], instances: tuple[Instances, ...] = ()) -> MeshSet:
    images = tuple(pictures[number] for number in _named(table))
    return MeshSet(**_arrays(table, _MESH, ""), instances=instances, images=images)


def _instances_of(table: pa.Table, pictures: Mapping[int, Picture]) -> Instances:
    return Instances(_mesh_of(table, pictures), **_arrays(table, _PLACED, "placed_"))


def _arrays(table: pa.Table, wanted: Mapping[str, tuple[Any, int]], prefix: str) -> dict[str, Any]:
    found: dict[str, NDArray[Any] | None] = {}
    for name, (kind, width) in wanted.items():
        if prefix + name not in table.column_names:  # a package of an earlier version
            found[name] = None
            continue
        cell = table[prefix + name].combine_chunks()
        flat = None if cell.null_count else cell.flatten().to_numpy()
        found[name] = flat.view(kind).reshape(-1, width) if flat is not None and width else flat
    return found
