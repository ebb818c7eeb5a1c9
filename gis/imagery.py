"""The loader of orthophotos: pictures with a place, laid on the terrain, or on level ground where there is none."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely

from gis.datum import from_wgs84, unshifted
from gis.draping_images import Extent, Piece, dressed, squares
from gis.ground import ground_z, relief_of
from gis.placing import check_bounds
from gis.rasterdoor import library, opened
from gis.rasterfiles import RASTER_SUFFIXES, names_in, rasters_in
from gis.rasterpictures import RGBA, colour_bands, has_alpha, palette_of, pixels_of
from gis.rasters import facts_of
from gis.sniffing import head_of
from gis.themes import plain_name
from gis.tiffhead import is_picture
from scenes.errors import CityTwinError, GeoreferenceError, LoadError
from scenes.georeference import WGS84, parse_crs, transformer
from scenes.guard import readers
from scenes.identity import derive_uids
from scenes.loading import FlatGround, Location
from scenes.mesh import MeshSet
from scenes.model import Batch, Layer
from scenes.pictures import Picture
from scenes.schema import object_table
from scenes.vertical import horizontal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from gis.draping_images import Cutter
    from scenes.georeference import Georeference
    from scenes.guard import Reader
    from scenes.loading import Ground, LoadContext
    from scenes.problems import Problems
    from scenes.sources import Source

MOST_PIXELS = 400_000_000  # of one layer of images
_WORDS = frozenset({"imagery", "image", "ortho", "orthophoto", "orthophotos", "aerial", "satellite", "影像"})
_HEIGHTS = frozenset({"terrain", "dem", "dtm", "dgm", "elevation", "relief", "地形"})
_PLACED = frozenset({".jp2", ".png", ".jpg", ".jpeg", ".webp", ".bmp"})
_WORLD = {".png": ("pgw", "pngw"), ".jpg": ("jgw", "jpgw"), ".jpeg": ("jgw", "jpegw"), ".jp2": ("j2w", "jp2w")}
_PLANE_M = 1_000.0


class ImageryLoader:
    """Reads pictures with a place.

    These are GeoTIFF of three bands and more or with a palette, JPEG 2000, and JPEG and PNG with a world file.
    """

    name = "imagery"
    guarded = True
    stage = 1

    def supports(self, source: Source) -> bool:
        """Say whether the file is a picture with a place; the name of the layer settles what could be both."""
        return is_imagery(source)

    def locate(self, source: Source) -> Location | None:
        """Return the middle of the picture, None if it does not say where it lies."""
        bounds, crs = _bounds(source)
        if not crs:
            return None
        lon, lat = transformer(crs, WGS84).transform((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2)
        return Location(float(lon), float(lat), crs if parse_crs(crs).is_projected else "", 0.9)

    def surface(self, source: Source, context: LoadContext) -> Ground | None:
        """Return nothing: a picture has no heights."""
        del source, context
        return None

    def load(self, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        """Yield level ground with the picture on it, a batch."""
        cutter = RasterCutter(source, context.georeference)
        yield (
            flat_layer(source),
            flat_ground(source, _limited(cutter.extent(), source, context.problems), cutter, context),
        )

    def dress(self, source: Source, context: LoadContext) -> dict[int, Batch]:
        """Return the batches of terrain that the picture lies on, as places in ``context.loaded``."""
        guarded = GuardedCutter(source, context)
        return dress_terrain(context, _limited(guarded.extent(), source, context.problems), guarded)


def is_imagery(source: Source) -> bool:
    """Say whether a source is a picture with a place, by its layer, its name and its first bytes."""
    word = plain_name(source.layer)
    names = names_in(source) if not source.is_remote else []
    suffix = source.suffix
    if source.is_remote or word in _HEIGHTS:
        return False
    if suffix in _PLACED:
        return suffix == ".jp2" or _world_file(source) or word in _WORDS
    if word in _WORDS:
        return any(Path(name).suffix.lower() in RASTER_SUFFIXES for name in names)
    rasters = [name for name in names if Path(name).suffix.lower() in {".tif", ".tiff", ".vrt"}]
    return bool(rasters) and _is_picture(source, rasters[0])


def flat_layer(source: Source) -> Layer:
    """Return the layer of pictures on level ground, without batches."""
    titles = {"en": source.layer or "Aerial image", "zh": source.layer or "影像"}
    return Layer(plain_name(source.layer) or "imagery", theme="landuse", titles=titles, source=source.title)


def flat_ground(source: Source, extent: Extent, cutter: Cutter, context: LoadContext) -> Batch:
    """Return level squares with their pictures, each an object of kind ReliefFeature.

    Raises
    ------
    LoadError
        When there is no picture anywhere.
    """
    found = [(piece, image) for piece, image in _cut(squares(extent), cutter) if image is not None]
    if not found:
        raise LoadError(source.shown, "has no picture where the scene lies", "check its place and its nodata value")
    pieces = [piece for piece, _ in found]
    z = ground_z(relief_of(context.ground), *_middles(pieces))
    boxes = [(each.west_m, each.south_m, each.east_m, each.north_m) for each in pieces]
    corners = [np.array([[w, s, h], [e, s, h], [e, n, h], [w, n, h]]) for (w, s, e, n), h in zip(boxes, z, strict=True)]
    quad = np.array([[0, 1, 2], [0, 2, 3]], np.uint32)
    mesh = MeshSet.from_parts(range(len(pieces)), corners, [quad] * len(pieces))
    uvs = np.tile([[0, 1], [1, 1], [1, 0], [0, 0]], (len(pieces), 1))
    mesh = mesh.textured(uvs, np.repeat(np.arange(len(pieces)), 2), [image for _, image in found])
    names = [f"{number}" for number in range(len(pieces))]
    table = object_table(
        {
            "uid": derive_uids(source.namespace, names),
            "kind": ["ReliefFeature"] * len(names),
            "name": [f"image {name}" for name in names],
            "source": [source.title] * len(names),
            "source_id": names,
            "footprint": pa.array([shapely.to_wkb(shapely.box(*box)) for box in boxes], pa.binary()),
        }
    )
    return Batch(table, {"1": mesh})


def dress_terrain(context: LoadContext, extent: Extent, cutter: Cutter) -> dict[int, Batch]:
    """Return the batches of terrain that an image lies on, with it, by their place in ``context.loaded``."""
    changed = {}
    for place, (layer, batch) in enumerate(context.loaded):
        if layer.theme != "terrain" or not batch.meshes:
            continue
        level = max(batch.meshes, key=float)
        mesh = batch.meshes[level]
        laid = dressed(mesh, extent, cutter)
        if laid is not mesh:
            changed[place] = replace(batch, meshes={**batch.meshes, level: laid})
    return changed


@dataclass
class RasterCutter:
    """Cuts pieces out of the rasters of a source, warped into a frame; run where files may crash a library."""

    source: Source
    frame: Georeference
    _ranges: dict[str, tuple[float, float]] = field(default_factory=dict)

    def extent(self) -> Extent:
        """Return where the pictures lie.

        Raises
        ------
        GeoreferenceError
            When they do not say.
        """
        bounds, crs = _bounds(self.source)
        if not crs:
            raise GeoreferenceError(
                self.source.shown, "does not say its coordinate system", "name it with --crs, or add a .prj file"
            )
        side = np.linspace(0, 1, 21)
        x = np.concatenate([bounds[0] + side * (bounds[2] - bounds[0])] * 2 + [np.full(21, bounds[i]) for i in (0, 2)])
        y = np.concatenate([np.full(21, bounds[i]) for i in (1, 3)] + [bounds[1] + side * (bounds[3] - bounds[1])] * 2)
        local_x, local_y = self.frame.localise_from(*unshifted(self.source, crs, x, y))
        if not (np.isfinite(local_x).all() and np.isfinite(local_y).all()):
            raise GeoreferenceError(self.source.shown, "lies outside the system of the scene", "name another --crs")
        width = float(np.ptp(local_x))
        with opened(self.source, rasters_in(self.source)[0]) as dataset:
            pixel = width / (bounds[2] - bounds[0]) * abs(dataset.transform.a)
        return Extent(
            float(local_x.min()), float(local_y.min()), float(local_x.max()), float(local_y.max()), float(pixel)
        )

    def cut(self, pieces: Sequence[Piece]) -> Iterator[Picture | None]:
        """Yield one image a piece, the first raster of the source on top."""
        paths = rasters_in(self.source)
        for piece in pieces:
            whole: NDArray[np.uint8] | None = None
            for path in paths:
                mine = self._piece(path, piece)
                whole = mine if whole is None else np.where(whole[..., 3:] > 0, whole, mine)
                if (whole[..., 3] == 255).all():
                    break
            yield Picture.of_pixels(whole) if whole is not None and whole[..., 3].any() else None

    def _piece(self, path: str, piece: Piece) -> NDArray[np.uint8]:
        """Return (rows, columns, 4) pixels of one raster."""
        if self.source.datum_shift and piece.widest_m > _PLANE_M and min(piece.width_px, piece.height_px) > 1:
            return np.concatenate(
                [np.concatenate([self._piece(path, each) for each in row], axis=1) for row in piece.quarters()], axis=0
            )
        rasterio = library()
        from affine import Affine  # noqa: PLC0415 - comes with rasterio

        x, y = self._theirs(piece)
        place = Affine(
            (x[1] - x[0]) / piece.width_px, (x[2] - x[0]) / piece.height_px, x[0],
            (y[1] - y[0]) / piece.width_px, (y[2] - y[0]) / piece.height_px, y[0],
        )  # fmt: skip
        with opened(self.source, path) as dataset:
            palette = palette_of(dataset)
            nearest = rasterio.enums.Resampling.nearest
            options = {
                "src_crs": self.source.crs or dataset.crs or _bounds(self.source)[1],
                "crs": self.frame.crs,
                "transform": place,
                "width": piece.width_px,
                "height": piece.height_px,
                "resampling": nearest if palette is not None else rasterio.enums.Resampling.bilinear,
                "add_alpha": dataset.nodata is None and not has_alpha(dataset),
            }
            with rasterio.vrt.WarpedVRT(dataset, **options) as warped:
                known = warped.dataset_mask()
                if not known.any():
                    return np.zeros((piece.height_px, piece.width_px, RGBA), np.uint8)
                return pixels_of(warped, known, colour_bands(dataset), palette, self._range(path, dataset))

    def _theirs(self, piece: Piece) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return where the rasters have the corners north-west, north-east and south-west of a piece, projected.

        Across a kilometre a map shift is a plane to a decimetre.
        """
        corner_x = np.array([piece.west_m, piece.east_m, piece.west_m])
        corner_y = np.array([piece.north_m, piece.north_m, piece.south_m])
        if not self.source.datum_shift:
            return corner_x + self.frame.easting_m, corner_y + self.frame.northing_m
        moved = from_wgs84(self.source.datum_shift, *self.frame.lonlat(corner_x, corner_y))
        east, north = transformer(WGS84, self.frame.crs).transform(*moved)
        return np.asarray(east), np.asarray(north)

    def _range(self, path: str, dataset: Any) -> tuple[float, float]:
        """Return the values that become black and white: of bytes 0 and 255, else those of nearly all pixels."""
        if dataset.dtypes[0] == "uint8":
            return 0.0, 255.0
        if path not in self._ranges:
            shape = (len(colour_bands(dataset)), min(dataset.height, 400), min(dataset.width, 400))
            sample = dataset.read(colour_bands(dataset), out_shape=shape, masked=True).compressed()
            sample = sample[np.isfinite(sample)]
            low, high = np.percentile(sample, [1, 99]) if len(sample) else (0.0, 255.0)
            fits = len(sample) and sample.min() >= 0 and sample.max() <= 255
            self._ranges[path] = (0.0, 255.0) if fits else (float(low), float(max(high, low + 1e-6)))
        return self._ranges[path]


