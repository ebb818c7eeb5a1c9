"""Where a city model lies: the many spellings of its system, its axis order, and the way to local metres."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gis.datum import unshifted
from gis.placing import check_bounds, degrees_outside
from scenes.errors import GeoreferenceError
from scenes.georeference import ELLIPSOIDAL, WGS84, parse_crs, split, transformer
from scenes.loading import Location
from scenes.vertical import metres_in, parse_vertical, report, rise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.georeference import Georeference
    from scenes.loading import LoadContext
    from scenes.sources import Source

    Floats = NDArray[np.float64]

_EPSG = re.compile(r"EPSG(?:[/:]+[\d.]*)?[/:]+(\d{4,6})", re.IGNORECASE)
# Names of the German surveying authorities (AdV) for systems in use, and for their heights.
_ADV_HEIGHTS = (("DE_DHHN2016", 7837), ("DE_DHHN92", 5783), ("DE_DHHN12", 7699), ("DE_DHHN85", 5784))
_ADV = (("ETRS89_UTM31", 25831), ("ETRS89_UTM32", 25832), ("ETRS89_UTM33", 25833), ("DHDN_3GK2", 31466),
        ("DHDN_3GK3", 31467), ("DHDN_3GK4", 31468), ("DHDN_3GK5", 31469))  # fmt: skip


def crs_from_name(name: object) -> str:
    """Return the system that a name in a city model means, with its heights where it says them; empty if none.

    Understands EPSG codes, URNs (compound ones too), OGC addresses, plain numbers and the AdV names.

    Examples
    --------
    >>> crs_from_name("https://www.opengis.net/def/crs/EPSG/0/7415")
    'EPSG:7415'
    >>> crs_from_name("urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::5783")
    'EPSG:25832+5783'
    >>> crs_from_name("urn:adv:crs:DE_DHDN_3GK4*DE_DHN92_NH"), crs_from_name(28992), crs_from_name("#local-CRS-1")
    ('EPSG:31468', 'EPSG:28992', '')
    """
    if isinstance(name, int) and not isinstance(name, bool):
        return _known([str(name)])
    text = str(name or "")
    for word, code in _ADV:
        if word in text:
            heights = [str(heights) for key, heights in _ADV_HEIGHTS if key in text]
            return _known([str(code), *heights[:1]])
    codes = _EPSG.findall(text)
    return _known(codes[:2]) if codes else _known([text]) if text.isdigit() else ""


def _known(codes: list[str]) -> str:
    """Return codes as one system; a second one that is no height does not count."""
    if len(codes) > 1 and parse_vertical(f"EPSG:{codes[1]}"):
        return f"{_known(codes[:1])}+{codes[1]}"
    crs = f"EPSG:{codes[0]}"
    parse_crs(crs)
    return crs


@dataclass(frozen=True, slots=True)
class ModelFrame:
    """The system of a model's coordinates, ready to turn them into local metres.

    Parameters
    ----------
    source
        The file and its placement.
    crs
        Horizontal system; empty when the file is placed by hand.
    vertical
        System of its heights, empty if it does not say.
    swapped
        Whether the file gives north (latitude) before east (longitude).
    """

    source: Source
    crs: str
    swapped: bool = False
    vertical: str = ""

    @classmethod
    def of(cls, source: Source, crs: str, points: Floats) -> ModelFrame:
        """Return the frame of a model with (n, 3) coordinates, with its axis order found from the area of use.

        Raises
        ------
        GeoreferenceError
            When it has neither a system nor a placement, or cannot be in the system.
        """
        heights = parse_vertical(crs)
        if source.place is not None:
            return cls(source, "")
        crs, own = split(source.crs or crs) if source.crs or crs else ("", "")
        heights = own or heights
        if not crs:
            raise GeoreferenceError(
                source.path,
                "does not say its coordinate system",
                "name it with --crs, or place it with --place FILE=E,N,H,ANGLE",
            )
        if not len(points):
            return cls(source, crs, vertical=heights)
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        plain = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
        turned = (plain[1], plain[0], plain[3], plain[2])
        swapped = degrees_outside(crs, turned) < degrees_outside(crs, plain)
        check_bounds(source.path, crs, turned if swapped else plain, small=True)
        return cls(source, crs, swapped, heights)

    def location(self, points: Floats) -> Location | None:
        """Return where (n, 3) coordinates lie; None when the file is placed by hand."""
        if not self.crs or not len(points):
            return None
        middle = (points[:, :2].min(axis=0) + points[:, :2].max(axis=0)) / 2
        east, north = middle[::-1] if self.swapped else middle
        lon, lat = transformer(self.crs, WGS84).transform(east, north)
        own = self.crs if parse_crs(self.crs).is_projected else ""
        heights = self.vertical if self.vertical != ELLIPSOIDAL else ""
        return Location(float(lon), float(lat), own, vertical=heights)

    def report(self, points: Floats, context: LoadContext) -> None:
        """Say which heights the file has, and what is done about them."""
        location = self.location(points)
        if location is not None:
            place = (location.longitude_deg, location.latitude_deg)
            report(context.georeference, self.vertical, place, self.source.title, context.problems)

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
        x, y = frame.localise_from(*unshifted(self.source, self.crs, east, north))
        return np.column_stack([x, y, self._heights(points, east, north, frame) - frame.height_m])

    def _heights(self, points: Floats, east: Floats, north: Floats, frame: Georeference) -> Floats:
        """Return (n,) heights of the file in metres in the vertical system of the scene."""
        if not self.vertical:
            return np.asarray(points[:, 2])
        lon, lat = transformer(self.crs, WGS84).transform(float(east[0]), float(north[0]))
        return np.asarray(points[:, 2] * metres_in(self.vertical) + rise(frame, self.vertical, (lon, lat)).by_m)
