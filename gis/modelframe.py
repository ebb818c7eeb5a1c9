"""Where a city model lies: the many spellings of its system, its axis order, and the way to local metres."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gis.placing import check_bounds, degrees_outside
from scenes.errors import GeoreferenceError
from scenes.georeference import WGS84, parse_crs, transformer
from scenes.loading import Location

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.georeference import Georeference
    from scenes.sources import Source

    Floats = NDArray[np.float64]

_EPSG = re.compile(r"EPSG(?:[/:]+[\d.]*)?[/:]+(\d{4,6})", re.IGNORECASE)
# Names of the German surveying authorities (AdV) for systems in use.
_ADV = (("ETRS89_UTM31", 25831), ("ETRS89_UTM32", 25832), ("ETRS89_UTM33", 25833), ("DHDN_3GK2", 31466),
        ("DHDN_3GK3", 31467), ("DHDN_3GK4", 31468), ("DHDN_3GK5", 31469))  # fmt: skip


def crs_from_name(name: object) -> str:
    """Return the horizontal system that a name in a city model means, empty if it means none.

    Understands EPSG codes, URNs (compound ones too), OGC addresses, plain numbers and the AdV names.

    Examples
    --------
    >>> crs_from_name("https://www.opengis.net/def/crs/EPSG/0/7415")
    'EPSG:28992'
    >>> crs_from_name("urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::5783")
    'EPSG:25832'
    >>> crs_from_name("urn:adv:crs:DE_DHDN_3GK4*DE_DHN92_NH"), crs_from_name(28992), crs_from_name("#local-CRS-1")
    ('EPSG:31468', 'EPSG:28992', '')
    """
    if isinstance(name, int) and not isinstance(name, bool):
        return _horizontal(f"EPSG:{name}")
    text = str(name or "")
    for word, code in _ADV:
        if word in text:
            return f"EPSG:{code}"
    match = _EPSG.search(text)
    if match:
        return _horizontal(f"EPSG:{match[1]}")
    return _horizontal(f"EPSG:{text}") if text.isdigit() else ""


def _horizontal(crs: str) -> str:
    """Return the system without heights: the first part of a compound one, two axes of a geographic one."""
    parsed = parse_crs(crs)
    if parsed.is_compound:
        parsed = parsed.sub_crs_list[0]
    if len(parsed.axis_info) == 3 and not parsed.is_geocentric:
        parsed = parsed.to_2d()
    if parsed == parse_crs(crs):
        return crs
    authority = parsed.to_authority(min_confidence=70)
    return ":".join(authority) if authority else str(parsed.to_wkt())


@dataclass(frozen=True, slots=True)
class ModelFrame:
    """The system of a model's coordinates, ready to turn them into local metres.

    Parameters
    ----------
    source
        The file and its placement.
    crs
        Horizontal system; empty when the file is placed by hand.
    swapped
        Whether the file gives north (latitude) before east (longitude).
    """

    source: Source
    crs: str
    swapped: bool = False

    @classmethod
    def of(cls, source: Source, crs: str, points: Floats) -> ModelFrame:
        """Return the frame of a model with (n, 3) coordinates, with its axis order found from the area of use.

        Raises
        ------
        GeoreferenceError
            When it has neither a system nor a placement, or cannot be in the system.
        """
        crs = source.crs or crs
        if source.place is not None:
            return cls(source, "")
        if not crs:
            raise GeoreferenceError(
                source.path,
                "does not say its coordinate system",
                "name it with --crs, or place it with --place FILE=E,N,H,ANGLE",
            )
        if not len(points):
            return cls(source, crs)
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        plain = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
        turned = (plain[1], plain[0], plain[3], plain[2])
        swapped = degrees_outside(crs, turned) < degrees_outside(crs, plain)
        check_bounds(source.path, crs, turned if swapped else plain, small=True)
        return cls(source, crs, swapped)

    def location(self, points: Floats) -> Location | None:
        """Return where (n, 3) coordinates lie; None when the file is placed by hand."""
        if not self.crs or not len(points):
            return None
        middle = (points[:, :2].min(axis=0) + points[:, :2].max(axis=0)) / 2
        east, north = middle[::-1] if self.swapped else middle
        lon, lat = transformer(self.crs, WGS84).transform(east, north)
        return Location(float(lon), float(lat), self.crs if parse_crs(self.crs).is_projected else "")

    def to_local(self, points: Floats, frame: Georeference) -> Floats:
        """Return (n, 3) coordinates of the file as local metres."""
        if not len(points):
            return points.reshape(-1, 3)
        place = self.source.place
        if place is not None:
            turn = np.radians(place.angle_deg)
            x = points[:, 0] * np.cos(turn) - points[:, 1] * np.sin(turn) + place.easting_m - frame.easting_m
            y = points[:, 0] * np.sin(turn) + points[:, 1] * np.cos(turn) + place.northing_m - frame.northing_m
            return np.column_stack([x, y, points[:, 2] + place.height_m - frame.height_m])
        east, north = (points[:, 1], points[:, 0]) if self.swapped else (points[:, 0], points[:, 1])
        x, y = frame.localise_from(self.crs, east, north)
        return np.column_stack([x, y, points[:, 2] - frame.height_m])
