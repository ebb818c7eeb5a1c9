"""City grids: coordinate systems of a town's own, given by parameters in a small file.

Written ``grid:NAME`` (looked up in the file that the environment variable ``TWIN_GRIDS`` names, or in ``grids.toml``
in the current folder), ``grid:FILE#NAME``, or ``grid:FILE`` when the file holds one grid. A grid is

- a projection of its own: ``projection = "+proj=tmerc +lat_0=... +lon_0=... +x_0=... +ellps=GRS80"``, if need be with
  ``helmert = [dx, dy, dz, rx, ry, rz, s]`` to WGS 84 (metres, arc seconds, parts per million; position vector), or
- a turned, scaled and moved copy of a known one: ``base = "EPSG:4549"`` with ``similarity = {dx, dy, rotation_deg,
  scale}``, x' = dx + scale (x cos r - y sin r), y' = dy + scale (x sin r + y cos r), or with ``points``, rows of
  ``[base east, base north, grid east, grid north]`` from which these four numbers are found by least squares.

The grid becomes a complete WKT or PROJ text, so that a stored city needs the file no more.
"""

from __future__ import annotations

import json
import math
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
from pyproj.exceptions import CRSError

from scenes.errors import GeoreferenceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PREFIX = "grid:"
_FILE = "grids.toml"
_VARIABLE = "TWIN_GRIDS"
_WORST_RESIDUAL_M = 1.0
_LEAST_POINTS = 2
_HELMERT = 7
_FORM = "see docs/how-to/georeference.md for the form of the file"


def grid_definition(text: str) -> str:
    r"""Return the WKT or PROJ text of a city grid written as ``grid:...``.

    Raises
    ------
    GeoreferenceError
        When the file or the grid is not there, or its parameters make no system.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "town.toml")
    ...     _ = file.write_text('[grid.centre]\nprojection = "+proj=tmerc +lat_0=31 +lon_0=121.5 +ellps=GRS80"')
    ...     grid_definition(f"grid:{file}")
    '+proj=tmerc +lat_0=31 +lon_0=121.5 +ellps=GRS80 +units=m +no_defs +type=crs'
    """
    path, name = _place(text.removeprefix(PREFIX))
    grids = _read(path)
    if not name and len(grids) == 1:
        name = next(iter(grids))
    if name not in grids:
        known = ", ".join(sorted(grids)) or "none"
        raise GeoreferenceError(text, f"{path} has no grid '{name}', it has {known}", "name one of them")
    try:
        return _definition(grids[name])
    except (CRSError, TypeError, ValueError, KeyError) as error:
        raise GeoreferenceError(text, f"its parameters in {path} make no system ({error})", _FORM) from error


def _place(text: str) -> tuple[Path, str]:
    path, hash_sign, name = text.rpartition("#")
    if hash_sign:
        return Path(path), name
    if Path(text).suffix.lower() in (".toml", ".json"):
        return Path(text), ""
    return Path(os.environ.get(_VARIABLE, _FILE)), text


def _read(path: Path) -> Mapping[str, Mapping[str, Any]]:
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise GeoreferenceError(
            path, "is not a file of city grids that can be read", f"make it, or name it in {_VARIABLE}; {_FORM}"
        ) from error
    try:
        parsed = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise GeoreferenceError(path, f"is not a file of city grids ({error})", _FORM) from error
    grids = parsed.get("grid") if isinstance(parsed, dict) else None
    if not isinstance(grids, dict) or not all(isinstance(grid, dict) for grid in grids.values()):
        raise GeoreferenceError(path, "holds no table [grid.NAME]", _FORM)
    return grids


def _definition(grid: Mapping[str, Any]) -> str:
    if "projection" in grid:
        return _projected(str(grid["projection"]), grid.get("helmert"))
    base = pyproj.CRS.from_user_input(str(grid["base"]))
    if not base.is_projected:
        raise ValueError(f"the base {base.name} is not a projected system")
    if "points" in grid:
        return _derived(base, fitted_similarity(np.array(grid["points"], dtype=np.float64)), grid)
    given = grid["similarity"]
    turn, scale = math.radians(float(given.get("rotation_deg", 0.0))), float(given.get("scale", 1.0))
    numbers = (float(given["dx"]), float(given["dy"]), scale * math.cos(turn), scale * math.sin(turn))
    return _derived(base, numbers, grid)


