"""The loader of vector data: tables of features become layers of the city, window by window."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from gis.elevations import levelled
from gis.features import WINDOW_ROWS, FeatureTable, crs_of
from gis.formats import family_of
from gis.layering import Layering, main_layer
from gis.measures import measured
from gis.ownrows import OwnRows, is_own, notes_of
from gis.placing import check_bounds
from gis.reading import bounds_of, open_tables
from gis.sorting import SortedRuns
from gis.windows import prepared, state_of
from scenes.errors import LoadError
from scenes.georeference import WGS84, parse_crs, transformer
from scenes.loading import Location
from scenes.model import BATCH_ROWS
from scenes.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gis.features import TableStream
    from scenes.loading import Ground, LoadContext
    from scenes.model import Batch, Layer
    from scenes.sources import Source


@dataclass(frozen=True)
class VectorLoader:
    """Reads maps: files, archives, databases and services (docs/reference/vector-formats.md).

    Parameters
    ----------
    window_rows
        Features in memory at a time.
    """

    window_rows: int = WINDOW_ROWS
    name: ClassVar[str] = "vector"
    guarded: ClassVar[bool] = True

    def supports(self, source: Source) -> bool:
        """Say whether the source is vector data; looks at the name and, where several formats share it, inside."""
        return bool(family_of(source))

    def locate(self, source: Source) -> Location | None:
        """Return the middle of the features, and their system where it is projected."""
        west, south, east, north, crs = bounds_of(source)
        check_bounds(source.shown, crs, (west, south, east, north))
        lon, lat = transformer(crs, WGS84).transform((west + east) / 2, (south + north) / 2)
        parsed = parse_crs(crs)
        in_metres = parsed.is_projected and all(abs(a.unit_conversion_factor - 1) < 1e-9 for a in parsed.axis_info[:2])
        web = parsed.to_epsg() == 3857  # its metres are not metres on the ground
        lon = (float(lon) + 180.0) % 360.0 - 180.0
        return Location(lon, float(lat), crs if in_metres and not web else "")

    def surface(self, source: Source, context: LoadContext) -> Ground | None:  # noqa: ARG002
        """Return None: features are never the terrain."""
        return None

    def load(self, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        """Yield the batches of every table, each split into the layers that its features belong to.

        Raises
        ------
        SourceError, GeoreferenceError
            When the source is broken or empty, or lies nowhere.
        """
        layering = Layering(source, context, self._main(source))
        features = objects = 0
        for stream in open_tables(source, context.problems):
            for window, batches in self._table(stream, layering):
                features += window
                for layer, batch in batches:
                    objects += len(batch)
                    yield layer, batch
        if not features:
            raise LoadError(source.shown, "there is no feature in it", "export the layer again, with its features")
        if not objects:
            raise LoadError(
                source.shown, "none of its features has a usable geometry", "see twin check for each of them"
            )

    def _table(self, stream: TableStream, layering: Layering) -> Iterator[tuple[int, Iterator[tuple[Layer, Batch]]]]:
        """Yield how many features each window has, and its batches."""
        source = layering.source
        windows = stream.flat_windows(self.window_rows)
        first = next(windows, None)
        if first is None:
            return
        crs = stream.crs or crs_of(source, None)
        if is_own(first.frame.columns):
            own = OwnRows(source, layering.context, notes_of(source, stream.name))
            for window in itertools.chain([first], windows):
                yield len(window.frame), own.batches(FeatureTable(window.name, window.with_geometry().frame, crs))
            return
        second = next(windows, None)
        state = state_of(stream, first, source, more=second is not None)
        runs = SortedRuns()
        for window in itertools.chain([first], [second] if second else [], windows):
            table = replace(window, crs=crs)
            if table.areas is None:  # areas of two dimensions have neither measures nor heights
                table = levelled(measured(table), source, layering.context, first=window is first)
            pieces = layering.pieces(prepared(table, state, source, layering.context), state)
            if second is None:
                yield len(window.frame), layering.batches(pieces)
                return
            for piece in pieces:
                runs.add(piece)
            yield len(window.frame), iter(())
        yield 0, layering.batches(runs.merged(min(BATCH_ROWS, self.window_rows)))

    def _main(self, source: Source) -> str:
        """Return the theme that gets the name which the user gave, as the first windows suggest."""
        if not source.layer:
            return ""
        streams = open_tables(source, Problems())
        return main_layer((each for stream in streams for each in _first(stream, self.window_rows)), source)


def _first(stream: TableStream, rows: int) -> Iterator[FeatureTable]:
    found = next(stream.windows(rows), None)
    if found is not None:
        yield found
