"""Pieces of a model before they become objects: vertices, triangles, colours, an image, and what they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gis.meshing import Soup
from scenes.errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from scenes.mesh import MeshSet
    from scenes.pictures import Picture

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

MOST_TRIANGLES = 60_000_000
_FARTHEST_M = 1e8
PLAIN = (190, 190, 186, 255)


@dataclass(frozen=True, eq=False)
class Part:
    """Triangles with one material.

    Parameters
    ----------
    node
        The node (object) that they belong to, a row of the model's nodes.
    positions
        (v, 3) in units and axes of the file.
    triangles
        (t, 3) indices into `positions`.
    colours
        (v, 4) sRGB and opacity.
    uvs
        (v, 2) places in the image, 0, 0 = upper left; None without one.
    picture
        The image.
    features
        (v,) feature of each vertex, a row of `table`, -1 = none; None where the part has no features.
    table
        Number of the property table of the features, -1 = none.
    """

    node: int
    positions: Floats
    triangles: Integers
    colours: NDArray[np.uint8]
    uvs: Floats | None = None
    picture: Picture | None = None
    features: Integers | None = None
    table: int = -1


def mesh_of(
    parts: Sequence[Part], rows: Sequence[Integers], to_local: Callable[[Floats], Floats], where: str
) -> MeshSet | None:
    """Return the parts as a mesh set, None if they have no triangle.

    Parameters
    ----------
    parts
        The pieces.
    rows
        (v,) row of the object of each vertex of each part; a triangle goes with its first corner.
    to_local
        From (n, 3) coordinates of the file to local metres.
    where
        The file, for the message.

    Raises
    ------
    LoadError
        When there are more triangles than anybody can look at.
    """
    count = sum(len(part.triangles) for part in parts)
    if count > MOST_TRIANGLES:
        raise LoadError(where, f"has {count:,} triangles, more than {MOST_TRIANGLES:,}", "simplify or split it")
    if not count:
        return None
    shift = np.cumsum([0, *(len(part.positions) for part in parts)])
    triangles = np.concatenate([part.triangles + shift[place] for place, part in enumerate(parts)])
    owner = np.concatenate(rows).astype(np.int64)
    pictures, number = _pictures(parts)
    images = np.repeat(number, [len(part.triangles) for part in parts])
    uvs = None
    if pictures:
        empty = [np.zeros((len(part.positions), 2)) if part.uvs is None else part.uvs for part in parts]
        uvs = np.concatenate(empty)
    positions = to_local(np.concatenate([part.positions for part in parts]))
    good: NDArray[np.bool_] = np.asarray((np.abs(positions) < _FARTHEST_M).all(axis=1))
    kept = good[triangles].all(axis=1)
    if not kept.any():
        return None
    triangle_rows = owner[triangles[:, 0]]
    soup = Soup(
        np.where(good[:, None], positions, positions[good][:1]),
        owner,
        triangles[kept],
        triangle_rows[kept],
        np.concatenate([part.colours for part in parts]),
        uvs=uvs,
        images=images[kept],
    )
    return _whole(soup).mesh(pictures)


def _whole(soup: Soup) -> Soup:
    """Return the soup with corners of their own for triangles whose corners belong to several rows."""
    mixed = (soup.vertex_rows[soup.triangles] != soup.triangle_rows[:, None]).any(axis=1)
    if not mixed.any():
        return soup
    corners = soup.triangles[mixed].reshape(-1)
    triangles = soup.triangles.copy()
    triangles[mixed] = len(soup.positions) + np.arange(len(corners)).reshape(-1, 3)
    return Soup(
        np.concatenate([soup.positions, soup.positions[corners]]),
        np.concatenate([soup.vertex_rows, np.repeat(soup.triangle_rows[mixed], 3)]),
        triangles,
        soup.triangle_rows,
        np.concatenate([soup.colours, soup.colours[corners]]),
        uvs=None if soup.uvs is None else np.concatenate([soup.uvs, soup.uvs[corners]]),
        images=soup.images,
    )


def _pictures(parts: Sequence[Part]) -> tuple[list[Picture], Integers]:
    """Return the different images, and the number of that of each part (-1 = none)."""
    places: dict[Picture, int] = {}
    number = []
    for part in parts:
        if part.picture is None or part.uvs is None:
            number.append(-1)
        else:
            number.append(places.setdefault(part.picture, len(places)))
    return list(places), np.array(number, np.int64)


def turned_up(points: Floats) -> Floats:
    """Return (n, 3) coordinates with y up, as in glTF, as z up.

    Examples
    --------
    >>> turned_up(np.array([[1.0, 2.0, 3.0]])).tolist()
    [[1.0, -3.0, 2.0]]
    """
    return np.column_stack([points[:, 0], -points[:, 2], points[:, 1]])
