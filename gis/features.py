"""What readers of vector files give: tables of features that can be read window by window, as often as asked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd

from gis.shapes import Shapes
from scenes.errors import GeoreferenceError, LoadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gis.flatwkb import FlatAreas
    from scenes.sources import Source

WINDOW_ROWS = 131_072
"""Features that are in memory at a time; within them order, duplicates and parents are exact."""
WINDOW_BYTES = 192_000_000


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Features of one table of a file, or one window of them.

    Parameters
    ----------
    name
        Name of the table inside the file, a hint for its theme.
    frame
        A GeoDataFrame with an active geometry column ``geometry``.
    crs
        Text of its coordinate system, such as ``EPSG:4326``.
    mended
        How many rings had to be closed, or dropped, before anything could be read.
    areas
        The geometries where all are plain areas and no object was made of them yet: then `frame` has none.
    """

    name: str
    frame: Any
    crs: str
    mended: int = 0
    areas: FlatAreas | None = None

    def with_geometry(self) -> FeatureTable:
        """Return the features with a column ``geometry`` in any case."""
        if self.areas is None:
            return self
        shapes = Shapes(wkb=self.areas.wkb).geometry
        return replace(self, frame=gpd.GeoDataFrame(self.frame, geometry=shapes), areas=None)


class FlatFrame(NamedTuple):
    """A window of features, all of them plain areas, of which no object is made: attributes and outlines."""

    attributes: Any
    areas: FlatAreas


def _no_ids(_column: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class TableStream:
    """One table of a source, read in windows so that memory depends on the window and not on the file.

    Parameters
    ----------
    name
        Name of the table inside the source; the source's title when it is the only one.
    frames
        Called with the most rows a window may have; yields GeoDataFrames with a column ``geometry``, or `FlatFrame`.
        ``frame.attrs["mended"]`` counts rings that had to be closed.
    crs
        Text of the coordinate system, empty when neither the source nor the user names one.
    ids
        Called with the name of a column; yields its values without the geometry. None = read everything again.
    unique
        Whether no two features share an id, so that nobody has to look.
    """

    name: str
    frames: Callable[[int], Iterator[Any]]
    crs: str
    ids: Callable[[str], Iterator[Any] | None] = field(default=_no_ids)
    unique: bool = False

    def windows(self, rows: int = WINDOW_ROWS) -> Iterator[FeatureTable]:
        """Yield the windows that hold any feature."""
        return (window.with_geometry() for window in self.flat_windows(rows))

    def flat_windows(self, rows: int = WINDOW_ROWS) -> Iterator[FeatureTable]:
        """Yield the windows that hold any feature; those of plain areas without objects for them."""
        for frame in self.frames(rows):
            if isinstance(frame, FlatFrame):
                yield FeatureTable(self.name, frame.attributes, self.crs, areas=frame.areas)
            elif len(frame):
                yield FeatureTable(self.name, frame, self.crs, int(frame.attrs.get("mended", 0)))

    def id_values(self, column: str) -> Iterator[Any]:
        """Yield the values of a column, window by window."""
        found = self.ids(column)
        if found is not None:
            yield from found
        else:
            for window in self.flat_windows():
                if column in window.frame.columns:
                    yield window.frame[column]


def crs_of(source: Source, found: Any) -> str:
    """Return the text of the system that the user named or the file has.

    Raises
    ------
    GeoreferenceError
        When there is neither.
    """
    if source.crs:
        return source.crs
    if found is None:
        raise GeoreferenceError(
            source.shown, "does not say its coordinate system", "name it with --crs, for instance --crs EPSG:4326"
        )
    authority = found.to_authority(min_confidence=70)
    return ":".join(authority) if authority else str(found.to_wkt())


def broken(source: Source, error: BaseException) -> LoadError:
    """Return the one sentence for what a library said about a file."""
    if isinstance(error, RecursionError):
        return LoadError(source.shown, "is nested too deeply to be a map", "export it again")
    text = re.sub(r"\s+", " ", str(error)).strip().replace(source.path, source.title)
    text = text.split("; It might help", maxsplit=1)[0][:160]
    return LoadError(source.shown, f"cannot be read ({text or type(error).__name__})", "export it again")
