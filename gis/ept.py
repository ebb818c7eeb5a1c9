"""Entwine Point Tiles: a folder with ``ept.json``, a hierarchy of nodes and a file of points for each."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gis.pointcloud_chunks import CHUNK, CloudHead, PointChunk
from gis.pointcloud_header import read_header
from gis.pointcloud_las import las_chunks
from gis.pointcloud_systems import CloudSystem, system_of
from gis.pointcloud_text import chunk_of
from scenes.errors import GeoreferenceError, LoadError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scenes.problems import Problems
    from scenes.sources import Source

NAME = "ept.json"
_NODE = re.compile(r"\d{1,3}-\d{1,10}-\d{1,10}-\d{1,10}")
_MOST_NODES = 5_000_000
_MOST_JSON = 64_000_000
_ENDINGS = {"laszip": ".laz", "binary": ".bin", "zstandard": ".zst"}
_TYPES = {"signed": "i", "unsigned": "u", "float": "f"}
_NAMES = {
    "X": "x", "Y": "y", "Z": "z", "Intensity": "intensity", "Classification": "classes", "ReturnNumber": "return",
    "NumberOfReturns": "of", "Red": "red", "Green": "green", "Blue": "blue",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Dimension:
    """One column of a node's records."""

    name: str
    kind: str
    scale: float
    offset: float


@dataclass(frozen=True, slots=True)
class _Index:
    """What ``ept.json`` says."""

    count: int
    data: str
    system: CloudSystem
    dimensions: tuple[_Dimension, ...]

    def dtype(self) -> np.dtype[Any]:
        return np.dtype([(each.name, "<" + each.kind) for each in self.dimensions])


class EptReader:
    """Reads a local folder of Entwine Point Tiles, named by the folder or by its ``ept.json``."""

    def supports(self, source: Source) -> bool:
        """Say whether the folder has an ept.json, or the file is one."""
        return not source.is_remote and _index_file(source).is_file()

    def head(self, source: Source) -> CloudHead:
        """Return what ``ept.json`` says."""
        index = _index(source)
        return CloudHead(index.count, index.system, f"EPT ({index.data})")

    def chunks(self, source: Source, problems: Problems) -> Iterator[PointChunk]:
        """Yield the points, node by node; nodes without a file are reported and left out."""
        folder, index = _index_file(source).parent, _index(source)
        for node in _nodes(folder, source.shown, problems):
            file = folder / "ept-data" / f"{node}{_ENDINGS[index.data]}"
            if not file.is_file():
                what = "has no file, though the hierarchy lists it"
                problems.add("warning", f"{source.shown} node {node}", "points-missing", what, "copy the folder again")
            elif index.data == "laszip":
                header = read_header(file, str(file))
                yield from (chunk for chunk, _ in las_chunks(file, str(file), header.present))
            else:
                yield from _records(file, index)


def _index_file(source: Source) -> Path:
    file = source.file
    return file if file.name == NAME else file / NAME


def _index(source: Source) -> _Index:
    content = _json(_index_file(source), source.shown)
    try:
        data = str(content["dataType"])
        if data not in _ENDINGS:
            raise UnsupportedError(source.shown, f"its points are stored as {data!r}", "build it with laszip")
        dimensions = tuple(_dimension(each) for each in content["schema"])
        if not {"x", "y", "z"} <= {each.name for each in dimensions}:
            raise LoadError(source.shown, "its schema has no X, Y and Z", "build the index again")
        return _Index(int(content.get("points", 0)), data, _system(content.get("srs") or {}), dimensions)
    except (KeyError, TypeError, ValueError) as error:
        raise LoadError(source.shown, f"its {NAME} is incomplete ({error})", "build the index again") from error


def _dimension(entry: dict[str, Any]) -> _Dimension:
    kind = f"{_TYPES[entry['type']]}{int(entry['size'])}"
    np.dtype(kind)
    name = str(entry["name"])
    scale, offset = float(entry.get("scale", 1.0)), float(entry.get("offset", 0.0))
    return _Dimension(_NAMES.get(name, f"_{name}"), kind, scale, offset)


def _system(srs: dict[str, Any]) -> CloudSystem:
    texts = [str(srs.get("wkt") or "")]
    if srs.get("authority") and srs.get("horizontal"):
        code = f"{srs['authority']}:{srs['horizontal']}"
        texts += [f"{code}+{srs['vertical']}", code] if srs.get("vertical") else [code]
    for text in texts:
        try:
            found = system_of(text)
        except GeoreferenceError:
            continue
        if found.crs:
            return found
    return CloudSystem()


def _nodes(folder: Path, shown: str, problems: Problems) -> Iterator[str]:
    """Yield the names of the nodes that have points, coarse ones first; each page of the hierarchy is read once."""
    pages, seen = ["0-0-0-0"], set()
    count = 0
    while pages:
        page = pages.pop()
        seen.add(page)
        file = folder / "ept-hierarchy" / f"{page}.json"
        if not file.is_file():
            problems.add(
                "warning", shown, "points-missing", f"its hierarchy lacks {file.name}", "copy the folder again"
            )
            continue
        for node, points in _json(file, shown).items():
            count += 1
            if not _NODE.fullmatch(node) or not isinstance(points, int) or count > _MOST_NODES:
                raise LoadError(shown, f"its hierarchy has a bad entry {str(node)[:40]!r}", "build the index again")
            if points == -1 and node not in seen:
                pages.append(node)
            elif points > 0:
                yield node


def _records(file: Path, index: _Index) -> Iterator[PointChunk]:
    """Yield the points of a node of plain or Zstandard records."""
    dtype = index.dtype()
    try:
        with pa.OSFile(str(file)) as raw:
            stream = pa.CompressedInputStream(raw, "zstd") if index.data == "zstandard" else raw
            while len(data := stream.read(CHUNK * dtype.itemsize)):
                rows = np.frombuffer(data, dtype, len(data) // dtype.itemsize)
                if len(rows):
                    yield chunk_of({each.name: _column(rows, each) for each in index.dimensions if each.name[0] != "_"})
    except (OSError, pa.ArrowException) as error:
        raise LoadError(
            file, f"cannot be read ({' '.join(str(error).split())[:120]})", "build the index again"
        ) from error


def _column(rows: Any, dimension: _Dimension) -> Any:
    values = rows[dimension.name]
    if dimension.scale == 1.0 and dimension.offset == 0.0:
        return values
    return values.astype(np.float64) * dimension.scale + dimension.offset


def _json(file: Path, shown: str) -> dict[str, Any]:
    try:
        if file.stat().st_size > _MOST_JSON:
            raise LoadError(shown, f"its {file.name} has more than {_MOST_JSON // 1_000_000} MB", "build it again")
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise LoadError(shown, f"its {file.name} is not JSON ({str(error)[:100]})", "build the index again") from error
    if not isinstance(content, dict):
        raise LoadError(shown, f"its {file.name} holds no object", "build the index again")
    return content
