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
    Rows = NDArray[np.int64]


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
        self._whole = wkb
        self._rows: Rows | None = None
        if geometry is not None:
            self.__dict__["geometry"] = np.asarray(geometry, object)

    @classmethod
    def _part(cls, whole: pa.Array, rows: Rows) -> Shapes:
        """Return rows of a column of WKB that are not taken out of it yet."""
        made = cls(wkb=whole)
        made._rows = rows
        return made

    def __len__(self) -> int:
        """Return the number of features."""
        known = self._whole if self._rows is None else self._rows
        return len(self.geometry if known is None else known)

    @cached_property
    def geometry(self) -> Objects:
        """The shapely geometries."""
        return np.asarray(shapely.from_wkb(self.wkb.to_numpy(zero_copy_only=False)), object)

    @property
    def wkb(self) -> pa.Array:
        """The WKB."""
        if self._whole is None:
            self._whole = pa.array(shapely.to_wkb(self.geometry), pa.binary())
        if self._rows is not None:
            self._whole, self._rows = self._whole.take(pa.array(self._rows)), None
        return self._whole

    def rings(self) -> Rings:
        """Return the rings of all polygons among them."""
        flat = None if self._whole is None else flat_areas(self.wkb)
        found = None if flat is None else flat_rings(flat)
        return rings_of(self.geometry) if found is None else found

    def changed(self, geometry: Objects) -> Shapes:
        """Return these geometries in place of the ones that are there; what is known of those that stay is kept."""
        old = self.geometry
        if geometry is old:
            return self
        if self._whole is None:
            return Shapes(geometry)
        rows = np.array([row for row, (one, two) in enumerate(zip(geometry, old, strict=True)) if one is not two], int)
        place = np.arange(len(old))
        place[rows] = len(old) + np.arange(len(rows))
        fresh = pa.array(shapely.to_wkb(geometry[rows]), self.wkb.type)
        return Shapes(geometry, pa.concat_arrays([self.wkb, fresh]).take(pa.array(place)))

    def take(self, rows: Rows) -> Shapes:
        """Return some of them in the order given, as WKB where that is known."""
        if self._whole is None:
            return Shapes(self.geometry[rows])
        return self._part(self._whole, rows if self._rows is None else self._rows[rows])

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as WKB."""
        return Shapes, (None, self.wkb)