@dataclass
class GuardedCutter:
    """Cuts pieces in a reader process.

    Parameters
    ----------
    source, context
        As for a loader.
    reader
        Of whoever cuts while other things are read; None = that of this process, for images that are laid on what
        is there.
    """

    source: Source
    context: LoadContext
    reader: Reader | None = None

    def extent(self) -> Extent:
        """Return where the pictures lie."""
        found: Extent = self._reader.value(_Remote(), "extent", self.source, self._bare)
        return found

    def cut(self, pieces: Sequence[Piece]) -> Iterator[Picture | None]:
        """Yield one image a piece."""
        if pieces:
            yield from self._reader.items(_Remote(tuple(pieces)), "cut", self.source, self._bare)

    @property
    def _reader(self) -> Reader:
        return self.reader or readers(1)[0]

    @property
    def _bare(self) -> LoadContext:
        return replace(self.context, loaded=(), ground=FlatGround())


@dataclass(frozen=True)
class _Remote:
    """What a reader process is asked."""

    pieces: tuple[Piece, ...] = ()

    def extent(self, source: Source, context: LoadContext) -> Extent:
        return RasterCutter(source, context.georeference).extent()

    def cut(self, source: Source, context: LoadContext) -> Iterator[Picture | None]:
        yield from RasterCutter(source, context.georeference).cut(self.pieces)


