"""Reading a map in this process, where a test wants to be quick or to look inside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gis.vector import VectorLoader
from scenes.georeference import Georeference
from scenes.loading import FlatGround, LoadContext
from scenes.problems import Problems
from scenes.schema import stack_tables
from scenes.sources import Source

if TYPE_CHECKING:
    from pathlib import Path

    from scenes.loading import Ground
    from scenes.model import Batch

FRAME = Georeference("EPSG:32651", 357_000.0, 3_457_000.0)


@dataclass
class Map:
    """What a file held: the tables and batches of its layers, and its problems."""

    batches: dict[str, list[Batch]] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)

    def table(self, layer: str) -> pa.Table:
        """Return the objects of a layer."""
        return stack_tables([batch.with_bounds().table for batch in self.batches[layer]])

    def rows(self, layer: str) -> dict[str, dict[str, Any]]:
        """Return the objects of a layer by name."""
        return {str(row["name"]): row for row in self.table(layer).to_pylist()}

    @property
    def counts(self) -> dict[str, int]:
        """How many objects each layer has."""
        return {name: sum(map(len, batches)) for name, batches in self.batches.items()}


def load(
    path: Path | str, *, rows: int = 0, ground: Ground | None = None, frame: Georeference = FRAME, **said: Any
) -> Map:
    """Return what the vector loader reads; `said` is what the user says of the source."""
    found = Map()
    loader = VectorLoader(rows) if rows else VectorLoader()
    source = Source(str(path), **said)
    assert loader.supports(source)
    context = LoadContext(frame, ground or FlatGround(), found.problems)
    for layer, batch in loader.load(source, context):
        found.batches.setdefault(layer.name, []).append(batch)
    return found
