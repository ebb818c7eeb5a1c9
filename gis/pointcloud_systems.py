"""Coordinate systems of point clouds: horizontal and vertical part, each with its own unit."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.datum import unshifted
from gis.geokeys import wkt_of_geokeys
from gis.placing import check_bounds, degrees_outside
from scenes.errors import GeoreferenceError
from scenes.georeference import ELLIPSOIDAL, WGS84, parse_crs, split, transformer
from scenes.loading import Location
from scenes.vertical import report, rise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from scenes.georeference import Georeference
    from scenes.problems import Problems
    from scenes.sources import Placement, Source

    Floats = NDArray[np.float64]

_PROJECTION = "LASF_Projection"
_NEAR_DEG = 1.5
_GRID_CELLS = 64
_GRID_WIDEST_M = 6_000.0


@dataclass(frozen=True, slots=True)
class CloudSystem:
    """The coordinate system of a cloud.

    Parameters
    ----------
    crs
        The horizontal system as ``EPSG:N`` or WKT, empty where the file does not say.
    metres_up
        Metres in one unit of height.
    heights_assumed
        Whether the unit of height was not stated: then it is that of the plan, or the metre with degrees.
    vertical
        The system of the heights (`scenes.vertical`), empty where the file does not say.
    """

    crs: str = ""
    metres_up: float = 1.0
    heights_assumed: bool = True
    vertical: str = ""


def system_of(text: str) -> CloudSystem:
    """Return the parts of a system that is given as an EPSG code, WKT or another text that PROJ knows.

    Examples
    --------
    >>> system_of("EPSG:6349").crs, round(system_of("EPSG:2994").metres_up, 4), system_of("EPSG:4326").metres_up
    ('EPSG:6318', 0.3048, 1.0)
    """
    if not text.strip():
        return CloudSystem()
    whole = parse_crs(text)
    plan, up = whole, None
    if whole.is_compound and len(whole.sub_crs_list) >= 2:
        plan, up = whole.sub_crs_list[0], whole.sub_crs_list[1].axis_info[0].unit_conversion_factor
    elif len(whole.axis_info) == 3 and not whole.is_geocentric:
        plan, up = whole.to_2d(), whole.axis_info[2].unit_conversion_factor
    if plan.is_bound and plan.source_crs is not None and plan.source_crs.to_authority(min_confidence=100):
        plan = plan.source_crs
    own = plan.axis_info[0].unit_conversion_factor if plan.is_projected and plan.axis_info else 1.0
    return CloudSystem(_text(plan), float(own if up is None else up), up is None, "" if up is None else split(text)[1])


def system_of_records(records: Mapping[tuple[str, int], bytes]) -> CloudSystem:
    """Return the system that the records of a LAS file name: WKT first, then GeoTIFF keys.

    A WKT that PROJ does not understand counts as none.
    """
    return first_system(_wkt(records.get((_PROJECTION, 2112), b"")), _keys(records))


def first_system(*texts: str) -> CloudSystem:
    """Return the parts of the first text that PROJ understands; empty ones where it understands none."""
    for text in texts:
        try:
            found = system_of(text)
        except GeoreferenceError:
            continue
        if found.crs:
            return found
    return CloudSystem()


def system_for(source: Source, found: CloudSystem) -> CloudSystem:
    """Return the system to read a source by: what the user named, else its own.

    Raises
    ------
    GeoreferenceError
        When there is neither, nor a placement.
    """
    if source.place is not None:
        return found
    if source.crs:
        return system_of(source.crs)
    if not found.crs:
        raise GeoreferenceError(
            source.shown,
            "does not say its coordinate system",
            f"name it with --source-crs {source.title}=EPSG:N, or place it with --place {source.title}=E,N,H,ANGLE",
        )
    return found


def location_of(source: Source, found: CloudSystem, xyz: Floats) -> Location | None:
    """Return where some points of a cloud lie, None if nothing says it."""
    if source.place is not None or not (source.crs or found.crs):
        return None
    system = system_for(source, found)
    x, y = (float(value) for value in np.median(xyz[:, :2], axis=0))
    check_bounds(source.path, system.crs, (x, y, x, y))
    lon, lat = transformer(system.crs, WGS84).transform(x, y)
    parsed = parse_crs(system.crs)
    metric = parsed.is_projected and abs(parsed.axis_info[0].unit_conversion_factor - 1) < 1e-9
    heights = system.vertical if system.vertical != ELLIPSOIDAL else ""
    return Location(float(lon), float(lat), system.crs if metric else "", vertical=heights)


@dataclass(frozen=True, eq=False)
class CloudFrame:
    """Takes the points of one source to local metres.

    Parameters
    ----------
    source
        The cloud, and what the user said about it.
    system
        How its coordinates are meant.
    frame
        Frame of the scene.
    rise_m
        What is added to heights in metres to have them in the vertical system of the scene.
    """

    source: Source
    system: CloudSystem
    frame: Georeference
    rise_m: float = 0.0

    def local(self, xyz: Floats) -> Floats:
        """Return (n, 3) local metres of coordinates of the file; not finite where the scene's system does not reach."""
        place = self.source.place
        if place is not None:
            return self._placed(xyz, place)
        if self.source.datum_shift:
            x, y = self.frame.localise_from(*unshifted(self.source, self.system.crs, xyz[:, 0], xyz[:, 1]))
        else:
            x, y = self._plan(xyz[:, 0], xyz[:, 1])
        z = xyz[:, 2] * self.system.metres_up + self.rise_m - self.frame.height_m
        return np.column_stack([x, y, z])

    def levelled(self, middle: Floats, problems: Problems) -> CloudFrame:
        """Return the frame with its heights in the system of the scene, by what holds at a local place; say so."""
        if self.source.place is not None or not self.system.vertical:
            return self
        lon, lat = self.frame.lonlat(middle[0], middle[1])
        place = (float(lon), float(lat))
        report(self.frame, self.system.vertical, place, self.source.shown, problems)
        return replace(self, rise_m=rise(self.frame, self.system.vertical, place).by_m)

    def check(self, xyz: Floats, problems: Problems) -> None:
        """Refuse points that cannot be in their system, and report those that lie strangely far from its area.

        Raises
        ------
        GeoreferenceError
            When they look like degrees in a metric system, or the like.
        """
        if self.source.place is not None:
            return
        west, south = (float(value) for value in np.quantile(xyz[:, :2], 0.05, axis=0))
        east, north = (float(value) for value in np.quantile(xyz[:, :2], 0.95, axis=0))
        check_bounds(self.source.path, self.system.crs, (west, south, east, north))
        outside = degrees_outside(self.system.crs, (west, south, east, north))
        if outside > _NEAR_DEG:
            what = f"lies {outside:.1f} degrees outside the area where {parse_crs(self.system.crs).name} is used"
            advice = "feet may be labelled as metres; name its real system with --source-crs"
            problems.add("warning", self.source.shown, "crs-area", what, advice)

    def _placed(self, xyz: Floats, place: Placement) -> Floats:
        turn = np.radians(place.angle_deg)
        cos, sin = np.cos(turn), np.sin(turn)
        east, north = self.frame.to_local(place.easting_m, place.northing_m)
        x = xyz[:, 0] * cos - xyz[:, 1] * sin + east
        y = xyz[:, 0] * sin + xyz[:, 1] * cos + north
        return np.column_stack([x, y, xyz[:, 2] + place.height_m - self.frame.height_m])

    def _plan(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        if len(x) < 20 * _GRID_CELLS**2 or parse_crs(self.system.crs) == parse_crs(self.frame.crs):
            return self.frame.localise_from(self.system.crs, x, y)
        return _through_grid(self.system.crs, self.frame, x, y)


def _through_grid(crs: str, frame: Georeference, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Reproject the nodes of a fine grid and interpolate between them, many times as fast as every point.

    Between two map projections the bend over a cell of 90 m is 0.2 mm; wider chunks go point by point.
    """
    west, south, east, north = x.min(), y.min(), x.max(), y.max()
    columns, rows = np.linspace(west, east, _GRID_CELLS + 1), np.linspace(south, north, _GRID_CELLS + 1)
    grid_x, grid_y = frame.localise_from(crs, *np.meshgrid(columns, rows))
    if not max(np.ptp(grid_x), np.ptp(grid_y)) <= _GRID_WIDEST_M or not (east > west and north > south):
        return frame.localise_from(crs, x, y)
    across, along = (x - west) * (_GRID_CELLS / (east - west)), (y - south) * (_GRID_CELLS / (north - south))
    column = np.minimum(across.astype(np.int64), _GRID_CELLS - 1)
    row = np.minimum(along.astype(np.int64), _GRID_CELLS - 1)
    across -= column
    along -= row
    first = row * (_GRID_CELLS + 1) + column
    return _between(grid_x.ravel(), first, across, along), _between(grid_y.ravel(), first, across, along)


def _between(nodes: Floats, first: NDArray[np.int64], across: Floats, along: Floats) -> Floats:
    south = nodes[first] + across * (nodes[first + 1] - nodes[first])
    above = first + _GRID_CELLS + 1
    north = nodes[above] + across * (nodes[above + 1] - nodes[above])
    found: Floats = south + along * (north - south)
    return found


@functools.lru_cache(maxsize=64)
def _known(name: str) -> Any:
    return parse_crs(name)


def _text(crs: Any) -> str:
    """Return ``EPSG:N`` where the system is that one exactly, else its WKT: some files change the unit of a code."""
    authority = crs.to_authority(min_confidence=70)
    if authority:
        name = ":".join(authority)
        if _known(name).equals(crs, ignore_axis_order=True) or (
            _same_units(_known(name), crs) and crs.to_authority(min_confidence=100)
        ):
            return name
    return str(crs.to_wkt())


def _same_units(one: Any, other: Any) -> bool:
    units = [[axis.unit_conversion_factor for axis in crs.axis_info[:2]] for crs in (one, other)]
    return len(units[0]) == len(units[1]) and bool(np.allclose(units[0], units[1], rtol=1e-12))


def _wkt(record: bytes) -> str:
    return record.split(b"\0")[0].decode("utf-8", "replace").strip()


def _keys(records: Mapping[tuple[str, int], bytes]) -> str:
    directory = records.get((_PROJECTION, 34735), b"")
    if len(directory) < 16:
        return ""
    return wkt_of_geokeys(directory, records.get((_PROJECTION, 34736), b""), records.get((_PROJECTION, 34737), b""))
