"""Write the tiles of a layer from the leaves up, in one process or several (`scenes.tiles.sharing`).

What a tile holds depends on what lies below it alone, so however the tree is shared out, the bytes are the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from scenes.tiles.content import merged
from scenes.tiles.encode import Encoding, all_handles, encode, rounding_m
from scenes.tiles.keeping import keep_content
from scenes.tiles.naming import store_tile
from scenes.tiles.paint import filled, fitted
from scenes.tiles.prototypes import written_out
from scenes.tiles.record import FOLDER
from scenes.tiles.simplify import Detail, simplify
from scenes.tiles.skirts import with_skirt
from scenes.tiles.style import default_colour

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from scenes.tiles.content import Content, Floats
    from scenes.tiles.gather import LayerGeometry
    from scenes.tiles.quadtree import Cell
    from scenes.tiles.renewal import Former

    Json = dict[str, Any]

COARSE_TRIANGLES = 40_000  # of a tile that stands for finer ones: 4,000 boxes, about 450 kB by gzip
BLOCK_THEMES = frozenset({"buildings", "landuse", "trees", "water"})
"""Layers whose objects become blocks far away."""

LINE_THEMES = frozenset({"roads"})
"""Layers whose narrow objects become lines far away."""

CELLS = 128  # vertices of a coarse tile lie at least its side divided by this apart
_COARSE = Encoding(rounding_m=float("inf"))
_LEAF = Encoding()
_THIN_M = 0.05


class Names(Protocol):
    """Says who objects are."""

    def of(self, handles: NDArray[np.int64]) -> pa.Table:
        """Return columns uid, kind and name, one row a handle."""


@dataclass(frozen=True, eq=False)
class Written:
    """A tile that is on disk, what its parent needs to know about it.

    Parameters
    ----------
    tile
        Its description.
    content
        What it was made of; None of a tile that stays as it was, until somebody asks.
    low, high
        Corners of its box.
    """

    tile: Json
    content: Content | None
    low: Floats
    high: Floats


@dataclass
class TileWriter:
    """Writes the tiles of one layer from the leaves up.

    Parameters
    ----------
    geometry
        What the leaves hold.
    folder
        Where the tiles go.
    theme
        Of the layer.
    divided
        Whether there is more than one tile.
    former
        The tiles that the layer had; those in whose cells nothing changed stay.
    keeps
        Whether the contents of tiles that stand for finer ones are kept for the next time.
    compressed
        Whether tiles are packed by meshopt.
    shell
        Whether tiles that stand for finer ones show only what can be seen from outside.
    """

    geometry: LayerGeometry
    folder: Path
    theme: str
    divided: bool
    former: Former | None = None
    keeps: bool = False
    compressed: bool = True
    shell: bool = False

    def write(self, cell: Cell, names: Names) -> Written:
        """Write a cell and all below it, unless it can stay as it was."""
        return self._drawn(cell, self._found(cell, names), names)

    def _found(self, cell: Cell, names: Names) -> Written:
        """Return a cell with all below it written; it may have no tile yet if it is as fine as can be."""
        if (stays := self.staying(cell)) is not None:
            return stays
        if not cell.children:
            return _not_yet(self._leaf(cell))
        return self._joined(cell, [self._found(child, names) for child in cell.children], names)

    def _drawn(self, cell: Cell, found: Written, names: Names) -> Written:
        """Return a cell with its tile written."""
        if found.tile or found.content is None:
            return found
        return self._written(cell, found.content, [], names)

    def staying(self, cell: Cell) -> Written | None:
        """Return the tile that a cell had and keeps with all below it, None where it has to be written."""
        tile = None if self.former is None else self.former.tile(cell)
        if tile is None:
            return None
        box = np.array(tile["boundingVolume"]["box"])
        half = np.diag(box[3:].reshape(3, 3))
        return Written(tile, None, box[:3] - half, box[:3] + half)

    def content(self, cell: Cell, written: Written) -> Content:
        """Return what the tile of a cell was made of."""
        kept = self.former.content(cell) if written.content is None and self.former is not None else written.content
        return self._leaf(cell) if kept is None else kept

    def joined(self, cell: Cell, children: list[Written], names: Names) -> Written:
        """Write a cell whose children are written."""
        return self._drawn(cell, self._joined(cell, children, names), names)

    def _joined(self, cell: Cell, children: list[Written], names: Names) -> Written:
        contents = [self.content(*pair) for pair in zip(cell.children, children, strict=True)]
        whole = merged(contents, self.geometry.centre(cell))
        detail = self._detail(cell)
        coarse = fitted(simplify(written_out(whole, detail), detail))
        finest = coarse.error_m == 0.0  # nothing had to change: the finer tiles would show the same
        if finest:
            for part, child in zip(cell.children, children, strict=True):
                if "content" in child.tile:
                    (self.folder / child.tile["content"]["uri"]).unlink(missing_ok=True)
                self._kept(part).unlink(missing_ok=True)
            return _not_yet(whole)
        if self.keeps:  # what is as fine as the leaves is found again like a leaf
            self._kept(cell).parent.mkdir(exist_ok=True)
            keep_content(coarse, self._kept(cell))
        below = [self._drawn(*pair, names) for pair in zip(cell.children, children, strict=True)]
        return self._written(cell, coarse, below, names)

    def _leaf(self, cell: Cell) -> Content:
        return replace(fitted(self.geometry.collect(cell)), error_m=0.0)

    def _kept(self, cell: Cell) -> Path:
        return self.folder / FOLDER / f"{cell.name}.content"

    def _detail(self, cell: Cell) -> Detail:
        return Detail(
            cell.side_m(self.geometry.square) / CELLS,
            COARSE_TRIANGLES,
            floor=self.theme != "buildings",
            level=self.theme == "terrain",
            shell=self.shell,
            blocks=self.theme in BLOCK_THEMES and not self.shell,
            lines=self.theme in LINE_THEMES,
        )

    def _written(self, cell: Cell, content: Content, children: list[Written], names: Names) -> Written:
        encoding = replace(_COARSE if children else _LEAF, compressed=self.compressed)
        tile: Json = {}
        error = 0.0
        corners = [(child.low, child.high) for child in children]
        drawn = self._skirted(cell, content)
        found = drawn.bounds()
        if found is not None and not drawn.is_empty:
            glb = encode(drawn, names.of(all_handles(content)), encoding)
            there = None if self.former is None else self.former.folder
            tile["content"] = {"uri": store_tile(cell.name, glb, self.folder, there)}
            error = rounding_m(drawn, encoding)
            corners.append((found[0] - _THIN_M, found[1] + _THIN_M))
        low = np.min([corner[0] for corner in corners], axis=0) if corners else np.zeros(3)
        high = np.max([corner[1] for corner in corners], axis=0) if corners else np.zeros(3)
        tile["boundingVolume"] = {"box": box_of(low, high)}
        tile["geometricError"] = 0.0
        if children:
            below = max(child.tile["geometricError"] for child in children)
            tile["geometricError"] = max(content.error_m + error, below)
            tile["children"] = [child.tile for child in children]
        return Written(tile, content, low, high)

    def _skirted(self, cell: Cell, content: Content) -> Content:
        """Return what is drawn: tiles of a divided terrain get a skirt, which coarser levels are not made of."""
        if self.theme != "terrain" or not len(content.triangles):
            return content
        content = filled(content, default_colour(self.theme))
        if not self.divided:
            return content
        return with_skirt(content, self._detail(cell).cell_m)


def _not_yet(content: Content) -> Written:
    """Return a cell that gets a tile only if the cell above is not as fine."""
    return Written({}, content, np.zeros(3), np.zeros(3))


def box_of(low: Floats, high: Floats) -> list[float]:
    """Return a bounding volume box: the centre, then half of each axis."""
    half = np.diag((high - low) / 2)
    return [round(float(value), 6) for value in (*((low + high) / 2), *half.ravel())]
