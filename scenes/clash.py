"""Clashes: objects that take up the same space, or come nearer to each other than they may.

Broad phase: boxes in an R-tree. Narrow phase: an edge of one that passes through the inside of a triangle of the
other, deeper than the tolerance (exact, Moeller and Trumbore 1997), or a point just below the skin of one that lies
inside the other (winding number, van Oosterom and Strackee 1983). Clearances are exact distances of the meshes (by
fcl; this is its only door).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from scenes.errors import MissingLibraryError, QueryError
from scenes.schema import BOUNDS
from scenes.validity.crossing import first_crossing, winding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from scenes.model import Scene

    Floats = NDArray[np.float64]

Kind = Literal["crosses", "inside", "near"]
TOLERANCE_M = 0.01
_INSIDE = 0.5
_MOST_POINTS = 64


@dataclass(frozen=True, slots=True)
class Clash:
    """Two objects that are in each other's way.

    Parameters
    ----------
    first, second
        Their uids.
    kind
        ``crosses`` (one goes through the other's surface), ``inside`` (one lies in the other) or ``near`` (closer
        than the clearance).
    place_m
        A point of the clash, local metres.
    distance_m
        Distance of the two, 0 where they share space.
    """

    first: str
    second: str
    kind: Kind
    place_m: tuple[float, float, float]
    distance_m: float = 0.0


def clashes(
    scene: Scene,
    first: Sequence[str],
    second: Sequence[str],
    *,
    tolerance_m: float = TOLERANCE_M,
    clearance_m: float = 0.0,
    progress: Callable[[str, float], None] = lambda _text, _share: None,
) -> list[Clash]:
    """Return the clashes between objects of two sets; pairs of parent and child are passed over.

    Parameters
    ----------
    scene
        The city.
    first, second
        Uids of the objects; the same set twice finds the clashes within it.
    tolerance_m
        Surfaces that go less deep into each other only touch.
    clearance_m
        Objects closer than this clash as well; 0 = only those that share space.
    progress
        Called with a text and a share from 0 to 1.

    Raises
    ------
    MissingLibraryError
        When a clearance is asked for and python-fcl is not installed.
    """
    shapes = _Shapes(scene)
    known = set[tuple[str, str]]()
    found = []
    pairs = list(_close_pairs(scene, first, second, max(clearance_m, 0.0)))
    for number, (one, other) in enumerate(pairs):
        if number % 64 == 0:
            progress("looking for clashes", number / len(pairs))
        key = (min(one, other), max(one, other))
        if one == other or key in known:
            continue
        known.add(key)
        clash = _clash(shapes, one, other, tolerance_m, clearance_m)
        if clash is not None:
            found.append(clash)
    return found


def uids_where(scene: Scene, where: str) -> list[str]:
    """Return the uids of the objects that a CQL2 text picks, or of a layer when the text is its name.

    Raises
    ------
    QueryError
        When it picks nothing.
    """
    if where in scene.layers:
        return list(scene.layers[where].table["uid"].to_pylist())
    found = [str(uid) for uid in scene.query(where).index]
    if not found:
        raise QueryError(where, "picks no object", "check it with twin query")
    return found


class _Shapes:
    """Triangles of objects, made once when they are first needed."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._triangles: dict[str, Floats] = {}
        self._models: dict[str, Any] = {}

    def triangles(self, uid: str) -> Floats:
        """Return (t, 3, 3) corners in local metres."""
        if uid not in self._triangles:
            mesh = self._scene[uid].mesh()
            whole = None if mesh is None else mesh.expanded()
            self._triangles[uid] = np.zeros((0, 3, 3)) if whole is None else whole.positions_m[whole.triangles]
        return self._triangles[uid]

    def model(self, uid: str) -> Any:
        """Return the collision model of fcl."""
        if uid not in self._models:
            fcl = _fcl()
            corners = self.triangles(uid)
            model = fcl.BVHModel()
            model.beginModel(len(corners) * 3, len(corners))
            model.addSubModel(corners.reshape(-1, 3), np.arange(len(corners) * 3).reshape(-1, 3))
            model.endModel()
            self._models[uid] = fcl.CollisionObject(model)
        return self._models[uid]


def _fcl() -> Any:
    try:
        import fcl  # noqa: PLC0415 - optional
    except ImportError as error:
        raise MissingLibraryError("python-fcl", "is not installed", 'pip install "citytwin[bim]"') from error
    return fcl


