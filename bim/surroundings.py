"""What is known about the place into which a model shall fit: footprints, districts, roads, water, the ground."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
import shapely

from scenes.loading import FlatGround
from scenes.schema import BOUNDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.georeference import Georeference
    from scenes.loading import Ground, LoadContext
    from scenes.model import Batch, Layer, Scene

    Floats = NDArray[np.float64]
    Box = tuple[float, float, float, float]

_MODELS = ("bim",)


@dataclass(frozen=True)
class Surroundings:
    """A scene as evidence for where a model belongs.

    Parameters
    ----------
    frame
        Frame of the scene; None where nothing is known at all.
    loaded
        Layers with their batches; layers of building models do not count.
    ground
        The terrain, None where there is none.
    """

    frame: Georeference | None = None
    loaded: tuple[tuple[Layer, Batch], ...] = ()
    ground: Ground | None = None

    @classmethod
    def of(cls, context: LoadContext) -> Surroundings:
        """Return what a loader knows."""
        kept = tuple((layer, batch) for layer, batch in context.loaded if layer.theme not in _MODELS)
        ground = None if isinstance(context.ground, FlatGround) else context.ground
        return cls(context.georeference, kept, ground)

    @classmethod
    def of_scene(cls, scene: Scene | None) -> Surroundings:
        """Return what a finished scene tells."""
        if scene is None:
            return cls()
        loaded = [(layer, batch) for layer in scene.layers.values() for batch in layer.batches]
        return cls(scene.georeference, tuple(pair for pair in loaded if pair[0].theme not in _MODELS))

    @cached_property
    def _boxes(self) -> list[Floats]:
        """Of every batch its rows' bounds in plan, (n, 4), and their lowest z as a fifth column."""
        return [_boxes_of(batch) for _, batch in self.loaded]

    @cached_property
    def bounds(self) -> Box | None:
        """The scene in plan: (west, south, east, north) in local metres; None where there is nothing yet."""
        found = [box[np.isfinite(box[:, :4]).all(axis=1)] for box in self._boxes]
        all_boxes = np.concatenate([np.zeros((0, 5)), *found])
        if not len(all_boxes):
            return None
        low, high = all_boxes[:, :2].min(axis=0), all_boxes[:, 2:4].max(axis=0)
        return (float(low[0]), float(low[1]), float(high[0]), float(high[1]))

    @property
    def reach_m(self) -> float:
        """How far beyond its bounds a thing may lie and still be at this place, metres."""
        if self.bounds is None:
            return 0.0
        west, south, east, north = self.bounds
        return float(max(5_000.0, 0.5 * np.hypot(east - west, north - south)))

    def distance_m(self, x: float, y: float) -> float:
        """Return how far a local place lies outside the scene, zero inside; zero too where there is no scene."""
        if self.bounds is None:
            return 0.0
        west, south, east, north = self.bounds
        return float(np.hypot(max(west - x, x - east, 0.0), max(south - y, y - north, 0.0)))

    def has(self, *kinds: str) -> bool:
        """Say whether the scene has any object of some kinds."""
        return any(bool(np.isin(_kinds(batch), kinds).any()) for _, batch in self.loaded)

    def plans(self, box: Box, *kinds: str) -> tuple[NDArray[np.object_], Floats]:
        """Return the footprints of some kinds that touch a box, and the lowest z of each."""
        shapes: list[object] = []
        lowest: list[float] = []
        for (_, batch), bounds in zip(self.loaded, self._boxes, strict=True):
            west, south, east, north = (bounds[:, place] for place in range(4))
            near = (west <= box[2]) & (east >= box[0]) & (south <= box[3]) & (north >= box[1])
            rows = np.flatnonzero(near & np.isin(_kinds(batch), kinds))
            if not len(rows):
                continue
            cells = batch.table["footprint"].take(pa.array(rows)).to_pylist()
            for row, cell in zip(rows, cells, strict=True):
                shape = shapely.make_valid(shapely.from_wkb(cell)) if cell is not None else None
                if shape is not None and shape.area > 0:
                    shapes.append(shape)
                    lowest.append(float(bounds[row, 4]))
        found = np.empty(len(shapes), dtype=object)
        found[:] = shapes
        return found, np.array(lowest)

    def ground_at(self, x: float, y: float) -> float:
        """Return local z of the terrain at a place, NaN where it is not known."""
        return float("nan") if self.ground is None else float(np.asarray(self.ground.heights([x], [y])).ravel()[0])


def _kinds(batch: Batch) -> NDArray[np.object_]:
    return cast("NDArray[np.object_]", batch.table["kind"].to_numpy(zero_copy_only=False))


def _boxes_of(batch: Batch) -> Floats:
    """Return (n, 5): west, south, east, north, lowest z of each row, from its bounds, geometry or footprint."""
    table = batch.with_bounds().table
    columns = [table[name].to_numpy(zero_copy_only=False).astype(np.float64) for name in BOUNDS]
    boxes = np.column_stack([columns[0], columns[1], columns[3], columns[4], columns[2]])
    bare = np.flatnonzero(~np.isfinite(boxes[:, :4]).all(axis=1))
    if len(bare):
        shapes = shapely.from_wkb(table["footprint"].take(pa.array(bare)).to_numpy(zero_copy_only=False))
        boxes[bare, :4] = shapely.bounds(shapes)
    return boxes
