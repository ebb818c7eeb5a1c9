"""Entwine Point Tiles: ``ept.json``, a hierarchy of nodes and a file of points for each, in a folder or on the web."""

from __future__ import annotations

import json
import math
import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gis.cloudfiles import CloudFolder, is_web, local_file, name_of
from gis.cloudlevels import chosen
from gis.pointcloud_chunks import CHUNK, CloudHead, PointChunk
from gis.pointcloud_header import read_header
from gis.pointcloud_las import las_chunks
from gis.pointcloud_systems import CloudSystem, first_system
from gis.pointcloud_text import chunk_of
from scenes.errors import LoadError, UnsupportedError

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
    spacing: float
    """Between the points of the coarsest level, in units of the plan."""

    def dtype(self) -> np.dtype[Any]:
        return np.dtype([(each.name, "<" + each.kind) for each in self.dimensions])


class EptReader:
    """Reads Entwine Point Tiles, named by the folder or by its ``ept.json``, which may be an address of the web.

    Of the web no more than `gis.cloudlevels.MOST_POINTS` points are read: whole levels, the coarse ones first.
    """

    def supports(self, source: Source) -> bool:
        """Say whether the folder has an ept.json, or the file or the address is one."""
        if is_web(source):
            return name_of(source) == NAME
        return not source.is_remote and _index_file(source).is_file()

    def head(self, source: Source) -> CloudHead:
        """Return what ``ept.json`` says."""
        index = _index(source)
        return CloudHead(index.count, index.system, f"EPT ({index.data})")

    def chunks(self, source: Source, problems: Problems) -> Iterator[PointChunk]:
        """Yield the points, node by node; nodes without a file are reported and left out."""
        index = _index(source)
        folder = CloudFolder(source.path if is_web(source) else str(_index_file(source)))
        nodes = ((int(name.partition("-")[0]), name, count) for name, count in _nodes(folder, source, problems))
        for node in chosen(nodes, index.spacing, source, problems):
            file = folder.file(f"ept-data/{node}{_ENDINGS[index.data]}")
            if file is None:
                what = "has no file, though the hierarchy lists it"
                problems.add("warning", f"{source.shown} node {node}", "points-missing", what, "copy the folder again")
            elif index.data == "laszip":
                header = read_header(file, str(file))
                yield from (chunk for chunk, _ in las_chunks(file, str(file), header.present))
            else:
                yield from _records(file, index)


def _index_file(source: Source) -> Path:
    if is_web(source):
        return local_file(source)
    return source.file if source.file.name == NAME else source.file / NAME


def _index(source: Source) -> _Index:
    content = _json(_index_file(source), NAME, source.shown)
    try:
        data = str(content["dataType"])
        if data not in _ENDINGS:
            raise UnsupportedError(source.shown, f"its points are stored as {data!r}", "build it with laszip")
        dimensions = tuple(_dimension(each) for each in content["schema"])
        if not {"x", "y", "z"} <= {each.name for each in dimensions}:
            raise LoadError(source.shown, "its schema has no X, Y and Z", "build the index again")
        bounds: list[Any] = content.get("bounds") or []
        span = int(content.get("span") or content.get("ticks") or 128)
        spacing = (float(bounds[3]) - float(bounds[0])) / span if len(bounds) == 6 and span > 0 else math.inf
        system = _system(content.get("srs") or {})
        return _Index(int(content.get("points", 0)), data, system, dimensions, spacing)
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
    return first_system(*texts)


def _nodes(folder: CloudFolder, source: Source, problems: Problems) -> Iterator[tuple[str, int]]:
    """Yield the nodes that have points, and how many; each page of the hierarchy is read once, coarse ones first."""
    pages, seen = deque(["0-0-0-0"]), {"0-0-0-0"}
    count = 0
    while pages:
        name = f"{pages.popleft()}.json"
        file = folder.file(f"ept-hierarchy/{name}")
        if file is None:
            what = f"its hierarchy lacks {name}"
            problems.add("warning", source.shown, "points-missing", what, "copy the folder again")
            continue
        for node, points in _json(file, name, source.shown).items():
            count += 1
            if not _NODE.fullmatch(node) or not isinstance(points, int) or count > _MOST_NODES:
                what = f"its hierarchy has a bad entry {str(node)[:40]!r}"
                raise LoadError(source.shown, what, "build the index again")
            if points == -1 and node not in seen:
                seen.add(node)
                pages.append(node)
            elif points > 0:
                yield node, points


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


def _json(file: Path, name: str, shown: str) -> dict[str, Any]:
    try:
        if file.stat().st_size > _MOST_JSON:
            raise LoadError(shown, f"its {name} has more than {_MOST_JSON // 1_000_000} MB", "build it again")
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise LoadError(shown, f"its {name} is not JSON ({str(error)[:100]})", "build the index again") from error
    if not isinstance(content, dict):
        raise LoadError(shown, f"its {name} holds no object", "build the index again")
    return content
