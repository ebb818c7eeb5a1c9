"""How a point cloud lives in the scene graph: a cloud of a billion points is some ten thousand objects.

An object of a layer of theme ``pointcloud`` is a *block*: the points of one cell of an octree, some ten thousand of
them. So picking, ids, live codes, bounds and hashes work as for everything else. The points of the blocks of a
batch are `PointBlocks`: whole millimetres in local coordinates, class, intensity, returns and colour in one or two
bytes each. They wait in a Parquet file and are read when they are touched (`CloudMeshes`), so that memory does not
grow with the cloud.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scenes.errors import PackageError
from scenes.mesh import MeshSet
from scenes.scratch import keep, scratch_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

THEME = "pointcloud"
LEVEL = "1"
STEP_M = 0.001
"""Positions are whole multiples of this, metres."""

_KEY = b"citytwin"
_PLACES = ("x", "y", "z")
_COLOURS = ("red", "green", "blue")
_MARKS = {"classes": np.uint8, "intensity": np.uint16, "returns": np.uint8}


@dataclass(frozen=True, eq=False)
class PointBlocks:
    """The points of some blocks, one block after the other.

    Parameters
    ----------
    places
        (n, 3) int32: local millimetres.
    starts
        (b + 1,) int64: block i owns the points `starts[i]:starts[i + 1]`.
    classes
        (n,) uint8: class by ASPRS (2 ground, 6 building, ...), 0 where nobody classified.
    intensity
        (n,) uint16: strength of the return as the file gives it; None = not recorded.
    returns
        (n,) uint8: number of the return, plus 16 times the number of returns of the pulse; None = not recorded.
    colours
        (n, 3) uint8 sRGB; None = not recorded.

    Examples
    --------
    >>> two = PointBlocks.of(np.array([[0.0, 0.0, 1.5], [2.0, 0.0, 0.0]]), [0, 1, 2])
    >>> two.places.tolist(), len(two)
    ([[0, 0, 1500], [2000, 0, 0]], 2)
    """

    places: NDArray[np.int32]
    starts: NDArray[np.int64]
    classes: NDArray[np.uint8]
    intensity: NDArray[np.uint16] | None = None
    returns: NDArray[np.uint8] | None = None
    colours: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        """Check shapes, once and for all."""
        count = len(self.places)
        if self.places.shape != (count, 3) or int(self.starts[-1]) != count:
            raise ValueError(f"places {self.places.shape} must be (n, 3) and the starts must end at n")
        for name, width in (("classes", 0), ("intensity", 0), ("returns", 0), ("colours", 3)):
            values = getattr(self, name)
            if values is not None and values.shape != ((count, width) if width else (count,)):
                raise ValueError(f"{name} {values.shape} must have one entry for each of {count} points")

    @classmethod
    def of(cls, positions_m: NDArray[np.floating], starts: Iterable[int], **marks: Any) -> PointBlocks:
        """Return blocks of (n, 3) local metres; classes are 0 unless given."""
        places = np.rint(np.asarray(positions_m, np.float64) / STEP_M).astype(np.int32)
        classes = marks.pop("classes", None)
        given = np.zeros(len(places), np.uint8) if classes is None else classes
        return cls(places, np.asarray(list(starts), np.int64), given, **marks)

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.places)

    @property
    def block_count(self) -> int:
        """Number of blocks."""
        return len(self.starts) - 1

    def owners(self) -> NDArray[np.int64]:
        """Return the block of each point, (n,)."""
        return np.repeat(np.arange(self.block_count), np.diff(self.starts))

    def bounds_m(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the least and greatest corner of each block, two (b, 3) arrays of local metres; no block is empty."""
        starts = self.starts[:-1]
        low = np.minimum.reduceat(self.places, starts, axis=0)
        high = np.maximum.reduceat(self.places, starts, axis=0)
        return low * STEP_M, high * STEP_M

    def chosen(self, points: NDArray[np.integer]) -> PointBlocks:
        """Return some points, ascending, in the blocks where they were; blocks may become empty."""
        counts = np.bincount(self.owners()[points], minlength=self.block_count)
        marks: dict[str, Any] = {
            name: None if (old := getattr(self, name)) is None else old[points] for name in (*_MARKS, "colours")
        }
        return PointBlocks(self.places[points], np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), **marks)

    def mesh_set(self) -> PointMeshSet:
        """Return the blocks as geometry like any other: a group a block, a vertex a point."""
        centre = np.rint((self.places.min(axis=0).astype(np.float64) + self.places.max(axis=0)) / 2)
        positions = ((self.places - centre) * STEP_M).astype(np.float32)
        count = len(self)
        colours = None
        if self.colours is not None:
            colours = np.concatenate([self.colours, np.full((count, 1), 255, np.uint8)], axis=1)
        return PointMeshSet(
            centre * STEP_M,
            positions,
            np.zeros((0, 3), np.uint32),
            np.arange(self.block_count, dtype=np.uint32),
            self.starts.astype(np.uint32),
            np.zeros(self.block_count + 1, np.uint32),
            colours,
            points=np.arange(count, dtype=np.uint32),
            classes=self.classes,
            intensity=self.intensity,
            returns=self.returns,
        )


