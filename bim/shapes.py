"""Worker side: shapes of products in chunks of an Arrow file each, every mesh written once however often it is used."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from bim.tessellation import Mesh

SHAPES = pa.schema(
    [
        ("product", pa.int64()),
        ("key", pa.string()),  # of the mesh; its cells are filled in the first row of a worker that has it
        ("matrix", pa.binary()),  # (3, 4) float64: turns and moves the mesh to model metres
        ("centre", pa.binary()),  # (3,) float64 metres that the positions count from
        ("positions", pa.large_binary()),  # (v, 3) float32
        ("triangles", pa.large_binary()),  # (t, 3) uint32
        ("colours", pa.large_binary()),  # (v, 4) uint8 sRGB and opacity; empty = no material
        ("uvs", pa.large_binary()),  # (v, 2) float32; empty = no texture
        ("textures", pa.large_binary()),  # (t,) int32 entity numbers of textures, 0 = none; empty = no texture
    ]
)
_LARGEST_M = 1.0e6
_FARTHEST_M = 1.0e8
_CHUNK_BYTES = 8 << 20


def trouble_of(mesh: Mesh, matrix: NDArray[np.float64]) -> str:
    """Return what is wrong with a mesh placed by a (4, 4) matrix, empty if nothing."""
    if not len(mesh.triangles):
        return "has no surface"
    with np.errstate(all="ignore"):
        placed = mesh.corners_m @ matrix[:3, :3].T + matrix[:3, 3]
        low, high = placed.min(axis=0), placed.max(axis=0)
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            return "has coordinates that are not numbers"
        size, away = float((high - low).max()), float(max(abs(low).max(), abs(high).max()))
    if size > _LARGEST_M:
        return f"is {size:.3g} m large, out of all bounds"
    if away > _FARTHEST_M:
        return f"lies {away:.3g} m away, out of all bounds"
    return ""


@dataclass
class ShapeSink:
    """Collects shapes and writes a chunk whenever enough are there; `written` hears of every finished chunk."""

    folder: Path
    prefix: str
    written: Callable[[str, list[int], int], None]
    _columns: dict[str, list[Any]] = field(default_factory=dict)
    _bytes: int = 0
    _count: int = 0
    _finished: list[int] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)

    def add(self, product: int, mesh: Mesh, matrix: NDArray[np.float64]) -> None:
        """Add one product's mesh, placed by a (4, 4) matrix."""
        self._finished.append(product)
        new = mesh.key not in self._known
        self._known.add(mesh.key)
        arrays = (mesh.positions, mesh.triangles, mesh.colours, mesh.uvs, mesh.textures)
        body = [b"" if array is None or not new else array.tobytes() for array in arrays]
        place = np.ascontiguousarray(matrix[:3], np.float64).tobytes()
        cells = (product, mesh.key, place, mesh.centre.astype(np.float64).tobytes(), *body)
        for name, cell in zip(SHAPES.names, cells, strict=True):
            self._columns.setdefault(name, []).append(cell)
        self._bytes += sum(map(len, body)) + len(place)
        if self._bytes >= _CHUNK_BYTES:
            self.flush()

    def skip(self, product: int) -> None:
        """Note that a product is done without geometry."""
        self._finished.append(product)

    def flush(self) -> None:
        """Write what has been collected."""
        if self._finished:
            name = f"{self.prefix}-{self._count:05d}.arrow"
            self._count += 1
            table = pa.table(self._columns or {name: [] for name in SHAPES.names}, schema=SHAPES)
            with pa.OSFile(str(self.folder / name), "wb") as file, pa.ipc.new_file(file, SHAPES) as writer:
                writer.write_table(table)
            self.written(name, self._finished, table.num_rows)
        self._columns, self._finished, self._bytes = {}, [], 0
