"""Lift footprints to blocks (LoD1) by a point cloud, and compare the heights with known ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely

from gis import colours as palette
from gis.identifying import hashes_of
from gis.pointcloud import PointCloudLoader, reader_of
from gis.prisms import extruded
from gis.samples import Sampler
from scenes.errors import LoadError, UnknownObjectError
from scenes.guard import readers
from scenes.joining import join
from scenes.loading import LoadContext
from scenes.problems import Problems
from scenes.sources import Placement, Source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from scenes.mesh import MeshSet
    from scenes.model import Batch, Layer, Scene

    Floats = NDArray[np.float64]

_HIGHEST_M = 1_200.0
_AREAS = (3, 6)
_UNITS = {
    "height_m": "m", "height_before_m": "m", "ground_m": "m", "roof_m": "m", "lift_spread_m": "m",
    "lift_density_per_m2": "1/m2",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LiftRule:
    """How heights are read from the points of a footprint.

    Parameters
    ----------
    roof_share
        Share of the roof's points below the height of the block: 0.7 is the "roof height" of many LoD1 models.
    ground_share
        The same for ground points around it: low, so that a block on a slope stands on the lowest ground.
    bare_ground_share
        The same where nobody classified the ground, and cars and bushes are among the points.
    around_m
        Width of the ring that counts as ground.
    least_points
        Roof points that a footprint needs.
    least_roof
        Share of the points inside that must be roof; below it the building is probably gone.
    least_height_m
        What is lower is no roof.
    """

    roof_share: float = 0.7
    ground_share: float = 0.1
    bare_ground_share: float = 0.05
    around_m: float = 4.0
    least_points: int = 10
    least_roof: float = 0.3
    least_height_m: float = 2.0


@dataclass(frozen=True, slots=True)
class HeightDifference:
    """Heights from the cloud against known ones: what the cloud says more, in metres.

    Parameters
    ----------
    count
        Buildings that have both.
    bias_m, median_m
        Mean and median of the differences.
    rmse_m
        Root of their mean square.
    outliers
        Buildings that differ from the median by more than three times the usual spread, and by 3 m at least.
    """

    count: int
    bias_m: float
    median_m: float
    rmse_m: float
    outliers: int


@dataclass(frozen=True, eq=False)
class _Heights:
    """Lifted heights of (n,) footprints; NaN where there was not enough to go by."""

    ground_m: Floats
    roof_m: Floats
    spread_m: Floats
    points: NDArray[np.int64]
    density: Floats
    method: NDArray[np.object_]

    @property
    def height_m(self) -> Floats:
        return self.roof_m - self.ground_m


def lift(  # noqa: PLR0913 - each says one thing about the work
    scene: Scene,
    cloud: str | Path,
    *,
    layer: str = "buildings",
    rule: LiftRule | None = None,
    crs: str = "",
    place: str = "",
    problems: Problems | None = None,
    progress: Callable[[str, float], None] = lambda _text, _share: None,
) -> Scene:
    """Return the scene with the buildings of a layer raised by a point cloud.

    Each footprint gets a ground height from the points around it and a roof height from those inside. Points of
    class 2 (ground) and 6 (building) are preferred; without classes robust percentiles decide. Footprints with too
    few points keep their height. Blocks are made anew; geometry finer than LoD1 stays as it is.

    Parameters
    ----------
    scene
        Holds the layer.
    cloud
        LAS, LAZ, COPC, EPT or another cloud; read chunk by chunk.
    layer
        Layer of polygons: buildings, or areas that become buildings.
    rule
        How heights are read from points.
    crs, place
        System of the cloud, or its placement ``E,N,H,ANGLE``, where the file does not say or says it wrongly.
    problems
        Collects footprints that were not lifted and heights that contradict known ones.
    progress
        Called with a text and a share from 0 to 1.

    Raises
    ------
    UnknownObjectError
        When the scene has no such layer.
    SourceError, GeoreferenceError
        When the cloud cannot be read or placed, or the layer has no polygon.
    """
    if layer not in scene.layers:
        raise UnknownObjectError(layer, f"no such layer; there are {', '.join(scene.layers) or 'none'}")
    found = problems if problems is not None else Problems()
    source = Source(str(cloud), crs=crs, place=Placement.parse(place) if place else None)
    reader_of(source)
    rule = rule or LiftRule()
    shapes = _footprints(scene.layers[layer])
    sampler = Sampler(shapes, rule.around_m)
    context = LoadContext(scene.georeference, problems=found, progress=progress)
    for chunk, local in readers(1)[0].items(PointCloudLoader(), "points", source, context):
        sampler.add(chunk, local)
    heights = _heights(sampler, rule)
    before = _known_heights(scene.layers[layer])
    _report(scene.layers[layer], heights, before, source, found)
    return scene.with_layer(_lifted(scene.layers[layer], shapes, heights))


def height_difference(layer: Layer) -> HeightDifference:
    """Return how the heights of a lifted layer compare with those that were known before.

    Examples
    --------
    >>> from scenes import Batch, Layer
    >>> from scenes.schema import object_table
    >>> heights = {"height_m": [10.5, 8.0], "height_before_m": [10.0, None]}
    >>> columns = {"uid": ["a", "b"], "kind": ["Building"] * 2, **heights}
    >>> height_difference(Layer("buildings", (Batch(object_table(columns)),))).bias_m
    0.5
    """
    names = layer.table.column_names
    if "height_before_m" not in names or "height_m" not in names:
        return HeightDifference(0, float("nan"), float("nan"), float("nan"), 0)
    now, before = (layer.table[name].to_numpy().astype(np.float64) for name in ("height_m", "height_before_m"))
    if "lift_method" in names:
        now = np.where(np.array(layer.table["lift_method"].to_pylist()) == "kept", np.nan, now)
    return _compared(now - before)[0]


def _compared(differences: Floats) -> tuple[HeightDifference, NDArray[np.bool_]]:
    """Return the comparison, and which of (n,) differences (NaN = none) are outliers."""
    known = np.isfinite(differences)
    if not known.any():
        return HeightDifference(0, float("nan"), float("nan"), float("nan"), 0), known
    values = differences[known]
    median = float(np.median(values))
    usual = 1.4826 * float(np.median(np.abs(values - median)))
    far = known & (np.abs(differences - median) > max(3.0, 3 * usual))
    mean, root = float(values.mean()), float(np.sqrt((values**2).mean()))
    return HeightDifference(int(known.sum()), mean, median, root, int(far.sum())), far


def _footprints(layer: Layer) -> NDArray[np.object_]:
    shapes: NDArray[np.object_] = shapely.from_wkb(layer.table["footprint"].to_numpy())
    areas = np.isin(shapely.get_type_id(shapes), _AREAS)
    if not areas.any():
        raise LoadError(layer.name, "has no polygon that could be lifted", "name a layer of building footprints")
    return _only(shapes, areas)


def _only(shapes: NDArray[np.object_], areas: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Return the shapes with those that are no areas left out."""
    found = shapes.copy()
    found[~areas] = None
    return found