def _close_pairs(
    scene: Scene, first: Sequence[str], second: Sequence[str], reach_m: float
) -> Iterator[tuple[str, str]]:
    """Yield the pairs whose boxes come within reach, without parents and their children."""
    ones, others = _boxes(scene, first), _boxes(scene, second)
    tree = shapely.STRtree(shapely.box(*others.flat(0.0)))
    left, right = tree.query(shapely.box(*ones.flat(reach_m)), predicate="intersects")
    level = (ones.low[left, 2] - reach_m <= others.high[right, 2]) & (
        ones.high[left, 2] + reach_m >= others.low[right, 2]
    )
    for one, other in zip(left[level].tolist(), right[level].tolist(), strict=True):
        uid, against = ones.uids[one], others.uids[other]
        if ones.parents[one] != against and others.parents[other] != uid:
            yield uid, against


@dataclass(frozen=True, eq=False)
class _Boxes:
    uids: list[str]
    parents: list[str | None]
    low: Floats
    high: Floats

    def flat(self, by_m: float) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the sides of the boxes seen from above, grown by some metres."""
        return self.low[:, 0] - by_m, self.low[:, 1] - by_m, self.high[:, 0] + by_m, self.high[:, 1] + by_m


def _boxes(scene: Scene, uids: Sequence[str]) -> _Boxes:
    wanted = pa.array(uids, pa.string())
    names: list[str] = []
    parents: list[str | None] = []
    corners = []
    for layer in scene.layers.values():
        for batch in layer.batches:
            if not batch.meshes:
                continue
            mine = pc.and_(pc.is_valid(batch.table["min_x"]), pc.is_in(batch.table["uid"], wanted))
            picked = batch.table.filter(mine)
            names += picked["uid"].to_pylist()
            parents += picked["parent"].to_pylist()
            corners.append(np.column_stack([picked[name].to_numpy() for name in BOUNDS]).reshape(-1, 6))
    sides = np.concatenate(corners) if corners else np.zeros((0, 6))
    return _Boxes(names, parents, sides[:, :3], sides[:, 3:])


def _clash(shapes: _Shapes, one: str, other: str, tolerance_m: float, clearance_m: float) -> Clash | None:
    first, second = shapes.triangles(one), shapes.triangles(other)
    if not len(first) or not len(second):
        return None
    for edges, faces in ((first, second), (second, first)):
        point = first_crossing(edges, faces, tolerance_m)
        if point is not None:
            return Clash(one, other, "crosses", _place(point))
    for inner, outer in ((first, second), (second, first)):
        point = _shared_point(inner, outer, tolerance_m)
        if point is not None:
            return Clash(one, other, "inside" if _within(inner, outer) else "crosses", _place(point))
    if clearance_m > 0:
        return _near(shapes, one, other, clearance_m)
    return None


def _shared_point(inner: Floats, outer: Floats, tolerance_m: float) -> Floats | None:
    """Return a point just below the skin of one body that lies inside both, None if there is none.

    Finds what no edge shows: bodies whose faces lie in the same planes, and bodies inside others.
    """
    normals = np.cross(inner[:, 1] - inner[:, 0], inner[:, 2] - inner[:, 0])
    sizes = np.linalg.norm(normals, axis=1)
    good = sizes > 1e-12
    below = inner[good].mean(axis=1) - normals[good] / sizes[good][:, None] * 2 * tolerance_m
    corners = outer.reshape(-1, 3)
    near = ((below > corners.min(axis=0)) & (below < corners.max(axis=0))).all(axis=1)
    for point in below[near][:: max(1, int(near.sum()) // _MOST_POINTS)]:
        if winding(point, outer) > _INSIDE and winding(point, inner) > _INSIDE:
            found: Floats = point
            return found
    return None


def _within(inner: Floats, outer: Floats) -> bool:
    low, high = outer.reshape(-1, 3).min(axis=0), outer.reshape(-1, 3).max(axis=0)
    corners = inner.reshape(-1, 3)
    return bool((corners.min(axis=0) >= low - 1e-6).all() and (corners.max(axis=0) <= high + 1e-6).all())


def _near(shapes: _Shapes, one: str, other: str, clearance_m: float) -> Clash | None:
    fcl = _fcl()
    result = fcl.DistanceResult()
    request = fcl.DistanceRequest(enable_nearest_points=True)
    distance = float(fcl.distance(shapes.model(one), shapes.model(other), request, result))
    if distance >= clearance_m:
        return None
    middle = (np.asarray(result.nearest_points[0]) + np.asarray(result.nearest_points[1])) / 2
    return Clash(one, other, "near", _place(middle), max(distance, 0.0))


def _place(point: Floats) -> tuple[float, float, float]:
    return float(point[0]), float(point[1]), float(point[2])