@dataclass(frozen=True, eq=False)
class PointMeshSet(MeshSet):
    """Points as a `MeshSet` that remembers what each of them is; see `PointBlocks` for the arrays."""

    classes: NDArray[np.uint8] | None = None
    intensity: NDArray[np.uint16] | None = None
    returns: NDArray[np.uint8] | None = None

    def take(self, rows: Iterable[int] | NDArray[np.integer]) -> MeshSet:
        """Return the part that belongs to some rows, renumbered as by `MeshSet.take`."""
        wanted = np.asarray(rows if isinstance(rows, np.ndarray) else list(rows), dtype=np.int64)
        kept = np.isin(self.vertex_rows(), wanted)
        cut = cast("PointMeshSet", super().take(wanted))
        marks: dict[str, Any] = {name: None if (old := getattr(self, name)) is None else old[kept] for name in _MARKS}
        return replace(cut, **marks)

    def blocks(self) -> PointBlocks:
        """Return the points as blocks, to store or to tile."""
        return blocks_of_mesh(self)


def blocks_of_mesh(mesh: MeshSet) -> PointBlocks:
    """Return the points of any mesh set as blocks, a block a group; vertices that are no points are left out."""
    points = np.arange(0) if mesh.points is None else mesh.points.astype(np.int64)
    order = np.sort(points)
    starts = np.searchsorted(order, mesh.vertex_starts.astype(np.int64))
    marks = {name: None if (old := getattr(mesh, name, None)) is None else old[order] for name in _MARKS}
    colours = None if mesh.colours is None else mesh.colours[order, :3]
    return PointBlocks.of(mesh.positions_m[order], starts, colours=colours, **marks)


