"""From windows of features to batches: which layer a feature goes to, its columns, its mesh."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely

from gis.attributes import attribute_columns, common_columns, id_texts, names_of
from gis.builders import Features, MeshRecipe
from gis.draping import lowest_ground
from gis.elevations import lifted_roofs
from gis.ground import relief_of
from gis.heights import heights_of
from gis.identifying import hashes_of
from gis.ordering import hilbert_order
from gis.sorting import Piece
from gis.themes import THEMES, classes_of, plain_name, themes_of
from scenes.batches import DeferredMeshes
from scenes.crew import Shared
from scenes.model import Batch, Layer
from scenes.schema import object_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from gis.features import FeatureTable
    from gis.heights import Heights
    from gis.themes import Theme
    from gis.windows import TableState, Window
    from scenes.loading import Ground, LoadContext
    from scenes.sources import Source

    Objects = NDArray[np.object_]
    Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Layering:
    """Turns windows of one source into batches.

    Parameters
    ----------
    source
        What is read.
    context
        The frame, the ground and the list of problems.
    main
        The theme that gets the name that the user gave; empty when there is none.
    """

    source: Source
    context: LoadContext
    main: str = ""

    def batches(self, pieces: Iterable[Piece]) -> Iterator[tuple[Layer, Batch]]:
        """Yield the batches of some pieces; their geometry is made later."""
        for part in (part for piece in pieces for part in piece.parts()):
            recipe = MeshRecipe(part.features, self._ground)
            yield part.layer, Batch(part.table, DeferredMeshes(recipe), part.aliases())

    def pieces(self, window: Window, state: TableState) -> Iterator[Piece]:
        """Yield the features of a window theme by theme, each along a Hilbert curve."""
        for key in THEMES:
            rows = np.flatnonzero(window.themes == key)
            if len(rows):
                yield self._piece(window, rows, THEMES[key], state)

    def _piece(self, window: Window, rows: Rows, theme: Theme, state: TableState) -> Piece:
        box = shapely.bounds(window.frame.geometry.to_numpy()[rows])
        rows = rows[hilbert_order((box[:, 0] + box[:, 2]) / 2, (box[:, 1] + box[:, 3]) / 2)]
        features = self._features(window, rows, theme, self._ground.value)
        columns, units = self._columns(features, window, rows, state)
        layer = layer_of(theme, self.source, self.main or theme.layer)
        identity = window.identity
        return Piece(layer, object_table(columns, units), features, identity.scheme, identity.original[rows])

    @cached_property
    def _ground(self) -> Shared:
        return Shared(relief_of(self.context.ground))

    def _features(self, window: Window, rows: Rows, theme: Theme, ground: Ground | None) -> Features:
        frame = window.frame.iloc[rows].reset_index(drop=True)
        shapes = window.shapes.take(rows)
        classes = classes_of(frame, theme.layer)
        heights = None
        if theme.layer == "buildings":
            heights = heights_of(frame, classes, self.source)
            elevations = window.elevations.take(rows)
            if elevations.known.any():
                below = lowest_ground(shapes.geometry, ground)
                zero_m = self.context.georeference.height_m
                heights = lifted_roofs(heights, elevations, (below, ground, zero_m))
            _report_heights(heights.source, window.labels[rows], self.context)
        return Features(theme, shapes, frame, classes, _colour_hashes(frame, window, rows), heights)

    def _columns(
        self, features: Features, window: Window, rows: Rows, state: TableState
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the columns of the object table and their units."""
        frame, heights = features.frame, features.heights
        used = heights.used if heights is not None else ()
        skip = {*used, window.identity.column, "name", "class"}
        layer = features.theme.layer
        chosen = state.columns.setdefault(layer, common_columns(frame, skip))
        attributes, properties = attribute_columns(frame, skip, chosen)
        geometry = frame.geometry.to_numpy()
        plans = _flattened(geometry) if shapely.has_z(geometry).any() else features.shapes.wkb
        columns: dict[str, Any] = {
            "uid": pa.array(window.identity.uids[rows], pa.string()),
            "kind": pa.array(_kinds(features), pa.string()),
            "name": pa.array(names_of(frame), pa.string(), from_pandas=True),
            "source": pa.repeat(pa.scalar(self.source.title, pa.string()), len(rows)),
            "source_id": pa.array(window.identity.source_ids[rows], pa.string()),
            "footprint": plans,
            "properties": properties,
            "class": pa.array(features.classes, pa.string(), mask=features.classes == ""),
        }
        units: dict[str, str] = {}
        if heights is not None:
            parents = state.identities.parents_of(_roots(frame), window.identity)
            columns |= {"parent": pa.array(parents, pa.string()), **_height_columns(heights)}
            units = {"height_m": "m", "min_height_m": "m", "levels": "1"}
        return {**columns, **{name: values for name, values in attributes.items() if name not in columns}}, units