def _heights(sampler: Sampler, rule: LiftRule) -> _Heights:
    count = len(sampler.footprints)
    ground, ground_told = _ground(sampler, rule)
    roofs = sampler.roofs.picked(sampler.roofs.z_m > ground[sampler.roofs.owner] + rule.least_height_m)
    told = roofs.picked(roofs.told)
    enough = told.counts(count) >= rule.least_points
    used = roofs.picked(np.where(enough[roofs.owner], roofs.told, True))
    seen = used.counts(count)
    standing = (seen >= rule.least_points) & (_roof_share(sampler, roofs.counts(count)) >= rule.least_roof)
    standing &= np.isfinite(ground)
    roof = np.where(standing, used.percentile(rule.roof_share, count), np.nan)
    standing &= (roof - ground < _HIGHEST_M) & (roof > ground)
    area = np.maximum(np.nan_to_num(shapely.area(sampler.footprints)), 1e-6)
    method = np.where(standing, np.where(enough & ground_told, "classes", "percentiles"), "kept")
    return _Heights(
        np.where(standing, ground, np.nan),
        np.where(standing, roof, np.nan),
        np.where(standing, used.percentile(0.9, count) - used.percentile(0.1, count), np.nan),
        sampler.inside,
        sampler.inside / area,
        method.astype(object),
    )


def _roof_share(sampler: Sampler, above: NDArray[np.int64]) -> Floats:
    """Return which share of the points inside each footprint is roof, as far as samples tell; `above` counts theirs."""
    kept = np.maximum(sampler.roofs.counts(len(sampler.footprints)), 1)
    share: Floats = above / kept * sampler.roof_count / np.maximum(sampler.inside, 1)
    return share


