"""Objects of a network on their way to batches: ids, attributes with units, plans, shapes and what joins them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely

from gis.themes import plain_name
from scenes.identity import derive_uids
from scenes.mesh import MeshSet
from scenes.model import ALIASES, BATCH_ROWS, Batch, Layer
from scenes.relations import RELATIONS, relation_table
from scenes.schema import FIXED_NAMES, object_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from scenes.sources import Source


@dataclass(frozen=True, slots=True)
class Link:
    """A relation from the object in a row to the object with an id, of a kind such as ``connects``."""

    row: int
    kind: str
    target: str
    role: str = ""


@dataclass(frozen=True, eq=False)
class NetworkObjects:
    """Objects of one layer.

    Parameters
    ----------
    ids
        (n,) ids that are unique in the source; the part behind the first ``/`` is the name in the file.
    kinds
        (n,) kinds of `scenes.schema.KINDS`.
    names
        (n,) names for people, empty where there is none.
    columns
        Attributes by name, (n,) each.
    units
        UCUM units of attributes.
    plans
        (n,) shapely geometries in local metres; None = no plan.
    parents
        (n,) ids of the objects above, empty where there is none.
    links
        Relations to other objects of the source.
    mesh
        Geometry by row.
    level
        Level of detail of the geometry.
    """

    ids: Sequence[str]
    kinds: Sequence[str] | NDArray[np.object_]
    names: Sequence[str] | NDArray[np.object_] = ()
    columns: Mapping[str, Any] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    plans: NDArray[np.object_] | None = None
    parents: Sequence[str] = ()
    links: Sequence[Link] = ()
    mesh: MeshSet = field(default_factory=MeshSet.empty)
    level: str = "1"

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.ids)


def layer_named(name: str, theme: str, titles: Mapping[str, str], source: Source, *, main: bool = False) -> Layer:
    """Return a layer; where the user gave a name, it is that (`main`) or begins with it."""
    wanted = plain_name(source.layer)
    if not wanted:
        return Layer(name, theme=theme, titles=dict(titles), source=source.title)
    if main:
        return Layer(wanted, theme=theme, titles={"en": source.layer, "zh": source.layer}, source=source.title)
    return Layer(f"{wanted}-{name}", theme=theme, titles=dict(titles), source=source.title)


def batches_of_network(
    layer: Layer, objects: NetworkObjects, scheme: str, source: Source
) -> Iterator[tuple[Layer, Batch]]:
    """Yield the objects in batches; `scheme` names the aliases with their names in the file."""
    uids = derive_uids(source.namespace, objects.ids)
    parents = derive_uids(source.namespace, objects.parents) if len(objects.parents) else []
    columns = _columns(objects, uids, parents, source)
    targets = derive_uids(source.namespace, [link.target for link in objects.links])
    link_rows = np.array([link.row for link in objects.links], np.int64)
    for start in range(0, len(objects), BATCH_ROWS):
        stop = min(start + BATCH_ROWS, len(objects))
        cells = {name: values[start:stop] for name, values in columns.items()}
        own = [text.partition("/")[2] or text for text in objects.ids[start:stop]]
        aliases = pa.table([[scheme] * len(own), own, np.arange(len(own), dtype=np.uint32)], schema=ALIASES)
        mine = np.flatnonzero((link_rows >= start) & (link_rows < stop)).tolist()
        relations = RELATIONS.empty_table()
        if mine:
            links = [objects.links[place] for place in mine]
            relations = relation_table(
                link_rows[mine] - start,
                [link.kind for link in links],
                [targets[place] for place in mine],
                [link.role for link in links],
            )
        whole = objects.mesh
        mesh = whole if stop - start == len(objects) else whole.take(np.arange(start, stop))
        shown = {objects.level: mesh} if mesh.vertex_count or mesh.instances else {}
        yield layer, Batch(object_table(cells, objects.units), shown, aliases, relations)


def _columns(objects: NetworkObjects, uids: list[str], parents: list[str], source: Source) -> dict[str, Any]:
    count = len(objects)
    named = [name or None for name in objects.names] if len(objects.names) else [None] * count
    columns: dict[str, Any] = {
        "uid": pa.array(uids, pa.string()),
        "kind": pa.array(list(objects.kinds), pa.string()),
        "name": pa.array(named, pa.string()),
        "source": pa.array([source.title] * count, pa.string()),
        "source_id": pa.array(list(objects.ids), pa.string()),
    }
    if parents:
        above = [uid if text else None for uid, text in zip(parents, objects.parents, strict=True)]
        columns["parent"] = pa.array(above, pa.string())
    if objects.plans is not None:
        there = ~(shapely.is_missing(objects.plans) | shapely.is_empty(objects.plans))
        plans = np.full(count, None, object)
        plans[there] = shapely.to_wkb(shapely.force_2d(objects.plans[there]))
        columns["footprint"] = pa.array(plans, pa.binary())
        box = shapely.bounds(objects.plans)
        places = (("min_x", 0), ("min_y", 1), ("max_x", 2), ("max_y", 3))
        columns |= {name: pa.array(box[:, at], from_pandas=True) for name, at in places}
    allowed = {"valid_from", "valid_to", "properties"}
    for name, values in objects.columns.items():
        fixed = name in FIXED_NAMES and name not in allowed
        columns[f"{name}_" if fixed else name] = _typed(values)
    return columns


def _typed(values: Any) -> pa.Array:
    """Return a column; empty texts and NaN become null."""
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values
    array = np.asarray(values)
    if array.dtype.kind in "OU":
        cells = [None if value is None or value == "" or value != value else value for value in array.tolist()]  # noqa: PLR0124 - NaN
        return pa.array(cells)
    return pa.array(array, from_pandas=True)
