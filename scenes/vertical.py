"""Heights: which vertical system a name means, and how heights of one become heights of another.

A vertical system is written like a coordinate system (``EPSG:5709``), as `ELLIPSOIDAL` for heights above the
ellipsoid of satellite positioning, or is empty where nobody says. Between heights above the ellipsoid and above the
sea lies the geoid's undulation N: H = h - N. It comes from a grid that the user names; what PROJ knows without
further grids (offsets between two national levels) is used as it is.
Import order: georeference <- vertical.
"""

from __future__ import annotations

import functools
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyproj
from pyproj.exceptions import ProjError
from pyproj.transformer import TransformerGroup

from scenes.errors import GeoreferenceError
from scenes.georeference import ELLIPSOIDAL, parse_crs, split

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from scenes.georeference import Georeference
    from scenes.problems import Problems

    Floats = NDArray[np.float64]


def horizontal(crs: str) -> str:
    """Return a system without heights: the first part of a compound one, two axes of a 3D one.

    Examples
    --------
    >>> horizontal("EPSG:7415"), horizontal("EPSG:6697"), horizontal("EPSG:4979"), horizontal("EPSG:25832")
    ('EPSG:28992', 'EPSG:6668', 'EPSG:4326', 'EPSG:25832')
    """
    return split(crs)[0]


def vertical(crs: str) -> str:
    """Return the heights that a system says: of a compound one its second part, of a 3D one the ellipsoid.

    Examples
    --------
    >>> vertical("EPSG:7415"), vertical("EPSG:6697"), vertical("EPSG:4979"), vertical("EPSG:25832")
    ('EPSG:5709', 'EPSG:6695', 'ellipsoidal', '')
    """
    return split(crs)[1]


def vertical_name(system: str) -> str:
    """Return what people call a vertical system.

    Examples
    --------
    >>> vertical_name("EPSG:5709"), vertical_name("ellipsoidal"), vertical_name("")
    ('NAP height', 'heights above the ellipsoid', 'heights without a stated datum')
    """
    if not system:
        return "heights without a stated datum"
    if system == ELLIPSOIDAL:
        return "heights above the ellipsoid"
    return str(parse_crs(system).name)


def metres_in(system: str) -> float:
    """Return the metres upwards in one unit of a vertical system: negative where it counts depths.

    Examples
    --------
    >>> round(metres_in("EPSG:6360"), 6), metres_in("EPSG:5709"), metres_in("EPSG:5715"), metres_in("ellipsoidal")
    (0.304801, 1.0, -1.0, 1.0)
    """
    if system in ("", ELLIPSOIDAL):
        return 1.0
    axis = parse_crs(system).axis_info[-1]
    return float(axis.unit_conversion_factor) * (-1.0 if axis.direction == "down" else 1.0)


def parse_vertical(text: str) -> str:
    """Return the vertical system that a text names, a compound system counts for its heights; empty if none.

    Examples
    --------
    >>> parse_vertical("EPSG:5711"), parse_vertical("EPSG:7415"), parse_vertical("Ellipsoidal"), parse_vertical("?")
    ('EPSG:5711', 'EPSG:5709', 'ellipsoidal', '')
    """
    if text.strip().lower().startswith("ellipsoid"):
        return ELLIPSOIDAL
    try:
        return split(text.strip())[1] if text.strip() else ""
    except GeoreferenceError:
        return ""


@dataclass(frozen=True)
class Geoid:
    """A grid of geoid undulations: GeoTIFF, GTX or another format of PROJ.

    Parameters
    ----------
    path
        The file.
    """

    path: str

    def __post_init__(self) -> None:
        """Refuse files that are no geoid grid."""
        if not Path(self.path).is_file():
            raise GeoreferenceError(self.path, "there is no such geoid grid", "check the path")
        try:
            pyproj.Transformer.from_pipeline(self._pipeline)
        except ProjError as error:
            raise GeoreferenceError(
                self.path, "is not a geoid grid that can be read", "give a GeoTIFF or GTX grid of undulations"
            ) from error

    @property
    def _pipeline(self) -> str:
        return f'+proj=vgridshift +grids="{Path(self.path).resolve()}" +multiplier=1'

    def undulations(self, longitude_deg: ArrayLike, latitude_deg: ArrayLike) -> Floats:
        """Return the geoid's height above the ellipsoid in metres at places; NaN outside the grid."""
        lon, lat = np.asarray(longitude_deg, np.float64), np.asarray(latitude_deg, np.float64)
        grid = pyproj.Transformer.from_pipeline(
            f"+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step {self._pipeline}"
        )
        found = grid.transform(lon, lat, np.zeros_like(lon + lat))[2]
        return np.where(np.isfinite(found), found, np.nan)


