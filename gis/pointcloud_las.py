"""The door to laspy: LAS 1.0 to 1.4, LAZ and COPC as chunks of points."""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from gis.cloudfiles import is_web, local_file, name_of
from gis.pointcloud_chunks import CHUNK, CloudHead, PointChunk
from gis.pointcloud_header import read_header
from gis.pointcloud_systems import system_of_records
from scenes.errors import CityTwinError, LoadError, MissingLibraryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from scenes.problems import Problems
    from scenes.sources import Source

_ADVICE = "copy or export it again"


class LasReader:
    """Reads LAS, LAZ and COPC; those of the web are read whole and kept (but see `gis.copc`)."""

    def supports(self, source: Source) -> bool:
        """Say whether the name ends in .las or .laz."""
        return name_of(source).endswith((".las", ".laz")) and (is_web(source) or source.file.is_file())

    def head(self, source: Source) -> CloudHead:
        """Return what the head of the file says, checked."""
        header = read_header(local_file(source), source.shown)
        kind = "COPC" if ("copc", 1) in header.records else "LAZ" if header.compressed else "LAS"
        return CloudHead(header.point_count, system_of_records(header.records), f"{kind} {header.version}")

    def chunks(self, source: Source, problems: Problems) -> Iterator[PointChunk]:
        """Yield the points; what the head promises beyond the end of the file is reported."""
        file = local_file(source)
        promised = read_header(file, source.shown)
        found = 0
        for chunk, size in las_chunks(file, source.shown, promised.present):
            found += size
            yield chunk
        if found < promised.point_count:
            missing = promised.point_count - found
            what = f"ends {missing:,} points before the {promised.point_count:,} that its head promises"
            problems.add("warning", source.shown, "points-missing", what, _ADVICE)


def las_chunks(path: Path, shown: str, present: int) -> Iterator[tuple[PointChunk, int]]:
    """Yield chunks without withheld points, and how many points each had in the file.

    Raises
    ------
    LoadError
        When the library stumbles; also for the panics of its decoder, which are no ordinary exceptions.
    """
    laspy = _laspy()
    with _stumbling(shown), laspy.open(path, decompression_selection=_wanted(laspy), read_evlrs=False) as reader:
        left = min(int(reader.header.point_count), present)
        while left > 0:
            points = reader.read_points(min(CHUNK, left))
            if not len(points):
                return
            left -= len(points)
            yield _chunk(points), len(points)


def node_chunks(head: BinaryIO, nodes: Iterable[tuple[int, bytes]], shown: str) -> Iterator[PointChunk]:
    """Yield the points of chunks that were read by themselves, such as nodes of COPC.

    Parameters
    ----------
    head
        The open file, of which only the head is read.
    nodes
        Number of points and compressed bytes of each chunk.
    shown
        The file as it may be printed.

    Raises
    ------
    LoadError
        As `las_chunks`.
    """
    laspy = _laspy()
    import lazrs  # noqa: PLC0415 - comes with laspy[lazrs]

    with _stumbling(shown):
        head.seek(0)
        header = laspy.LasHeader.read_from(head, read_evlrs=False)
        packed = header.vlrs[header.vlrs.index("LasZipVlr")].record_data
        wanted = _wanted(laspy).to_lazrs()
        for count, data in nodes:
            out = np.zeros(count * header.point_format.size, np.uint8)
            lazrs.decompress_points_with_chunk_table(data, packed, out, [(count, len(data))], wanted)
            record = laspy.PackedPointRecord.from_buffer(out, header.point_format)
            yield _chunk(laspy.ScaleAwarePointRecord(record.array, record.point_format, header.scales, header.offsets))


def _chunk(points: Any) -> PointChunk:
    names = set(points.point_format.dimension_names)
    xyz = np.column_stack([np.asarray(points[axis], np.float64) for axis in "xyz"])
    number = np.asarray(points["return_number"], np.int64) & 15
    returns = (number | (np.asarray(points["number_of_returns"], np.int64) & 15) << 4).astype(np.uint8)
    colours = None
    if "red" in names:
        colours = np.column_stack([np.asarray(points[name], np.uint16) for name in ("red", "green", "blue")])
    chunk = PointChunk(
        xyz,
        np.asarray(points["classification"]).astype(np.uint8),
        np.asarray(points["intensity"], np.uint16),
        returns,
        colours,
    )
    withheld = np.asarray(points["withheld"]).astype(bool) if "withheld" in names else np.zeros(len(xyz), bool)
    return chunk.kept(~withheld & np.isfinite(xyz).all(axis=1))


def _wanted(laspy: Any) -> Any:
    """Return the fields that are decoded where the format can leave others out: no GPS time, no extra bytes."""
    fields = laspy.DecompressionSelection
    return fields.base() | fields.Z | fields.CLASSIFICATION | fields.FLAGS | fields.INTENSITY | fields.RGB


@contextlib.contextmanager
def _stumbling(shown: str) -> Iterator[None]:
    """Turn everything that reading may raise into one sentence."""
    laspy = _laspy()
    import lazrs  # noqa: PLC0415 - comes with laspy[lazrs]

    known = (laspy.LaspyException, lazrs.LazrsError, OSError, ValueError, KeyError, RuntimeError, struct.error)
    try:
        yield
    except CityTwinError:
        raise
    except known as error:
        raise LoadError(shown, f"cannot be read ({_reason(error)})", _ADVICE) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise LoadError(shown, f"its compressed points cannot be decoded ({_reason(error)})", _ADVICE) from error


def _reason(error: BaseException) -> str:
    return " ".join(f"{error}".split())[:160] or type(error).__name__


def _laspy() -> Any:
    try:
        import laspy  # noqa: PLC0415
    except ImportError as error:
        raise MissingLibraryError("gis.pointcloud", "laspy is not installed", "pip install citytwin[gis]") from error
    return laspy