def _ground(sampler: Sampler, rule: LiftRule) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the ground of each footprint, and whether points that are classified as ground tell it."""
    count = len(sampler.footprints)
    told = sampler.grounds.picked(sampler.grounds.told)
    enough = told.counts(count) >= 3
    bare = sampler.grounds.percentile(rule.bare_ground_share, count)
    return np.where(enough, told.percentile(rule.ground_share, count), bare), enough


def _known_heights(layer: Layer) -> Floats:
    """Return the heights that the source itself gave, NaN where there was none or only a guess."""
    table = layer.table
    if "height_m" not in table.column_names:
        return np.full(len(layer), np.nan)
    heights: Floats = table["height_m"].to_numpy().astype(np.float64)
    if "height_source" in table.column_names:
        heights = np.where(np.isin(table["height_source"].to_numpy(), ["missing", "implausible"]), np.nan, heights)
    return heights


def _report(layer: Layer, heights: _Heights, before: Floats, source: Source, problems: Problems) -> None:
    kept = np.flatnonzero(heights.method == "kept")
    names = _names(layer)
    for row in kept[: problems.limit + 1]:
        what = f"keeps its height: {heights.points[row]:,} points of {source.title} are not enough for a roof"
        problems.add("info", names[row], "height-not-lifted", what, "check that the cloud covers it")
    problems.count_more({"height-not-lifted": max(len(kept) - problems.limit - 1, 0)})
    result, far = _compared(heights.height_m - before)
    for row in np.flatnonzero(far):
        what = f"is {heights.height_m[row]:.1f} m high by the cloud and {before[row]:.1f} m by its source"
        problems.add("warning", names[row], "height-difference", what, "built, torn down or wrongly registered?")
    if result.count:
        what = f"{result.count:,} heights compared: bias {result.bias_m:+.2f} m, RMSE {result.rmse_m:.2f} m"
        problems.add("info", layer.name, "heights-compared", f"{what}, {result.outliers:,} outliers")


def _names(layer: Layer) -> list[str]:
    table = layer.table.select(["name", "source_id", "uid"])
    return [name or ident or uid for name, ident, uid in zip(*(column.to_pylist() for column in table), strict=True)]


def _lifted(layer: Layer, shapes: NDArray[np.object_], heights: _Heights) -> Layer:
    first, batches = 0, []
    for batch in layer.batches:
        mine = slice(first, first + len(batch))
        batches.append(_batch(batch, shapes[mine], _part(heights, mine), _known_heights(layer)[mine]))
        first += len(batch)
    theme = "buildings" if layer.theme in {"generic", "landuse", "buildings"} else layer.theme
    return replace(layer.with_batches(batches), theme=theme)


def _part(heights: _Heights, mine: slice) -> _Heights:
    parts = (heights.ground_m, heights.roof_m, heights.spread_m, heights.points, heights.density, heights.method)
    return _Heights(*(part[mine] for part in parts))  # type: ignore[arg-type]


def _batch(batch: Batch, shapes: NDArray[np.object_], heights: _Heights, before: Floats) -> Batch:
    lifted = np.flatnonzero(heights.method != "kept")
    meshes = batch.meshes
    if len(lifted) and all(float(level) <= 1 for level in batch.meshes):
        meshes = {"1": _raised(batch, shapes, heights, lifted)}
    return replace(batch, table=_table(batch.table, heights, before), meshes=meshes).with_bounds()


def _raised(batch: Batch, shapes: NDArray[np.object_], heights: _Heights, lifted: NDArray[np.int64]) -> MeshSet:
    """Return the geometry of a batch with new blocks for the lifted rows."""
    table = batch.table
    classes = table["class"].to_pylist() if "class" in table.column_names else [""] * len(batch)
    words = np.array([str(word or "") for word in classes], object)[lifted]
    hashes = hashes_of(np.array(table["uid"].to_pylist(), object)[lifted])
    colours = palette.building_colours(words, heights.height_m[lifted], hashes)
    soup = extruded(shapes[lifted], heights.ground_m[lifted], heights.roof_m[lifted], colours)
    new = soup.mesh()
    new = replace(new, rows=lifted[new.rows].astype(np.uint32))
    old = batch.finest()
    kept = np.setdiff1d(np.arange(len(batch)), lifted)
    if old is None or not len(kept):
        return new
    part = old.take(kept)
    return join([replace(part, rows=kept[part.rows].astype(np.uint32)), new])


def _table(table: pa.Table, heights: _Heights, before: Floats) -> pa.Table:
    """Return the object table with the new heights and how they came about."""
    lifted = heights.method != "kept"
    old = table["height_m"].to_numpy().astype(np.float64) if "height_m" in table.column_names else before
    kinds = np.array(table["kind"].to_pylist(), object)
    raised = np.where(lifted & np.isin(kinds, ["GenericOccupiedSpace", "LandUse"]), "Building", kinds)
    sources = table["height_source"].to_pylist() if "height_source" in table.column_names else [None] * len(kinds)
    columns: dict[str, Any] = {
        "kind": pa.array(raised, pa.string()),
        "height_m": _column(np.where(lifted, heights.height_m, old)),
        "height_before_m": _column(before),
        "height_source": pa.array(np.where(lifted, "pointcloud", np.array(sources, object)), pa.string()),
        "ground_m": _column(heights.ground_m),
        "roof_m": _column(heights.roof_m),
        "lift_points": pa.array(heights.points),
        "lift_density_per_m2": _column(np.round(heights.density, 3)),
        "lift_spread_m": _column(heights.spread_m),
        "lift_method": pa.array(heights.method, pa.string()),
    }
    for name, values in columns.items():
        unit = {"unit": _UNITS[name]} if name in _UNITS else None
        cell = pa.field(name, values.type, nullable=name != "kind", metadata=unit)
        place = table.schema.get_field_index(name)
        table = table.append_column(cell, values) if place < 0 else table.set_column(place, cell, values)
    return table


def _column(values: Floats) -> pa.Array:
    return pa.array(np.round(values, 3), mask=~np.isfinite(values))
