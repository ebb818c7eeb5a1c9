"""From model metres to the local metres of a scene."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bim.georeferencing import Georeferenced
from scenes.errors import GeoreferenceError
from scenes.georeference import parse_crs, transformer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.georeference import Georeference
    from scenes.sources import Placement

_FARTHEST_M = 500_000.0
_STEP_M = 100.0
_EXACT_BEYOND_M = 2_000.0


@functools.lru_cache(maxsize=64)
def _same(first: str, second: str) -> bool:
    return bool(parse_crs(first) == parse_crs(second))


@dataclass(frozen=True, slots=True)
class Placing:
    """Puts points of one model into one scene.

    Between two projected systems points near the middle of the model are moved by the tangent of the
    transformation there (below 1 cm within 2 km), those of larger models one by one.
    """

    where: Georeferenced
    frame: Georeference

    def apply(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n, 3) model metres as local metres of the scene."""
        projected = self.where.project(points_m)
        if len(projected) and not _same(self.where.crs, self.frame.crs):
            projected = self._reproject(projected)
        return self.frame.localise(projected)

    def _reproject(self, projected: NDArray[np.float64]) -> NDArray[np.float64]:
        middle = (projected[:, :2].min(axis=0) + projected[:, :2].max(axis=0)) / 2
        reach = np.abs(projected[:, :2] - middle).max()
        moved = projected.copy()
        convert = transformer(self.where.crs, self.frame.crs).transform
        if reach > _EXACT_BEYOND_M:
            moved[:, 0], moved[:, 1] = convert(projected[:, 0], projected[:, 1])
            return moved
        at = middle + _STEP_M * np.array([[0, 0], [1, 0], [0, 1]])
        there = np.column_stack(convert(at[:, 0], at[:, 1]))
        tangent = np.column_stack([there[1] - there[0], there[2] - there[0]]) / _STEP_M
        moved[:, :2] = there[0] + (projected[:, :2] - middle) @ tangent.T
        return moved


def placing_for(
    name: str, stated: Georeferenced | None, place: Placement | None, crs: str, frame: Georeference
) -> Placing:
    """Return how a model comes into a scene: an explicit place wins, then what the file states.

    Parameters
    ----------
    name
        The file, for messages.
    stated
        What the file says, None if nothing.
    place
        What the user says, in the system of the scene.
    crs
        The system that the user says the file's coordinates are in.
    frame
        The scene's frame.

    Raises
    ------
    GeoreferenceError
        When nobody says where the model lies, or it would lie outside the scene's world.
    """
    if place is not None:
        where = Georeferenced(
            frame.crs, place.easting_m, place.northing_m, place.height_m, math.radians(place.angle_deg)
        )
    elif crs and (stated is None or stated.method == "site"):
        where = Georeferenced(parse_crs(crs).to_string(), 0.0, 0.0)
    elif stated is None:
        raise GeoreferenceError(
            name, "does not say where on Earth it lies", f"place it with --place {name}=E,N,H,ANGLE"
        )
    else:
        where = stated if not crs else replace(stated, crs=crs)
    placing = Placing(where, frame)
    if place is None and where.method != "explicit":
        _check_near(name, placing)
    return placing


def _check_near(name: str, placing: Placing) -> None:
    origin = placing.apply(np.array([placing.where.centre_m]))[0]
    distance = float(np.hypot(*origin[:2]))
    if not math.isfinite(distance) or distance > _FARTHEST_M:
        shown = f"{distance / 1000:.0f} km" if math.isfinite(distance) else "infinitely far"
        hint = (
            " (a default of its authoring tool)" if any("default" in rule for rule, _ in placing.where.remarks) else ""
        )
        raise GeoreferenceError(
            name, f"lies {shown} from the scene by its own statement{hint}", f"place it with --place {name}=E,N,H,ANGLE"
        )
