"""Geometries of many features, as WKB or as shapely has them: whichever is there, the other is made when asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely

from gis.flatwkb import flat_areas
from gis.meshing import flat_rings, rings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gis.meshing import Rings

    Objects = NDArray[np.object_]


class Shapes:
    """Geometries of n features, never changed.

    Parameters
    ----------
    geometry
        (n,) shapely geometries.
    wkb
        The same as an Arrow array of WKB; one of the two may be left out.

    Examples
    --------
    >>> shapes = Shapes([shapely.box(0, 0, 1, 1), shapely.Point(1, 2)])
    >>> Shapes(wkb=shapes.wkb).take(np.array([1])).geometry.tolist()
    [<POINT (1 2)>]
    """

    def __init__(self, geometry: Objects | Sequence[Any] | None = None, wkb: pa.Array | None = None) -> None:
        """Keep what is given."""
        if geometry is None and wkb is None:
            raise ValueError("shapes need geometries or their WKB")
        if geometry is not None:
            self.__dict__["geometry"] = np.asarray(geometry, object)
        if wkb is not None:
            self.__dict__["wkb"] = wkb

    def __len__(self) -> int:
        """Return the number of features."""
        return len(self.__dict__.get("wkb", self.__dict__.get("geometry", ())))

    @cached_property
    def geometry(self) -> Objects:
        """The shapely geometries."""
        return np.asarray(shapely.from_wkb(self.wkb.to_numpy(zero_copy_only=False)), object)

    @cached_property
    def wkb(self) -> pa.Array:
        """The WKB."""
        return pa.array(shapely.to_wkb(self.geometry), pa.binary())

    def rings(self) -> Rings:
        """Return the rings of all polygons among them."""
        flat = flat_areas(self.wkb) if "wkb" in self.__dict__ else None
        found = None if flat is None else flat_rings(flat)
        return rings_of(self.geometry) if found is None else found

    def changed(self, geometry: Objects) -> Shapes:
        """Return these geometries in place of the ones that are there; what is known of those that stay is kept."""
        old = self.geometry
        if geometry is old:
            return self
        if "wkb" not in self.__dict__:
            return Shapes(geometry)
        rows = np.array([row for row, (one, two) in enumerate(zip(geometry, old, strict=True)) if one is not two], int)
        place = np.arange(len(old))
        place[rows] = len(old) + np.arange(len(rows))
        fresh = pa.array(shapely.to_wkb(geometry[rows]), self.wkb.type)
        return Shapes(geometry, pa.concat_arrays([self.wkb, fresh]).take(pa.array(place)))

    def take(self, rows: NDArray[np.int64]) -> Shapes:
        """Return some of them in the order given, as WKB where that is known."""
        if "wkb" in self.__dict__:
            return Shapes(wkb=self.wkb.take(pa.array(rows)))
        return Shapes(self.geometry[rows])

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as WKB."""
        return Shapes, (None, self.wkb)
