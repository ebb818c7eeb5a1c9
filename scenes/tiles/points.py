"""Point clouds as 3D Tiles: an octree of blocks in which finer tiles *add* points to coarser ones.

Every point is written exactly once: a tile holds, of the points of all blocks below it, one for each cell of a grid,
and its children hold what is left. So the tiles weigh what the points weigh, and what was drawn from afar stays in
its place when one comes near. The geometric error of a tile is the diagonal of its grid cells: no point that it leaves
out lies farther than that from one that is drawn.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes.cloudfacts import cloud_facts, shown_colours
from scenes.errors import LoadError
from scenes.points import STEP_M, cloud_of
from scenes.schema import BOUNDS
from scenes.tiles.metadata import ObjectNames
from scenes.tiles.naming import store_tile
from scenes.tiles.points_glb import POINT, ROUNDING_M, points_glb

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from scenes.cloudfacts import CloudFacts
    from scenes.model import Layer
    from scenes.points import PointBlocks

    Floats = NDArray[np.float64]
    Longs = NDArray[np.int64]
    Json = dict[str, Any]

LEAF_POINTS = 60_000
GRID = 160
"""Cells along the longest side of a tile; of a flat city some 25,000 points a tile."""

_DEEPEST = 40
_BATCHES_KEPT = 3
_SEED = 20_260_101


@dataclass(frozen=True, eq=False)
class _Blocks:
    """The blocks of a layer: (b,) batch, row in it, and (b, 3) corners in local metres, and number of points."""

    batch: Longs
    row: Longs
    low: Floats
    high: Floats
    counts: Longs

    @classmethod
    def of(cls, layer: Layer) -> _Blocks:
        parts = [_rows(layer, number) for number in range(len(layer.batches))]
        batch, row, counts = (np.concatenate([part[i] for part in parts]).astype(np.int64) for i in range(3))
        corners = np.concatenate([part[3] for part in parts])
        used = counts > 0
        return cls(batch[used], row[used], corners[used, :3], corners[used, 3:], counts[used])


@dataclass(frozen=True, eq=False)
class _Node:
    """A cell of the octree: its blocks, and the cells below it."""

    name: str
    blocks: Longs
    low: Floats
    high: Floats
    children: tuple[_Node, ...] = ()

    @property
    def spacing_m(self) -> float:
        """Side of the cells of which each keeps one point here."""
        return max(float((self.high - self.low).max()) / GRID, STEP_M)


def publish_points(layer: Layer, folder: Path, former: Path | None = None, *, compressed: bool = True) -> Json | None:
    """Write a point cloud into a folder and return the root tile, None when there is no point.

    Parameters
    ----------
    layer
        A layer of theme ``pointcloud``.
    folder
        Gets the glb files.
    former
        Folder with the files that the layer had; those that would be the same are linked.
    compressed
        Whether the points are packed by meshopt.

    Raises
    ------
    LoadError
        When a block has no place.
    """
    if not any(batch.meshes for batch in layer.batches):
        return None
    blocks = _Blocks.of(layer)
    if not len(blocks.counts):
        return None
    if not (np.isfinite(blocks.low).all() and np.isfinite(blocks.high).all()):
        raise LoadError("tiles", "the cloud has blocks without a place", "check the source: twin check")
    tree = _divided(blocks, np.arange(len(blocks.counts)), "0", _cube(blocks))
    writer = _Writer(layer, blocks, cloud_facts(layer), folder, former, compressed)
    tile, _ = writer.write(tree, 0.0, tree.low)
    tile["refine"] = "ADD"
    return tile


def _rows(layer: Layer, number: int) -> tuple[Longs, Longs, Longs, Floats]:
    batch = layer.batches[number]
    table = batch.table
    if "point_count" in table.column_names:
        counts = table["point_count"].to_numpy().astype(np.int64)
    else:
        cloud = cloud_of(batch.meshes)
        counts = np.zeros(len(batch), np.int64) if cloud is None else np.diff(cloud.starts)
    corners = np.column_stack([table[name].to_numpy().astype(np.float64) for name in BOUNDS])
    return np.full(len(batch), number), np.arange(len(batch)), counts, corners


def _cube(blocks: _Blocks) -> tuple[Floats, float]:
    low, high = blocks.low.min(axis=0), blocks.high.max(axis=0)
    return low, float((high - low).max())


def _divided(blocks: _Blocks, mine: Longs, name: str, cube: tuple[Floats, float]) -> _Node:
    """Return the tree of some blocks; a cell with all of them in one octant counts as that octant."""
    low, high = blocks.low[mine].min(axis=0), blocks.high[mine].max(axis=0)
    if len(mine) == 1 or blocks.counts[mine].sum() <= LEAF_POINTS:
        return _Node(name, mine, low, high)
    corner, side = cube
    middles = (blocks.low[mine] + blocks.high[mine]) / 2
    for _ in range(_DEEPEST):
        side /= 2
        above = middles > corner + side
        octants = above @ np.array([1, 2, 4])
        if len(np.unique(octants)) > 1:
            children = tuple(
                _divided(blocks, mine[octants == each], f"{name}{each}", (corner + _offset(int(each)) * side, side))
                for each in np.unique(octants)
            )
            return _Node(name, mine, low, high, children)
        corner = corner + _offset(int(octants[0])) * side
    return _Node(name, mine, low, high)


def _offset(octant: int) -> Floats:
    return np.array([octant & 1, octant >> 1 & 1, octant >> 2 & 1], np.float64)


@dataclass
class _Writer:
    """Writes the tiles of a cloud from the leaves up; only a branch of points is in memory."""

    layer: Layer
    blocks: _Blocks
    facts: CloudFacts
    folder: Path
    former: Path | None
    compressed: bool
    _cache: OrderedDict[int, PointBlocks] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        """Find the first number of each batch, and the names of the blocks."""
        sizes = [len(batch) for batch in self.layer.batches]
        self._bases = np.cumsum([0, *sizes]).astype(np.int64)
        self._names = ObjectNames(self.layer.batches, 0)

    def write(self, node: _Node, coarser_m: float, corner: Floats) -> tuple[Json, NDArray[Any]]:
        """Write a node and all below it; return its tile, and the points that its parent takes over.

        Parameters
        ----------
        node
            The cell.
        coarser_m, corner
            Spacing of the parent and where its grid begins; 0 for the root, which keeps everything.
        """
        tile: Json = {}
        if node.children:
            pairs = [self.write(child, node.spacing_m, node.low) for child in node.children]
            points = np.concatenate([taken for _, taken in pairs])
            tile["children"] = [child for child, _ in pairs]
        else:
            points = self._leaf(node)
        up, kept = _shared(points, coarser_m, corner)
        if len(kept):
            names = self._names.of(np.unique(kept["handle"]).astype(np.int64))
            glb = points_glb(kept, names, intensity=self.facts.intensity is not None, compressed=self.compressed)
            tile["content"] = {"uri": store_tile(node.name, glb, self.folder, self.former)}
        tile["boundingVolume"] = {"box": _box(node.low - ROUNDING_M, node.high + ROUNDING_M)}
        tile["geometricError"] = 0.0
        if node.children:
            below = max(child["geometricError"] for child in tile["children"])
            tile["geometricError"] = max(node.spacing_m * float(np.sqrt(3)), below)
        return tile, up

    def _leaf(self, node: _Node) -> NDArray[Any]:
        """Return all points of the blocks of a node, shuffled so that the first of a cell is any of them."""
        parts = [self._points(int(block)) for block in node.blocks]
        points = np.concatenate(parts)
        return points[np.random.default_rng(_SEED + len(points)).permutation(len(points))]

    def _points(self, block: int) -> NDArray[Any]:
        number, row = int(self.blocks.batch[block]), int(self.blocks.row[block])
        cloud = self._cloud(number)
        mine = slice(int(cloud.starts[row]), int(cloud.starts[row + 1]))
        points = np.zeros(mine.stop - mine.start, POINT)
        points["place"] = cloud.places[mine]
        points["classes"] = cloud.classes[mine]
        points["colour"] = shown_colours(cloud, mine, self.facts)
        points["handle"] = self._bases[number] + row
        if cloud.intensity is not None:
            points["intensity"] = cloud.intensity[mine]
        return points

    def _cloud(self, number: int) -> PointBlocks:
        if number in self._cache:
            self._cache.move_to_end(number)
            return self._cache[number]
        found = cloud_of(self.layer.batches[number].meshes)
        if found is None:
            raise LoadError(self.layer.name, f"batch {number} holds no points", "build the city again")
        self._cache[number] = found
        while len(self._cache) > _BATCHES_KEPT:
            self._cache.popitem(last=False)
        return found


def _shared(points: NDArray[Any], spacing_m: float, corner: Floats) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return one point of each cell of a grid, and the others."""
    if spacing_m <= 0:
        return points[:0], points
    steps = ((points["place"] * STEP_M - corner) / spacing_m).astype(np.int64).clip(0, (1 << 20) - 1)
    cells = steps[:, 0] | steps[:, 1] << 20 | steps[:, 2] << 40
    order = np.argsort(cells)
    first = order[np.append(True, np.diff(cells[order]) != 0)]
    kept = np.ones(len(points), bool)
    kept[first] = False
    return points[first], points[kept]


def _box(low: Floats, high: Floats) -> Sequence[float]:
    half = np.diag((high - low) / 2)
    return [round(float(value), 6) for value in (*((low + high) / 2), *half.ravel())]
