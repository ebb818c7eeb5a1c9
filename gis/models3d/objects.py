"""Objects of a 3D model on their way to batches: their attributes, hulls as plans, and meshes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from gis.attributes import attribute_columns
from gis.models3d.parts import mesh_of
from gis.networks.objects import NetworkObjects, batches_of_network
from scenes.mesh import MeshSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from gis.models3d.parts import Part
    from scenes.model import Batch, Layer
    from scenes.sources import Source

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


@dataclass
class ModelRows:
    """Objects with their parts, gathered until there are enough for a batch.

    Parameters
    ----------
    ids
        Ids that are unique in the source.
    kinds, names, parents
        Kind, name and id of the object above, of each.
    records
        Attributes of each.
    parts, rows
        Pieces, and the (v,) row of each of their vertices.
    """

    ids: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    rows: list[Integers] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.ids)

    @property
    def triangle_count(self) -> int:
        """Triangles of all parts."""
        return sum(len(part.triangles) for part in self.parts)

    def add(self, key: str, kind: str, name: str = "", parent: str = "", record: dict[str, Any] | None = None) -> int:
        """Add an object and return its row."""
        self.ids.append(key)
        self.kinds.append(kind)
        self.names.append(name)
        self.parents.append(parent)
        self.records.append(record or {})
        return len(self.ids) - 1

    def batches(
        self, layer: Layer, scheme: str, source: Source, to_local: Callable[[Floats], Floats]
    ) -> Iterator[tuple[Layer, Batch]]:
        """Yield the objects as batches; `to_local` turns (n, 3) coordinates of the parts into local metres."""
        mesh = mesh_of(self.parts, self.rows, to_local, source.path) or MeshSet.empty()
        frame = pd.DataFrame(self.records, index=range(len(self)))
        attributes, properties = attribute_columns(frame, {"name"})
        objects = NetworkObjects(
            self.ids, self.kinds, self.names, {**attributes, "properties": properties}, {}, hulls(mesh, len(self)),
            self.parents, mesh=mesh,
        )  # fmt: skip
        yield from batches_of_network(layer, objects, scheme, source)


def hulls(mesh: MeshSet, count: int) -> NDArray[np.object_]:
    """Return the convex hull of each row of a mesh seen from above, (count,); None where it has no vertex."""
    found = np.full(count, None, object)
    if mesh.vertex_count:
        rows = mesh.vertex_rows().astype(np.int64)
        used, inverse = np.unique(rows, return_inverse=True)
        points = shapely.multipoints(mesh.positions_m[:, :2], indices=inverse)
        found[used] = shapely.convex_hull(points)
    return found
