"""What every reader of point clouds gives: a head, then some hundred thousand points at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from gis.pointcloud_systems import CloudSystem
    from scenes.problems import Problems
    from scenes.sources import Source

    Floats = NDArray[np.float64]

CHUNK = 300_000
"""Points that are read at a time."""

_KEYS = ("classes", "intensity", "returns", "colours")


@dataclass(frozen=True, slots=True)
class CloudHead:
    """What a cloud says about itself before its points are read.

    Parameters
    ----------
    count
        Points that it promises, 0 = it does not say.
    system
        Its coordinate system.
    form
        Name of the format for people, such as ``LAZ 1.4``.
    """

    count: int
    system: CloudSystem
    form: str


@dataclass(frozen=True, eq=False, slots=True)
class PointChunk:
    """Some points in the coordinates of their file.

    Parameters
    ----------
    xyz
        (n, 3) float64.
    classes
        (n,) uint8 classes by ASPRS, None where the format has none.
    intensity
        (n,) uint16.
    returns
        (n,) uint8: number of the return plus 16 times the number of returns.
    colours
        (n, 3) uint16: 8 or 16 bits a channel, which only the whole cloud tells.
    """

    xyz: Floats
    classes: NDArray[np.uint8] | None = None
    intensity: NDArray[np.uint16] | None = None
    returns: NDArray[np.uint8] | None = None
    colours: NDArray[np.uint16] | None = None

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.xyz)

    def kept(self, flags: Any) -> PointChunk:
        """Return the points whose (n,) flag is set; the chunk itself when all are."""
        if flags.all():
            return self
        marks: dict[str, Any] = {name: None if (old := getattr(self, name)) is None else old[flags] for name in _KEYS}
        return replace(self, xyz=self.xyz[flags], **marks)


class CloudReader(Protocol):
    """Reads one format of point clouds."""

    def supports(self, source: Source) -> bool:
        """Say whether it reads the source, by its name and first bytes."""

    def head(self, source: Source) -> CloudHead:
        """Return what the cloud says about itself; errors as the loader's."""

    def chunks(self, source: Source, problems: Problems) -> Iterator[PointChunk]:
        """Yield the points."""


def whole(values: NDArray[np.generic], greatest: int) -> NDArray[np.uint16]:
    """Return numbers of any type as whole ones from 0 to `greatest`."""
    numbers = np.nan_to_num(np.asarray(values, np.float64), nan=0.0)
    return np.clip(np.rint(numbers), 0, greatest).astype(np.uint16)
