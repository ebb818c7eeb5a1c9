"""Which objects are closed: their triangles make shells around a body, so that they can be written as solids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.export.faces import Neighbours

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Shells:
    """The closed shells of objects.

    Parameters
    ----------
    numbers
        (t,) shell of each triangle, named by its first triangle.
    closed
        (t,) whether each triangle belongs to an object that is closed all over.
    volumes_m3
        (t,) volume in each shell, at the place of its first triangle; negative for a shell that is turned inside out.
    """

    numbers: Integers
    closed: Bools
    volumes_m3: Floats


def shells_of(neighbours: Neighbours, points_m: Floats) -> Shells:
    """Return the shells of triangles with (3 t, 3) corners in metres.

    Examples
    --------
    >>> from scenes.export.faces import Neighbours
    >>> points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
    >>> triangles = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])
    >>> found = shells_of(Neighbours.of(triangles, np.zeros(4, int)), points[triangles].reshape(-1, 3))
    >>> bool(found.closed.all()), round(float(found.volumes_m3[0]), 4)
    (True, 0.1667)
    """
    twins, count = neighbours.twins, len(neighbours.triangles)
    numbers = neighbours.connected(twins >= 0)
    open_ = np.zeros(int(neighbours.owners.max(initial=-1)) + 1, bool)
    open_[np.repeat(neighbours.owners, 3)[twins < 0]] = True
    a, b, c = points_m.reshape(-1, 3, 3).transpose(1, 0, 2)
    origin = a[numbers]
    volume = (np.cross(a - origin, b - origin) * (c - origin)).sum(axis=1) / 6
    volumes = np.bincount(numbers, volume, minlength=count).astype(np.float64)
    return Shells(numbers, ~open_[neighbours.owners], volumes)
