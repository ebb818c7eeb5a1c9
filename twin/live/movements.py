"""Reports of things that move: where each was, when, and which way it went."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

Floats = NDArray[np.float64]

KINDS = ("other", "car", "bus", "train", "truck", "drone", "ship", "bicycle", "person")
"""What can move, by its code: each has a shape of its own on the page."""

GONE = 255
"""In the place of a kind: the thing is no longer there."""


@dataclass(frozen=True, eq=False)
class Movements:
    """Some reports, one row each; all arrays have the same length n.

    Parameters
    ----------
    ids
        Name of each thing; the same name is the same thing.
    time_ms
        Instants of the reports, ms since 1970 UTC; one number for all.
    x, y
        Where they were: local metres of the city, or coordinates of `crs` (x east or longitude).
    z_m
        Local heights; NaN = on the ground.
    heading_deg
        Clockwise from north; NaN = the way they went since the report before.
    speed_m_s
        NaN = by the report before.
    kind
        Places in `KINDS`, or their names.
    code
        Colour by code, as of an overlay: 1 to 250 along a ramp; 0 = the colour of the kind.
    crs
        System of x and y, such as ``EPSG:4326``; empty = local metres.

    Raises
    ------
    ValueError
        When the arrays differ in length, or a kind is unknown.

    Examples
    --------
    >>> moved = Movements(["bus-1", "tram-2"], 1000, [0.0, 50.0], [0.0, 10.0], kind=["bus", "train"])
    >>> len(moved), moved.kind.tolist(), moved.time_ms.tolist()
    (2, [2, 3], [1000, 1000])
    """

    ids: Sequence[str]
    time_ms: ArrayLike
    x: ArrayLike
    y: ArrayLike
    z_m: ArrayLike = np.nan
    heading_deg: ArrayLike = np.nan
    speed_m_s: ArrayLike = np.nan
    kind: ArrayLike | str = "car"
    code: ArrayLike = 0
    crs: str = ""
    _size: int = field(init=False, default=0, repr=False)

    def __post_init__(self) -> None:
        """Bring everything to one length and its type."""
        size = len(self.ids)
        object.__setattr__(self, "_size", size)
        object.__setattr__(self, "ids", [str(each) for each in self.ids])
        for name in ("x", "y", "z_m", "heading_deg", "speed_m_s"):
            object.__setattr__(self, name, self._column(name, np.float64))
        object.__setattr__(self, "time_ms", self._column("time_ms", np.int64))
        object.__setattr__(self, "kind", self._kinds())
        object.__setattr__(self, "code", self._column("code", np.uint8))

    def __len__(self) -> int:
        """Return the number of reports."""
        return self._size

    def _column(self, name: str, kind: type) -> NDArray[np.generic]:
        values: NDArray[np.generic] = np.asarray(getattr(self, name), kind)
        if values.shape not in {(), (self._size,)}:
            raise ValueError(f"{name}: {values.shape} values for {self._size} ids")
        return np.ascontiguousarray(np.broadcast_to(values, (self._size,)))

    def _kinds(self) -> NDArray[np.uint8]:
        given = np.asarray(self.kind)
        if given.dtype.kind in "UO":
            names, places = np.unique(given.astype(str), return_inverse=True)
            unknown = [name for name in names.tolist() if name not in KINDS]
            if unknown:
                raise ValueError(f"kind {unknown[0]!r} is unknown; there are {', '.join(KINDS)}")
            given = np.array([KINDS.index(name) for name in names.tolist()])[places].reshape(given.shape)
        kinds = np.broadcast_to(given.astype(np.uint8), (self._size,))
        if (kinds >= len(KINDS)).any():
            raise ValueError(f"kind {int(kinds.max())} is unknown; there are 0 to {len(KINDS) - 1}")
        return np.ascontiguousarray(kinds)
