"""Cloud Optimized Point Clouds (copc.io 1.0) on the web: the head, the hierarchy and the nodes that are wanted.

A COPC file is a LAZ file whose chunks are the nodes of an octree; a hierarchy says where each lies. With a server that
gives parts of files (HTTP Range) only those parts come; other servers give the whole file.
"""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from gis.cloudfiles import MOST_BYTES, is_web, name_of
from gis.cloudlevels import chosen
from gis.pointcloud_chunks import CHUNK, CloudHead, PointChunk
from gis.pointcloud_header import header_of
from gis.pointcloud_las import LasReader, node_chunks
from gis.pointcloud_systems import system_of_records
from gis.webfetch import Fetcher, NoPartsError, cache_folder
from gis.webparts import WebFile
from scenes.errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gis.pointcloud_header import LasHeader
    from scenes.problems import Problems
    from scenes.sources import Source

_INFO = struct.Struct("<5d2Q2d")
_ENTRY = struct.Struct("<4iQ2i")
_PAGE = -1
_MOST_NODES = 5_000_000
_DEEPEST = 32
_RUN_BYTES = 4_000_000  # nodes that lie side by side are asked for together
_MOST_NODE_BYTES = 64_000_000
_ADVICE = "write the file again"


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the octree: where its compressed points lie, and how many they are."""

    offset: int
    size: int
    points: int


class CopcReader:
    """Reads COPC files of the web (``.copc.laz``): whole levels of the octree, the coarse ones first."""

    def supports(self, source: Source) -> bool:
        """Say whether it is an address of the web whose name ends in .copc.laz."""
        return is_web(source) and name_of(source).endswith(".copc.laz")

    def head(self, source: Source) -> CloudHead:
        """Return what the head of the file says, checked."""
        try:
            header = _header(opened(source), source)
        except NoPartsError:
            return LasReader().head(source)
        return CloudHead(header.point_count, system_of_records(header.records), f"COPC {header.version}")

    def chunks(self, source: Source, problems: Problems) -> Iterator[PointChunk]:
        """Yield the points of the nodes that are wanted; of the whole file where the server gives no parts of it."""
        try:
            file = opened(source)
        except NoPartsError:
            what = "the server gives no parts of it: it is read whole"
            problems.add("info", source.shown, "cloud-read-whole", what, "serve it with HTTP ranges")
            yield from LasReader().chunks(source, problems)
            return
        header = _header(file, source)
        spacing, root = _info(header, source)
        nodes = list(chosen(_nodes(file, root, source), spacing, source, problems))
        yield from node_chunks(cast("BinaryIO", file), _read(file, nodes), source.shown)


def opened(source: Source) -> WebFile:
    """Return the file at an address; errors as `gis.webparts.WebFile`."""
    return WebFile(Fetcher(cache_folder(), most_bytes=MOST_BYTES), source.path)


def _header(file: WebFile, source: Source) -> LasHeader:
    file.seek(0)
    return header_of(cast("BinaryIO", file), file.size, source.shown)


def _info(header: LasHeader, source: Source) -> tuple[float, tuple[int, int]]:
    """Return the spacing of the root, and where its page of the hierarchy lies."""
    record = header.records.get(("copc", 1), b"")
    if len(record) < _INFO.size or not header.compressed:
        raise LoadError(source.shown, "is no COPC file: it has no record of its octree", "name it .laz")
    *_, spacing, offset, size, _, _ = _INFO.unpack_from(record)
    return float(spacing), (int(offset), int(size))


def _nodes(file: WebFile, root: tuple[int, int], source: Source) -> Iterator[tuple[int, Node, int]]:
    """Yield level, node and number of points of the hierarchy, page by page; each page is read once."""
    pages, seen, count = deque([root]), {root}, 0
    while pages:
        offset, size = pages.popleft()
        if size % _ENTRY.size or offset + size > file.size:
            raise LoadError(source.shown, "a page of its hierarchy lies outside the file", _ADVICE)
        file.seek(offset)
        for entry in _ENTRY.iter_unpack(file.read(size)):
            depth, _, _, _, place, length, points = entry
            count += 1
            inside = length >= 0 and place + length <= file.size
            if not 0 <= depth <= _DEEPEST or points < _PAGE or not inside or count > _MOST_NODES:
                raise LoadError(source.shown, f"its hierarchy has a bad entry at level {depth}", _ADVICE)
            if points == _PAGE:
                if (place, length) not in seen:
                    seen.add((place, length))
                    pages.append((place, length))
            elif points:
                if length > _MOST_NODE_BYTES or points > CHUNK * 100:
                    raise LoadError(source.shown, f"a node of its octree has {points:,} points", _ADVICE)
                yield depth, Node(place, length, points), points


def _read(file: WebFile, nodes: Iterable[Node]) -> Iterator[tuple[int, bytes]]:
    """Yield the points and the bytes of each node; neighbours in the file come in one request."""
    for run in runs(nodes):
        first = run[0].offset
        data = file.run(first, run[-1].offset + run[-1].size - first)
        for node in run:
            yield node.points, data[node.offset - first : node.offset - first + node.size]


def runs(nodes: Iterable[Node]) -> list[list[Node]]:
    """Return nodes by what lies side by side in the file, in pieces of at most four megabytes.

    Examples
    --------
    >>> [len(run) for run in runs([Node(100, 50, 1), Node(0, 100, 1), Node(400, 10, 1)])]
    [2, 1]
    """
    found: list[list[Node]] = []
    for node in sorted(nodes, key=lambda each: each.offset):
        last = found[-1] if found else []
        beside = last and last[-1].offset + last[-1].size == node.offset
        if beside and node.offset + node.size - last[0].offset <= _RUN_BYTES:
            last.append(node)
        else:
            found.append([node])
    return found
