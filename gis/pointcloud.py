"""The loader of point clouds: LAS, LAZ, COPC, EPT, text and PLY become blocks of points, or a terrain if asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gis.cloudfiles import is_web
from gis.copc import CopcReader
from gis.ept import EptReader
from gis.ground import MosaicGround, relief_of
from gis.pointcloud_blocks import batches
from gis.pointcloud_ground import cloud_ground
from gis.pointcloud_las import LasReader
from gis.pointcloud_spill import spill
from gis.pointcloud_systems import CloudFrame, location_of, system_for
from gis.pointcloud_text import PlyReader, TextReader
from gis.relief import relief
from gis.themes import plain_name
from scenes.errors import GeoreferenceError, LoadError, UnsupportedError
from scenes.model import Layer
from scenes.points import THEME
from scenes.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from gis.pointcloud_chunks import CloudReader, PointChunk
    from scenes.loading import Ground, LoadContext, Location
    from scenes.model import Batch
    from scenes.sources import Source

    Floats = NDArray[np.float64]

READERS: tuple[CloudReader, ...] = (CopcReader(), LasReader(), EptReader(), PlyReader(), TextReader())
TERRAIN_LAYERS = frozenset({"terrain", "dtm", "ground"})
"""Names of layers as which a cloud is read as the terrain that its ground points describe."""

_FARTHEST_M = 200_000.0


class PointCloudLoader:
    """Reads point clouds as layers of theme ``pointcloud``; as a layer named ``terrain``, as the ground below them."""

    name = "pointcloud"
    guarded = True

    def supports(self, source: Source) -> bool:
        """Say whether it is a point cloud, by its name and first bytes."""
        return (is_web(source) or not source.is_remote) and any(reader.supports(source) for reader in READERS)

    def locate(self, source: Source) -> Location | None:
        """Return where the first points lie, None if the cloud is placed by hand.

        Raises
        ------
        SourceError, GeoreferenceError
            When the file is broken, or names no system and nobody names one for it.
        """
        reader = reader_of(source)
        head = reader.head(source)
        if source.place is not None:
            return None
        system_for(source, head.system)
        for chunk in reader.chunks(source, Problems()):
            if len(chunk):
                return location_of(source, head.system, chunk.xyz)
        raise LoadError(source.shown, "there is no point in it", "export it again")

    def surface(self, source: Source, context: LoadContext) -> Ground | None:
        """Return the terrain of its ground points if the source is named as a terrain layer, None otherwise."""
        if not reads_as_terrain(source):
            return None
        mine = cloud_ground(local_chunks(source, context))
        before = relief_of(context.ground)
        return mine if before is None else MosaicGround((before, mine))

    def load(self, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        """Yield batches of blocks; of patches of terrain when the source is named as a terrain layer.

        Raises
        ------
        SourceError, GeoreferenceError
            When the file is broken, empty or lies nowhere.
        """
        if reads_as_terrain(source):
            titles = {"en": "Terrain", "zh": "地形"}
            layer = Layer(plain_name(source.layer), theme="terrain", titles=titles, source=source.title)
            yield layer, relief(cloud_ground(local_chunks(source, context)), source.namespace, source.title)
            return
        name = plain_name(source.layer) or "pointcloud"
        titles = {"en": source.layer or "Point cloud", "zh": source.layer or "点云"}
        layer = Layer(name, theme=THEME, titles=titles, source=source.title)
        spilt = spill(local_chunks(source, context), source.shown)
        if spilt is None:
            raise LoadError(source.shown, "there is no point in it", "export it again")
        done = 0
        for batch in batches(spilt, source.namespace, source.title):
            yield layer, batch
            done += len(batch)
            context.progress(f"{done:,} blocks of {source.title}", 1.0)

    def points(self, source: Source, context: LoadContext) -> Iterator[tuple[PointChunk, Floats]]:
        """Yield the points themselves, chunk by chunk with their (n, 3) local metres, for work that needs each."""
        yield from local_chunks(source, context)


def reads_as_terrain(source: Source) -> bool:
    """Say whether the user asked for the ground of a cloud instead of its points."""
    return plain_name(source.layer) in TERRAIN_LAYERS


def reader_of(source: Source) -> CloudReader:
    """Return what reads a source.

    Raises
    ------
    UnsupportedError
        When it is no point cloud.
    """
    for reader in READERS:
        if reader.supports(source):
            return reader
    raise UnsupportedError(source.shown, "is no point cloud", "give a LAS, LAZ, COPC, EPT, PTS, XYZ or PLY file")


def local_chunks(source: Source, context: LoadContext) -> Iterator[tuple[PointChunk, Floats]]:
    """Yield the points of a source chunk by chunk, each with its (n, 3) local metres.

    Points that lie 200 km and more from the others are slips of a program; they are left out and counted.

    Raises
    ------
    SourceError, GeoreferenceError
        When the file is broken or lies nowhere.
    """
    reader = reader_of(source)
    head = reader.head(source)
    system = system_for(source, head.system)
    frame = CloudFrame(source, system, context.georeference)
    _report_heights(source, context, frame)
    middle: Floats | None = None
    done = far = 0
    for chunk in reader.chunks(source, context.problems):
        if not len(chunk):
            continue
        if middle is None:
            frame.check(chunk.xyz, context.problems)
            frame = frame.levelled(np.median(frame.local(chunk.xyz), axis=0), context.problems)
            middle = np.median(frame.local(chunk.xyz), axis=0)
            if not np.isfinite(middle).all():
                raise GeoreferenceError(
                    source.shown, f"{context.georeference.crs} does not reach all of it", "name another --crs"
                )
        local = frame.local(chunk.xyz)
        with np.errstate(invalid="ignore"):
            near = (np.abs(local - middle) < _FARTHEST_M).all(axis=1)
        far += int((~near).sum())
        done += len(chunk)
        yield chunk.kept(near), local if near.all() else local[near]
        share = min(done / head.count, 1.0) if head.count else 0.0
        context.progress(f"{done:,} points of {source.title}", share)
    if far:
        what = f"{far:,} points lie more than 200 km from the others and were left out"
        context.problems.add("warning", source.shown, "points-far-away", what, "check the export")


def _report_heights(source: Source, context: LoadContext, frame: CloudFrame) -> None:
    system = frame.system
    if source.place is None and system.heights_assumed and abs(system.metres_up - 1) > 1e-6:
        what = f"does not name the unit of its heights; they are read in that of the plan ({system.metres_up:.6g} m)"
        advice = f"if they are metres, give a system with heights: --source-crs {source.title}=EPSG:N+5703"
        context.problems.add("info", source.shown, "height-unit-assumed", what, advice)