def layer_of(theme: Theme, source: Source, main: str) -> Layer:
    """Return the layer of a theme; a name that the user gave goes to the theme with the most features."""
    name = plain_name(source.layer)
    titles = {"en": theme.english, "zh": theme.chinese}
    if not name:
        return Layer(theme.layer, theme=theme.theme, titles=titles, source=source.title)
    if theme.layer != main:
        name = f"{name}-{theme.layer}"
    return Layer(name, theme=theme.theme, titles={"en": source.layer, "zh": source.layer}, source=source.title)


def main_layer(tables: Iterable[FeatureTable], source: Source) -> str:
    """Return the theme that most features of some windows belong to."""
    counts: dict[str, int] = {}
    for table in tables:
        names = tuple(dict.fromkeys(name for name in (source.layer, table.name, source.title) if name))
        themes = themes_of(table.frame, names).astype(str)
        if source.height_column in table.frame.columns:
            themes[np.isin(themes, ("areas", "landuse"))] = "buildings"
        for key, count in zip(*np.unique(themes[themes != ""], return_counts=True), strict=True):
            counts[str(key)] = counts.get(str(key), 0) + int(count)
    return max(counts, key=lambda key: counts[key]) if counts else ""


def _report_heights(sources: Objects, labels: Objects, context: LoadContext) -> None:
    for rule, text in (("missing", "has no height or storeys"), ("implausible", "its height is not plausible")):
        for label in labels[sources == rule]:
            context.problems.add(
                "warning",
                str(label),
                f"height-{rule}",
                f"{text}: a usual one is drawn",
                "name the column with --height",
            )


def _height_columns(heights: Heights) -> dict[str, Any]:
    return {
        "height_m": pa.array(heights.top_m),
        "min_height_m": pa.array(heights.base_m),
        "levels": pa.array(heights.levels, from_pandas=True),
        "height_source": pa.array(heights.source, pa.string()),
    }


def _flattened(geometry: Objects) -> pa.Array:
    return pa.array(shapely.to_wkb(geometry, output_dimension=2), pa.binary())


def _kinds(features: Features) -> Objects:
    kinds = np.full(len(features), features.theme.kind, object)
    if features.theme.layer == "buildings":
        part = features.flags("building:part")
        if "kind" in features.frame.columns:
            part |= (features.frame["kind"].astype(str) == "building_part").to_numpy()
        kinds[part] = "BuildingPart"
    if features.theme.layer == "landuse":
        green = ("park", "grass", "wood", "forest", "garden", "natural_wood", "meadow", "scrub", "natural_forest")
        kinds[np.isin(features.classes, green)] = "PlantCover"
    if features.theme.layer == "water":
        kinds[np.isin(features.classes, ("river", "canal", "stream"))] = "Waterway"
    return kinds


def _roots(frame: Any) -> list[str]:
    """Return the id of the building that each part belongs to, empty for the others."""
    if "root_id" not in frame.columns:
        return [""] * len(frame)
    return [str(text) for text in id_texts(frame["root_id"])]


def _colour_hashes(frame: Any, window: Window, rows: Rows) -> NDArray[np.uint64]:
    """Return the numbers that decide colours: a part wears the colour of its building."""
    roots = np.array(_roots(frame), object)
    own = window.identity.original[rows]
    return hashes_of(np.where(roots != "", roots, np.where(own != "", own, window.identity.source_ids[rows])))
