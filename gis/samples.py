"""Heights of a cloud inside and around footprints, collected chunk by chunk in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.pointcloud_chunks import PointChunk

    Floats = NDArray[np.float64]
    Longs = NDArray[np.int64]
    Shapes = NDArray[np.object_]

GROUND, BUILDING = 2, 6
_UNTOLD = (0, 1, 8, 12, 19)
"""Classes that say nothing of what a point is: they count where the telling ones are missing."""

MOST_A_FOOTPRINT = 2_000
_MOST_KEPT = 8_000_000
_CELL_M = 4.0
_MOST_CELLS = 64_000_000
_INWARD_M = 0.4
_SEED = 20_260_102


@dataclass(frozen=True, eq=False)
class Samples:
    """Heights by footprint.

    Parameters
    ----------
    owner
        (n,) footprint of each sample.
    z_m
        (n,) local height.
    told
        (n,) whether its class says that it is what is looked for (ground, or building); else nobody knows.
    """

    owner: NDArray[np.int32]
    z_m: NDArray[np.float32]
    told: NDArray[np.bool_]

    @classmethod
    def empty(cls) -> Samples:
        """Return no sample."""
        return cls(np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, bool))

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.owner)

    def picked(self, keep: NDArray[np.bool_]) -> Samples:
        """Return some of the samples."""
        return Samples(self.owner[keep], self.z_m[keep], self.told[keep])

    def counts(self, footprints: int) -> Longs:
        """Return how many samples each footprint has."""
        return np.bincount(self.owner, minlength=footprints)

    def percentile(self, share: float, footprints: int) -> Floats:
        """Return the height below which a share of the samples of each footprint lies, NaN without samples.

        Examples
        --------
        >>> heights = Samples(np.array([0, 0, 0], np.int32), np.array([3, 1, 2], np.float32), np.ones(3, bool))
        >>> heights.percentile(0.5, 2).tolist()
        [2.0, nan]
        """
        counts = self.counts(footprints)
        order = np.lexsort([self.z_m, self.owner])
        z = self.z_m[order].astype(np.float64)
        first = np.concatenate([[0], np.cumsum(counts)[:-1]])
        found = np.full(footprints, np.nan)
        some = counts > 0
        place = first[some] + share * (counts[some] - 1)
        low = np.floor(place).astype(np.int64)
        high = np.minimum(low + 1, first[some] + counts[some] - 1)
        found[some] = z[low] + (place - low) * (z[high] - z[low])
        return found


@dataclass
class Sampler:
    """Collects heights for (n,) footprints, polygons in local metres.

    Parameters
    ----------
    footprints
        What is sampled; missing and empty ones get nothing.
    around_m
        Width of the ring from which the ground comes.
    """

    footprints: Shapes
    around_m: float = 4.0
    roofs: Samples = field(default_factory=Samples.empty)
    grounds: Samples = field(default_factory=Samples.empty)

    def __post_init__(self) -> None:
        """Prepare the trees that find the footprints of points."""
        inner = shapely.buffer(self.footprints, -_INWARD_M)
        slim = shapely.is_empty(inner) | shapely.is_missing(inner)
        self._inner = shapely.STRtree(np.where(slim, self.footprints, inner))
        self._outer = shapely.STRtree(shapely.buffer(self.footprints, self.around_m))
        self._whole = shapely.STRtree(self.footprints)
        self._near = _Near.around(self.footprints, self.around_m)
        self.inside = np.zeros(len(self.footprints), np.int64)
        self.roof_count = np.zeros(len(self.footprints), np.int64)
        self._random = np.random.default_rng(_SEED)

    def add(self, chunk: PointChunk, local: Floats) -> None:
        """Take up the points of a chunk, given with their (n, 3) local metres."""
        mine = np.flatnonzero(self._near.holds(local[:, :2]))
        if not len(mine):
            return
        classes = np.zeros(len(chunk), np.uint8) if chunk.classes is None else chunk.classes
        last = np.ones(len(chunk), bool) if chunk.returns is None else (chunk.returns & 15) >= (chunk.returns >> 4)
        local, classes, last = local[mine], classes[mine], last[mine]
        places = cast("Shapes", shapely.points(local[:, :2]))
        self._add_roofs(places, local[:, 2], classes, last)
        self._add_grounds(places, local[:, 2], classes, last)

    def _add_roofs(self, places: Shapes, z: Floats, classes: NDArray[np.uint8], last: NDArray[np.bool_]) -> None:
        solid = np.flatnonzero((classes == BUILDING) | (classes == GROUND) | (np.isin(classes, _UNTOLD) & last))
        point, owner = self._inner.query(places[solid], predicate="intersects")
        point = solid[point]
        self.inside += np.bincount(owner, minlength=len(self.footprints))
        roof = classes[point] != GROUND
        point, owner = point[roof], owner[roof]
        self.roof_count += np.bincount(owner, minlength=len(self.footprints))
        self.roofs = self._joined(self.roofs, owner, z[point], classes[point] == BUILDING)

    def _add_grounds(self, places: Shapes, z: Floats, classes: NDArray[np.uint8], last: NDArray[np.bool_]) -> None:
        low = np.flatnonzero((classes == GROUND) | (np.isin(classes, _UNTOLD) & last))
        covered, _ = self._whole.query(places[low], predicate="intersects")
        free = np.ones(len(low), bool)
        free[covered] = False
        free |= classes[low] == GROUND
        point, owner = self._outer.query(places[low[free]], predicate="intersects")
        point = low[free][point]
        self.grounds = self._joined(self.grounds, owner, z[point], classes[point] == GROUND)

    def _joined(self, before: Samples, owner: Longs, z: Floats, told: NDArray[np.bool_]) -> Samples:
        joined = Samples(
            np.concatenate([before.owner, owner.astype(np.int32)]),
            np.concatenate([before.z_m, z.astype(np.float32)]),
            np.concatenate([before.told, told]),
        )
        return self._thinned(joined) if len(joined) > max(_MOST_KEPT, 2 * len(before)) else joined

    def _thinned(self, samples: Samples) -> Samples:
        """Return at most `MOST_A_FOOTPRINT` samples of each footprint and kind, chosen at random."""
        group = samples.owner.astype(np.int64) * 2 + samples.told
        order = np.lexsort([self._random.random(len(group)), group])
        first = np.searchsorted(group[order], group[order])
        keep = np.zeros(len(group), bool)
        keep[order[np.arange(len(group)) - first < MOST_A_FOOTPRINT]] = True
        return samples.picked(keep)


@dataclass(frozen=True, eq=False)
class _Near:
    """A coarse grid that says where footprints may be, to pass over the other points quickly."""

    low: Floats
    step_m: float
    used: NDArray[np.bool_]

    @classmethod
    def around(cls, footprints: Shapes, margin_m: float) -> _Near:
        boxes = shapely.bounds(footprints)
        boxes = boxes[np.isfinite(boxes).all(axis=1)]
        if not len(boxes):
            return cls(np.zeros(2), 1.0, np.zeros((1, 1), bool))
        low, high = boxes[:, :2].min(axis=0) - margin_m, boxes[:, 2:].max(axis=0) + margin_m
        step = max(_CELL_M, float(np.sqrt(np.prod(high - low) / _MOST_CELLS)))
        size = np.ceil((high - low) / step).astype(np.int64) + 1
        first = ((boxes[:, :2] - margin_m - low) / step).astype(np.int64)
        last = ((boxes[:, 2:] + margin_m - low) / step).astype(np.int64) + 1
        change = np.zeros((int(size[0]) + 1, int(size[1]) + 1), np.int32)
        for x, y, sign in ((first, first, 1), (last, last, 1), (first, last, -1), (last, first, -1)):
            np.add.at(change, (x[:, 0], y[:, 1]), sign)
        return cls(low, step, change.cumsum(axis=0).cumsum(axis=1)[:-1, :-1] > 0)

    def holds(self, plan: Floats) -> NDArray[np.bool_]:
        """Say which of (n, 2) places may lie in or near a footprint."""
        cell = np.floor((plan - self.low) / self.step_m).astype(np.int64)
        inside = ((cell >= 0) & (cell < self.used.shape)).all(axis=1)
        found = np.zeros(len(plan), bool)
        found[inside] = self.used[cell[inside, 0], cell[inside, 1]]
        return found