@dataclass(frozen=True)
class Raised:
    """How far heights of one system lie below those of another, and how that is known.

    Parameters
    ----------
    by_m
        Metres to add to the source's heights.
    how
        One word: ``same``, ``geoid``, ``proj``, or ``unknown`` (then `by_m` is zero).
    """

    by_m: float
    how: str


def raised(source: str, target: str, place_deg: tuple[float, float], geoid: Geoid | None = None) -> Raised:
    """Return what must be added to heights in metres in `source` to have them in `target` near a place.

    Parameters
    ----------
    source, target
        Vertical systems; the empty one is taken as the same as every level of the sea.
    place_deg
        Longitude and latitude.
    geoid
        Undulations of the level that the heights above the sea count from.
    """
    if source == target or (ELLIPSOIDAL not in (source, target) and not (source and target)):
        return Raised(0.0, "same")
    if ELLIPSOIDAL in (source, target):
        if geoid is not None:
            undulation = float(geoid.undulations(*place_deg))
            if math.isfinite(undulation):
                return Raised(undulation if target == ELLIPSOIDAL else -undulation, "geoid")
        if not (source and target):
            return Raised(0.0, "unknown")
    return _by_proj(source, target, (round(place_deg[0], 2), round(place_deg[1], 2)))


def rise(frame: Georeference, system: str, place_deg: tuple[float, float]) -> Raised:
    """Return what must be added to heights in metres in a system to have them as the scene has them."""
    geoid = _geoid(frame.geoid) if frame.geoid and ELLIPSOIDAL in (system, frame.vertical_datum) else None
    return raised(system, frame.vertical_datum, place_deg, geoid)


def report(frame: Georeference, system: str, place_deg: tuple[float, float], where: str, problems: Problems) -> None:
    """Say which heights a source has; a warning where they differ from the scene's and nobody knows by how much."""
    if not system:
        return
    found, mine, ours = rise(frame, system, place_deg), vertical_name(system), vertical_name(frame.vertical_datum)
    if found.how == "unknown":
        message = f"its heights are {mine}, those of the scene {ours}; they are taken as the same"
        advice = "give a grid of the geoid with --geoid FILE, or the heights of the scene with a compound --crs"
        problems.add("warning", where, "vertical-datum-differs", message, advice)
    elif found.how != "same":
        problems.add("info", where, "vertical-datum", f"its heights ({mine}) are moved by {found.by_m:.2f} m to {ours}")


@functools.lru_cache(maxsize=8)
def _geoid(path: str) -> Geoid:
    return Geoid(path)


@functools.lru_cache(maxsize=256)
def _by_proj(source: str, target: str, place_deg: tuple[float, float]) -> Raised:
    """Return what PROJ knows with the grids it has; ballpark guesses do not count."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # names the grids that are not there
            group = TransformerGroup(_with_heights(source), _with_heights(target), always_xy=True, allow_ballpark=False)
    except (ProjError, GeoreferenceError):
        return Raised(0.0, "unknown")
    for transformer in group.transformers:
        height = transformer.transform(*place_deg, 0.0)[2]
        if math.isfinite(height) and "ballpark" not in transformer.description.lower():
            return Raised(float(height) * metres_in(target), "proj")
    return Raised(0.0, "unknown")


def _with_heights(system: str) -> pyproj.CRS:
    if system == ELLIPSOIDAL:
        return parse_crs("EPSG:4979")
    return pyproj.crs.CompoundCRS("place and height", [parse_crs("EPSG:4326"), parse_crs(system)])
