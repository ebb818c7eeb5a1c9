"""What the tiling of a layer remembers, so that the next one writes only what changed.

It lies beside the tiles of the layer, in a folder that is never given out (`FOLDER`): ``record.json``, the places of
all objects (``items.parquet``), a hash of each object (``objects.parquet``), and the contents of the tiles that stand
for finer ones.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scenes.tiles.quadtree import Square
from scenes.tiles.survey import Items

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Json = dict[str, Any]
    Hashes = NDArray[np.uint64]
    Longs = NDArray[np.int64]
    Corners = tuple[NDArray[np.float64], NDArray[np.float64]]

FOLDER = ".kept"
TILING = 3
"""Number of the way in which layers become tiles; another one makes all tiles anew."""

_FACTS, _ITEMS, _OBJECTS = "record.json", "items.parquet", "objects.parquet"


@dataclass(frozen=True, eq=False)
class Surveyed:
    """What is known of a batch once it has been looked at.

    Parameters
    ----------
    key
        Hash of all that its tiles show (`scenes.tiles.fingerprints`).
    corners
        Least and greatest corner of its geometry in local metres, None if there is none.
    items
        What it gives to the tree.
    uids, numbers, hashes
        (n,) hash of the uid, number in the tiles, and hash of the looks of each object.
    """

    key: str
    corners: Corners | None
    items: Items
    uids: Hashes
    numbers: Longs
    hashes: Hashes


@dataclass(frozen=True, eq=False)
class Record:
    """The tiling of a layer as it was.

    Parameters
    ----------
    theme
        Of the layer.
    keys, corners
        Of its batches, see `Surveyed`.
    square, low, high
        What the tree divides, and what the contents of its tiles count from; None where there was no geometry.
    following
        The least number that no object has had yet.
    divided
        Whether there was more than one tile.
    folder
        Where it was read from.
    """

    theme: str
    keys: tuple[str, ...]
    corners: tuple[Corners | None, ...] = ()
    square: Square | None = None
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    following: int = 0
    divided: bool = False
    written: int = 0
    kept: int = 0
    folder: Path = field(default_factory=Path)

    @cached_property
    def batches(self) -> list[Surveyed]:
        """The batches; read when somebody asks.

        Raises
        ------
        OSError, ValueError, KeyError
            When a file is missing or broken.
        """
        items, objects = (pq.read_table(self.folder / name) for name in (_ITEMS, _OBJECTS))
        code, weight, handle = (items[name].to_numpy() for name in ("code", "weight", "number"))
        uid, number, looks = (objects[name].to_numpy() for name in ("uid", "number", "hash"))
        places = zip(
            self.keys, self.corners, _parts(items, len(self.keys)), _parts(objects, len(self.keys)), strict=True
        )
        return [
            Surveyed(
                key,
                corners,
                Items(code[mine], weight[mine].astype(np.int64), handle[mine].astype(np.int64)),
                uid[rows],
                number[rows].astype(np.int64),
                looks[rows],
            )
            for key, corners, mine, rows in places
        ]

    def write(self, batches: Sequence[Surveyed] | None) -> None:
        """Write the record into its folder; without batches the tables are there already."""
        self.folder.mkdir(exist_ok=True)
        told = {
            "tiling": TILING,
            "theme": self.theme,
            "keys": list(self.keys),
            "corners": [None if each is None else [*each[0].tolist(), *each[1].tolist()] for each in self.corners],
            "square": None if self.square is None else [self.square.x_m, self.square.y_m, self.square.side_m],
            "low": list(self.low),
            "high": list(self.high),
            "following": self.following,
            "divided": self.divided,
            "written": self.written,
            "kept": self.kept,
        }
        (self.folder / _FACTS).write_text(json.dumps(told, indent=1), encoding="utf-8")
        if batches is not None:
            _write_tables(batches, self.folder)


def read_record(tiles: Path) -> Record | None:
    """Return the record beside the tiles of a layer, None where there is none that can be used."""
    folder = tiles / FOLDER
    try:
        told = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        if told["tiling"] != TILING:
            return None
        return Record(
            str(told["theme"]),
            tuple(told["keys"]),
            tuple(None if each is None else (np.array(each[:3]), np.array(each[3:])) for each in told["corners"]),
            None if told["square"] is None else Square(*told["square"]),
            tuple(told["low"]),
            tuple(told["high"]),
            int(told["following"]),
            bool(told["divided"]),
            int(told["written"]),
            int(told["kept"]),
            folder,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_tables(batches: Sequence[Surveyed], folder: Path) -> None:
    numbers = np.arange(len(batches), dtype=np.uint32)
    items = [each.items for each in batches]
    sizes = [len(each.codes) for each in items]
    columns = {
        "batch": np.repeat(numbers, sizes),
        "code": _joined([each.codes for each in items], np.int64),
        "weight": _joined([each.weights for each in items], np.uint32),
        "number": _joined([each.handles for each in items], np.uint32),
    }
    _write(columns, folder / _ITEMS, ["code"])
    columns = {
        "batch": np.repeat(numbers, [len(each.uids) for each in batches]),
        "uid": _joined([each.uids for each in batches], np.uint64),
        "number": _joined([each.numbers for each in batches], np.uint32),
        "hash": _joined([each.hashes for each in batches], np.uint64),
    }
    _write(columns, folder / _OBJECTS, ["number"])


def _write(columns: dict[str, NDArray[Any]], file: Path, rising: list[str]) -> None:
    encoding = dict.fromkeys(rising, "DELTA_BINARY_PACKED")
    pq.write_table(pa.table(columns), file, compression="zstd", use_dictionary=["batch"], column_encoding=encoding)


def _joined(parts: list[NDArray[Any]], kind: type[np.generic]) -> NDArray[Any]:
    return np.concatenate(parts).astype(kind) if parts else np.zeros(0, kind)


def _parts(table: pa.Table, count: int) -> Iterator[slice]:
    """Yield where the rows of each batch stand."""
    places = np.searchsorted(table["batch"].to_numpy(), np.arange(count + 1))
    return (slice(int(first), int(end)) for first, end in pairwise(places))