class CloudMeshes(Mapping[str, MeshSet]):
    """The points of a batch in a Parquet file, read anew each time that they are asked for.

    Parameters
    ----------
    file
        The Parquet file, in a package or among the scratch files of this process.
    content_hash
        Hash of the points.
    point_count
        Number of points.
    """

    bounds_known = True  # the table has them already; nobody needs to read the points for it

    def __init__(self, file: Path, content_hash: str, point_count: int) -> None:
        """Read nothing yet."""
        self.file = file
        self.content_hash = content_hash
        self.point_count = point_count
        self.triangle_counts = {LEVEL: 0}
        self._kept = keep(file)

    def __getitem__(self, level: str) -> MeshSet:
        """Return the points as a mesh set.

        Raises
        ------
        PackageError
            When the file is gone, broken, or of another save of the package.
        """
        if level != LEVEL:
            raise KeyError(level)
        return self.blocks().mesh_set()

    def __iter__(self) -> Iterator[str]:
        """Iterate over the levels of detail: there is one."""
        return iter(self.triangle_counts)

    def __len__(self) -> int:
        """Return the number of levels."""
        return 1

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes as a name, not as arrays."""
        return type(self), (self.file, self.content_hash, self.point_count)

    def blocks(self) -> PointBlocks:
        """Return the points by block; errors as in `__getitem__`."""
        return read_blocks(self.file, self.content_hash)

    @cached_property
    def is_there(self) -> bool:
        """Whether the file still holds these points."""
        try:
            note = json.loads((pq.read_metadata(_brought(self.file)).metadata or {}).get(_KEY, b"{}"))
        except (OSError, pa.ArrowException):
            return False
        return bool(note.get("hash") == self.content_hash)


def _brought(file: Path) -> Path:
    from scenes.store.remote import fetched  # noqa: PLC0415 - the store knows points

    return fetched(file)


def cloud_of(meshes: Mapping[str, MeshSet]) -> PointBlocks | None:
    """Return the points of a batch of a cloud, None where its geometry is something else."""
    if isinstance(meshes, CloudMeshes):
        return meshes.blocks()
    mesh = meshes.get(LEVEL)
    return mesh.blocks() if isinstance(mesh, PointMeshSet) and mesh.points is not None else None


def point_count(meshes: Mapping[str, MeshSet]) -> int | None:
    """Return the number of points of a batch of a cloud without reading them, None where it is something else."""
    if isinstance(meshes, CloudMeshes):
        return meshes.point_count
    mesh = meshes[LEVEL] if LEVEL in meshes and type(meshes) is dict else None
    return len(mesh.points) if isinstance(mesh, PointMeshSet) and mesh.points is not None else None


def spilled(blocks: PointBlocks) -> CloudMeshes:
    """Write blocks to a scratch file and return them as the geometry of a batch."""
    file = scratch_file(".parquet")
    return CloudMeshes(file, write_blocks(blocks, file), len(blocks))


def write_blocks(blocks: PointBlocks, file: Path) -> str:
    """Write blocks as Parquet, a row a point, and return their hash.

    Neighbours in a block lie near each other, so that differences of millimetres take some twelve bits instead of 32.
    """
    columns = _columns(blocks)
    content_hash = _hash(blocks)
    note = json.dumps({"hash": content_hash, "starts": blocks.starts.tolist()}).encode()
    table = pa.table(columns).replace_schema_metadata({_KEY: note})
    pq.write_table(
        table,
        file,
        compression="zstd",
        compression_level=1,
        use_dictionary=["classes", "returns"],
        column_encoding={name: "DELTA_BINARY_PACKED" for name in columns if name in {*_PLACES, "intensity"}}
        | {name: "PLAIN" for name in columns if name in _COLOURS},
        write_statistics=False,
        row_group_size=max(len(blocks), 1),
    )
    return content_hash


def read_blocks(file: Path, content_hash: str) -> PointBlocks:
    """Return the blocks of a file.

    Raises
    ------
    PackageError
        When the file is gone, broken, or holds something else than `content_hash` says.
    """
    try:
        table = pq.read_table(_brought(file), memory_map=False)
        note = json.loads((table.schema.metadata or {})[_KEY])
        if note["hash"] != content_hash:
            raise PackageError(file, "the package was saved over since it was opened", "open it again")
        return _blocks(table, np.array(note["starts"], np.int64))
    except FileNotFoundError as error:
        raise PackageError(file, "is gone; the package was moved or saved over", "open it again") from error
    except (OSError, pa.ArrowException, ValueError, KeyError, IndexError) as error:
        raise PackageError(
            file, f"cannot be read ({error})", "restore it from a copy or build the city again"
        ) from error


def _columns(blocks: PointBlocks) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {
        name: np.ascontiguousarray(blocks.places[:, i]) for i, name in enumerate(_PLACES)
    }
    columns |= {name: values for name in _MARKS if (values := getattr(blocks, name)) is not None}
    if blocks.colours is not None:
        columns |= {name: np.ascontiguousarray(blocks.colours[:, i]) for i, name in enumerate(_COLOURS)}
    return columns


def _blocks(table: pa.Table, starts: NDArray[np.int64]) -> PointBlocks:
    def column(name: str) -> NDArray[Any]:
        return cast("NDArray[Any]", table[name].to_numpy())

    marks = {name: column(name) if name in table.column_names else None for name in _MARKS}
    coloured = _COLOURS[0] in table.column_names
    colours = np.stack([column(name) for name in _COLOURS], axis=1) if coloured else None
    return PointBlocks(np.stack([column(name) for name in _PLACES], axis=1), starts, colours=colours, **marks)  # type: ignore[arg-type]


def _hash(blocks: PointBlocks) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for each in fields(blocks):
        values = getattr(blocks, each.name)
        digest.update(f"{each.name};".encode())
        if values is not None:
            digest.update(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