def _projected(text: str, helmert: list[float] | None) -> str:
    parts = [text.strip()]
    if helmert is not None:
        numbers = [float(number) for number in helmert]
        if len(numbers) != _HELMERT:
            raise ValueError(f"helmert has {len(numbers)} numbers, not {_HELMERT}")
        parts.append("+towgs84=" + ",".join(f"{number:.12g}" for number in numbers))
    parts += [word for word in ("+units=m", "+no_defs", "+type=crs") if word.split("=")[0] not in text]
    made = " ".join(parts)
    if not pyproj.CRS.from_user_input(made).is_projected:
        raise ValueError(f"'{text}' is not a projection")
    return made


def fitted_similarity(points: Floats) -> tuple[float, float, float, float]:
    """Return dx, dy, a, b of x' = dx + a x - b y, y' = dy + b x + a y by least squares.

    Parameters
    ----------
    points
        (n, 4) rows of base east, base north, grid east, grid north in metres; at least two.

    Raises
    ------
    ValueError
        When there are too few, or one lies more than a metre beside the fit.

    Examples
    --------
    >>> square = np.array([[0, 0], [1000, 0], [0, 1000.0]])
    >>> dx, dy, a, b = fitted_similarity(np.hstack([square, square[:, ::-1] * [-1, 1] + [50, 70]]))
    >>> round(dx, 6), round(dy, 6), abs(round(a, 9)), round(b, 9)
    (50.0, 70.0, 0.0, 1.0)
    """
    if points.ndim != 2 or points.shape[1] != 4 or len(points) < _LEAST_POINTS or not np.isfinite(points).all():
        raise ValueError("points must be two rows or more of base east, base north, grid east, grid north")
    centre = points.mean(axis=0)
    x, y, east, north = (points - centre).T
    spread = float((x**2 + y**2).sum())
    if spread <= 0:
        raise ValueError("all points are the same place")
    a = float((x * east + y * north).sum()) / spread
    b = float((x * north - y * east).sum()) / spread
    worst = float(np.hypot(a * x - b * y - east, b * x + a * y - north).max())
    if worst > _WORST_RESIDUAL_M:
        raise ValueError(f"a point lies {worst:.2f} m beside the best fit")
    return (
        float(centre[2] - a * centre[0] + b * centre[1]),
        float(centre[3] - b * centre[0] - a * centre[1]),
        a,
        b,
    )


def _derived(base: pyproj.CRS, similarity: tuple[float, float, float, float], grid: Mapping[str, Any]) -> str:
    """Return the WKT of a system derived by an affine transformation (EPSG method 9624), x east and y north."""
    dx, dy, a, b = similarity
    rows = {"A": (dx, a, -b), "B": (dy, b, a)}
    if base.axis_info[0].direction == "north":  # the method takes the base's axes in their own order
        rows = {key: (shift, second, first) for key, (shift, first, second) in rows.items()}
    codes = {"A0": 8623, "A1": 8624, "A2": 8625, "B0": 8639, "B1": 8640, "B2": 8641}
    parameters = []
    for key, values in rows.items():
        for number, value in enumerate(values):
            name = f"{key}{number}"
            unit = 'SCALEUNIT["coefficient",1]' if number else 'LENGTHUNIT["metre",1]'
            parameters.append(f'PARAMETER["{name}",{value!r},{unit},ID["EPSG",{codes[name]}]]')
    title = str(grid.get("title", "city grid")).replace('"', "'")
    wkt = base.to_wkt("WKT2_2019")
    inner = wkt[: wkt.index(",CS[")].replace("PROJCRS[", "BASEPROJCRS[", 1) + "]"
    made = (
        f'DERIVEDPROJCRS["{title}",{inner},DERIVINGCONVERSION["city grid",'
        f'METHOD["Affine parametric transformation",ID["EPSG",9624]],{",".join(parameters)}],'
        'CS[Cartesian,2],AXIS["(E)",east],AXIS["(N)",north],LENGTHUNIT["metre",1]]'
    )
    pyproj.CRS.from_wkt(made)
    return made