def _limited(extent: Extent, source: Source, problems: Problems) -> Extent:
    limited = extent.within(MOST_PIXELS)
    if limited.pixel_m > extent.pixel_m * 1.01:
        problems.add(
            "info",
            source.shown,
            "imagery-coarser",
            f"has more than {MOST_PIXELS // 1_000_000} million pixels: they are {limited.pixel_m:.2f} m wide here",
            "cut out the part you need",
        )
    return limited


def _cut(pieces: Sequence[Piece], cutter: Cutter) -> Iterator[tuple[Piece, Picture | None]]:
    return zip(pieces, cutter.cut(pieces), strict=True)


def _middles(pieces: Sequence[Piece]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x = np.array([(piece.west_m + piece.east_m) / 2 for piece in pieces])
    return x, np.array([(piece.south_m + piece.north_m) / 2 for piece in pieces])


def _bounds(source: Source) -> tuple[tuple[float, float, float, float], str]:
    """Return the bounds of all rasters of a source in their own system, and that system (empty if unknown)."""
    facts = [facts_of(source, path) for path in rasters_in(source)]
    named = source.crs or next((fact.crs for fact in facts if fact.crs), "")
    crs = horizontal(named) if named else ""
    boxes = np.array([fact.bounds for fact in facts])
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    bounds = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    if crs:
        check_bounds(source.path, crs, bounds)
    return bounds, crs


def _world_file(source: Source) -> bool:
    ends = (*_WORLD.get(source.suffix, ()), "wld", f"{source.suffix[1:]}w")
    file = source.file
    return any(file.with_suffix(f".{end}").is_file() or file.with_suffix(f".{end.upper()}").is_file() for end in ends)


def _is_picture(source: Source, name: str) -> bool:
    if name.lower().endswith(".vrt"):
        head = head_of(source.file, 1_000_000) if source.suffix == ".vrt" else b""
        return head.count(b"<VRTRasterBand") >= 3 or b"<ColorInterp>Palette" in head
    try:
        if source.suffix == ".zip":
            with zipfile.ZipFile(source.file) as archive, archive.open(name) as part:
                return is_picture(part)
        if source.suffix in {".tif", ".tiff"}:
            with source.file.open("rb") as file:
                return is_picture(file)
    except (OSError, CityTwinError, zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError):
        return False
    return False
