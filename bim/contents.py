"""Parent side: what a model says besides shapes: its layers, the columns of their tables, relations and lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bim.records import ATTRIBUTES, LINES_FILE, TIES_FILE, integers, read_table
from scenes.mesh import MeshSet
from scenes.model import Layer
from scenes.relations import RELATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from bim.placing import Placing
    from scenes.sources import Source

# Layer of a row to the end of the layer's name, and its title behind that of the model.
_LAYERS: dict[str, tuple[str, str, str]] = {
    "": ("", "", ""),
    "spaces": ("-spaces", " (spaces)", " 空间"),
    "openings": ("-openings", " (openings)", " 洞口"),
    "ports": ("-ports", " (ports)", " 连接端口"),
    "groups": ("-groups", " (groups and systems)", " 组与系统"),
    "schedule": ("-schedule", " (schedule)", " 进度计划"),
    "records": ("-records", " (documents, costs, permits)", " 文档、造价与许可"),
    "lines": ("-lines", " (grids, alignments, notes)", " 轴网与线路"),
}
_THEMES = {"": "bim", "spaces": "bim"}
APART = ("-openings", "-ports")
"""Ends of the names of layers that make nothing larger: an opening may reach out of its wall."""


class Contents:
    """The tree, relations and lines that a worker wrote.

    Parameters
    ----------
    source
        The file.
    folder
        Where the worker wrote.
    tree
        The table of all rows.
    uids
        The uid of each row.
    placing
        How the model comes into the scene.
    """

    def __init__(self, source: Source, folder: Path, tree: pa.Table, uids: list[str], placing: Placing) -> None:
        self.source = source.file.name
        self._title = source.layer or source.file.stem
        self._tree = tree
        self._placing = placing
        self._numbers = integers(tree["number"])
        self._uids = pa.array(uids, pa.string())
        self._order = np.argsort(self._numbers, kind="stable")
        self._ties = read_table(folder / TIES_FILE)
        self._lines = read_table(folder / LINES_FILE)

    def layers(self) -> Iterator[tuple[Layer, NDArray[np.int64]]]:
        """Yield each layer that has rows, with their places in the tree."""
        title = self._title
        name = re.sub(r"[^a-z0-9_-]+", "-", title.lower()).strip("-") or "bim"
        of_row = np.array(self._tree["layer"].to_pylist(), dtype=object)
        for key, (end, english, chinese) in _LAYERS.items():
            rows = np.flatnonzero(of_row == key)
            if len(rows):
                titles = {"en": f"{title}{english}", "zh": f"{title}{chinese}"}
                yield Layer(f"{name}{end}", (), _THEMES.get(key, "generic"), titles, self.source), rows

    def columns(self, rows: NDArray[np.int64]) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the attribute columns of some rows that have any value, and their units."""
        part = self._tree.take(pa.array(rows))
        found: dict[str, Any] = {
            "ifc_class": part["ifc_class"],
            "storey": or_null(part["storey"]),
            "description": or_null(part["description"]),
            "tag": or_null(part["tag"]),
            "object_type": or_null(part["object_type"]),
            "elevation_m": part["elevation_m"],
            "valid_from": part["valid_from"],
            "valid_to": part["valid_to"],
        }
        found |= {name: part[name] for name, _, _ in ATTRIBUTES if part[name].null_count < len(part)}
        return found, {"elevation_m": "m", **{name: unit for name, _, unit in ATTRIBUTES if unit and name in found}}

    def relations(self, rows: NDArray[np.int64]) -> pa.Table:
        """Return the relations that go out from some rows, numbered as in the batch that they become."""
        row_of = np.full(len(self._numbers), -1, np.int64)
        row_of[rows] = np.arange(len(rows))
        sources, targets = (self._places(self._ties[name]) for name in ("source", "target"))
        mine = np.flatnonzero((sources >= 0) & (targets >= 0) & (row_of[sources] >= 0))
        picked = self._ties.take(pa.array(mine))
        columns = [
            pa.array(row_of[sources[mine]].astype(np.uint32)),
            picked["kind"],
            self._uids.take(pa.array(targets[mine])),
            picked["role"],
        ]
        return pa.table(columns, schema=RELATIONS).sort_by("row")

    def lines(self, rows: NDArray[np.int64]) -> MeshSet:
        """Return the lines and points of some rows in local metres, row i for the i-th of them."""
        row_of = {int(number): row for row, number in enumerate(self._numbers[rows])}
        drawn = [
            (row_of[product], place)
            for place, product in enumerate(self._lines["product"].to_pylist())
            if product in row_of
        ]
        if not drawn:
            return MeshSet.empty()
        drawn.sort()
        cells = self._lines.take(pa.array([place for _, place in drawn]))
        positions = [np.frombuffer(each, np.float64).reshape(-1, 3) for each in cells["positions"].to_pylist()]
        counts = np.array([len(each) for each in positions])
        starts = np.concatenate([[0], np.cumsum(counts)])
        segments, points = (_shifted(cells[name], starts) for name in ("segments", "points"))
        placed = self._placing.apply(np.concatenate(positions))
        centre = (placed.min(axis=0) + placed.max(axis=0)) / 2
        return MeshSet(
            centre,
            (placed - centre).astype(np.float32),
            np.zeros((0, 3), np.uint32),
            np.array([row for row, _ in drawn], np.uint32),
            starts.astype(np.uint32),
            np.zeros(len(starts), np.uint32),
            lines=segments.reshape(-1, 2),
            points=points,
        )

    def _places(self, numbers: pa.ChunkedArray) -> NDArray[np.int64]:
        """Return the place in the tree of each entity number, -1 where there is none."""
        wanted = integers(numbers)
        if not len(self._numbers):
            return np.full(len(wanted), -1, np.int64)
        at = np.clip(np.searchsorted(self._numbers[self._order], wanted), 0, len(self._numbers) - 1)
        places = self._order[at]
        return np.where(self._numbers[places] == wanted, places, -1)


def _shifted(cells: pa.ChunkedArray, starts: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return the indices of all cells in one row, each counted from the start of its own positions."""
    parts = [np.frombuffer(cell, np.uint32) + first for cell, first in zip(cells.to_pylist(), starts, strict=False)]
    return np.concatenate(parts).astype(np.uint32)


def or_null(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of texts with nulls for the empty ones."""
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
