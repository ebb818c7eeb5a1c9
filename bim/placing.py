"""From model metres to the local metres of a scene."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scenes.georeference import parse_crs, transformer

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from bim.statement import Georeferenced
    from scenes.georeference import Georeference

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

    def apply(self, points_m: ArrayLike) -> NDArray[np.float64]:
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
