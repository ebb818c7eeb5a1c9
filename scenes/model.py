"""`Scene`, `Layer`, `Batch` and `CityObject`: the city as tables that are shared and never changed in place."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scenes.cityobject import CityObject
from scenes.digest import content_hash
from scenes.errors import UnknownObjectError
from scenes.index import digest_texts
from scenes.lookup import Lookup
from scenes.relations import RELATIONS, RelationIndex
from scenes.schema import BOUNDS, stack_tables

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    import trimesh
    from geopandas import GeoDataFrame
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from scenes.georeference import Georeference
    from scenes.mesh import MeshSet
    from scenes.relations import Relation, RelationGroup

    Bounds = tuple[float, float, float, float, float, float]

__all__ = ["ALIASES", "BATCH_ROWS", "Batch", "CityObject", "Layer", "Scene"]

ALIASES = pa.schema([("scheme", pa.string()), ("value", pa.string()), ("row", pa.uint32())])
BATCH_ROWS = 20_000


@dataclass(frozen=True, eq=False)
class Batch:
    """Some thousand objects: a table, and their geometry at each level of detail.

    Parameters
    ----------
    table
        One row an object (`scenes.schema`).
    meshes
        Level of detail (``"0"`` coarse .. ``"4"``, also ``"2.2"``) to geometry.
    aliases
        Other names of the rows: columns scheme, value, row.
    relations
        What goes out from the rows to other objects: columns row, kind, target (a uid), role (`scenes.relations`).
    """

    table: pa.Table
    meshes: Mapping[str, MeshSet] = field(default_factory=dict)
    aliases: pa.Table = field(default_factory=ALIASES.empty_table)
    relations: pa.Table = field(default_factory=RELATIONS.empty_table)

    def __repr__(self) -> str:
        """Say how many objects it has, and at which levels of detail."""
        return f"<Batch: {_told(len(self), self.meshes)}>"

    def __len__(self) -> int:
        """Return the number of objects."""
        return int(self.table.num_rows)

    @cached_property
    def content_hash(self) -> str:
        """Hash of everything in the batch, the same in every process."""
        return content_hash(self.table, self.aliases, self.meshes, self.relations)

    @cached_property
    def plan_boxes(self) -> NDArray[np.float64]:
        """Box of the plan of each row, (n, 4) least and greatest x and y in local metres; NaN without a place."""
        from scenes.plans import boxes_of  # noqa: PLC0415 - it reads batches

        return boxes_of(self.table)

    @cached_property
    def plan_extent(self) -> NDArray[np.float64]:
        """Box around all plans, (4,) local metres; NaN when nothing has a place."""
        known = self.plan_boxes[np.isfinite(self.plan_boxes[:, 0])]
        if not len(known):
            return np.full(4, np.nan)
        return np.concatenate([known[:, :2].min(axis=0), known[:, 2:].max(axis=0)])

    @property
    def triangle_count(self) -> int:
        """Triangles at the finest level of detail; known without reading the geometry of an opened package."""
        if not self.meshes:
            return 0
        level = max(self.meshes, key=float)
        known = getattr(self.meshes, "triangle_counts", None)
        return int(known[level]) if known is not None else self.meshes[level].triangle_count

    def finest(self) -> MeshSet | None:
        """Return the geometry of the highest level of detail, None if the batch has none."""
        return self.meshes[max(self.meshes, key=float)] if self.meshes else None

    def with_bounds(self) -> Batch:
        """Return the batch with its bounds columns filled from the finest geometry."""
        if getattr(self.meshes, "bounds_known", False):
            return self
        mesh = self.finest()
        if mesh is None:
            return self
        low, high = mesh.row_bounds(len(self))
        table = self.table
        for column, values in zip(BOUNDS, [*low.T, *high.T], strict=True):
            known = np.isfinite(values)
            filled = pa.array(values, mask=~known)
            index = table.schema.get_field_index(column)
            table = table.set_column(index, table.schema.field(index), pc.coalesce(filled, table[column]))
        return replace(self, table=table)


@dataclass(frozen=True, eq=False)
class Layer:
    """Named objects of one theme.

    Parameters
    ----------
    name
        Plain name, used in folders and addresses: lower case, digits, ``-`` and ``_``.
    batches
        The objects.
    theme
        What the viewer's style goes by: buildings, bim, roads, water, landuse, trees, terrain, pipes,
        districts, points, sensors, generic.
    titles
        Names for people by language (``{"en": "Buildings", "zh": "建筑"}``).
    source
        Where it came from, for provenance.
    """

    name: str
    batches: tuple[Batch, ...] = ()
    theme: str = "generic"
    titles: Mapping[str, str] = field(default_factory=dict)
    source: str = ""

    def __repr__(self) -> str:
        """Say what it is called, and what is in it."""
        return f"<Layer {self.name} ({self.theme}): {_told(len(self), self.lods)}>"

    def __len__(self) -> int:
        """Return the number of objects."""
        return sum(len(batch) for batch in self.batches)

    @cached_property
    def table(self) -> pa.Table:
        """All objects as one table (the batches' memory is shared)."""
        return stack_tables([batch.table for batch in self.batches])

    @property
    def lods(self) -> tuple[str, ...]:
        """Levels of detail that any batch has, coarse to fine."""
        return tuple(sorted({level for batch in self.batches for level in batch.meshes}, key=float))

    @property
    def triangle_count(self) -> int:
        """Triangles at the finest level."""
        return sum(batch.triangle_count for batch in self.batches)

    def bounds(self) -> Bounds | None:
        """Return (min x, y, z, max x, y, z) in local metres, None if nothing has a place."""
        table = self.table
        found = [(pc.min if name.startswith("min") else pc.max)(table[name]).as_py() for name in BOUNDS]
        return None if any(value is None for value in found) else cast("Bounds", tuple(found))

    def with_batches(self, batches: Sequence[Batch]) -> Layer:
        """Return the layer with other batches."""
        return replace(self, batches=tuple(batches))

    def to_geopandas(self, georeference: Georeference | None = None) -> GeoDataFrame:
        """Return the objects as a GeoDataFrame (`scenes.frames.layer_frame`).

        With the georeference of the scene it is in projected coordinates, without one in local metres.
        """
        from scenes.frames import layer_frame  # noqa: PLC0415

        return layer_frame(self, georeference)


@dataclass(frozen=True, eq=False)
class Scene:
    """A city: a frame on the Earth and an ordered mapping of layers. Edits return a new scene.

    Examples
    --------
    >>> from scenes.georeference import Georeference
    >>> city = Scene(Georeference("EPSG:32651", 354_000.0, 3_457_000.0), name="empty")
    >>> len(city), list(city.layers)
    (0, [])
    >>> city.with_layer(Layer("trees"))
    <Scene empty: 0 objects in EPSG:32651; trees 0>
    """

    georeference: Georeference
    layers: Mapping[str, Layer] = field(default_factory=dict)
    name: str = "city"
    version: int = 1
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Freeze the mapping of layers."""
        for name, layer in self.layers.items():
            if name != layer.name:
                raise ValueError(f"layer {layer.name} is filed under {name}")
        object.__setattr__(self, "layers", MappingProxyType(dict(self.layers)))

    def __repr__(self) -> str:
        """Say where it lies, and what is in which layer: a line, however large the city."""
        layers = ", ".join(f"{name} {len(layer):,}" for name, layer in self.layers.items())
        system = self.georeference.crs if len(self.georeference.crs) < 40 else "a grid of its own"
        return f"<Scene {self.name}: {'; '.join(filter(None, (f'{_told(len(self))} in {system}', layers)))}>"

    def __len__(self) -> int:
        """Return the number of objects in all layers."""
        return sum(len(layer) for layer in self.layers.values())

    def __getitem__(self, uid: str) -> CityObject:
        """Return the object with a uid.

        Raises
        ------
        UnknownObjectError
            When the scene has no such object.
        """
        return self.at(self._index.handle_of(uid))

    def __contains__(self, uid: object) -> bool:
        """Say whether the scene has an object with this uid."""
        return isinstance(uid, str) and self._index.find(uid) is not None

    def __iter__(self) -> Iterator[str]:
        """Iterate over the uids, by handle."""
        for layer in self.layers.values():
            yield from layer.table["uid"].to_pylist()

    @cached_property
    def _index(self) -> Lookup:
        return Lookup(self.layers, self.uids)

    @cached_property
    def _batches(self) -> tuple[NDArray[np.int64], list[tuple[str, int]]]:
        """First handle of every batch, and its (layer, place in the layer)."""
        named = [(name, place) for name, layer in self.layers.items() for place in range(len(layer.batches))]
        sizes = [len(batch) for layer in self.layers.values() for batch in layer.batches]
        return np.cumsum([0, *sizes]).astype(np.int64), named

    @cached_property
    def bases(self) -> Mapping[str, int]:
        """First handle of each layer; handles are dense in the order layer, batch, row."""
        starts = np.cumsum([0, *(len(layer) for layer in self.layers.values())])
        return MappingProxyType({name: int(start) for name, start in zip(self.layers, starts, strict=False)})

    @cached_property
    def epoch(self) -> int:
        """A 32-bit number that changes whenever handles mean other objects."""
        columns = [batch.table["uid"] for layer in self.layers.values() for batch in layer.batches]
        return int.from_bytes(digest_texts(columns, 4), "little")

    @cached_property
    def uids(self) -> pa.ChunkedArray:
        """The uid of each handle."""
        return pa.chunked_array(
            [chunk for layer in self.layers.values() for chunk in layer.table["uid"].chunks], type=pa.string()
        )

    def handle(self, uid: str) -> int:
        """Return the dense handle of a uid in this version of the scene."""
        return self._index.handle_of(uid)

    def handles(self, uids: Sequence[str] | pa.Array | pa.ChunkedArray) -> NDArray[np.int64]:
        """Return the handle of each uid, -1 where the scene does not have it."""
        return self._index.find_many(uids)

    def at(self, handle: int) -> CityObject:
        """Return the object with a handle."""
        starts, named = self._batches
        if not 0 <= handle < int(starts[-1]):
            raise UnknownObjectError(f"handle {handle}", f"the scene has {len(self)} objects", "use a uid")
        place = int(np.searchsorted(starts, handle, "right")) - 1
        name, number = named[place]
        batch = self.layers[name].batches[number]
        return CityObject(name, handle - self.bases[name], handle, batch, handle - int(starts[place]))

    def resolve(self, name: str) -> CityObject:
        """Return the object that a uid, ``scheme:value`` alias, 21-digit code or source id names.

        Raises
        ------
        UnknownObjectError
            When nothing, or more than one object, has that name.
        """
        found = self.resolve_all(name)
        if not found:
            raise UnknownObjectError(name, "no object has this id or alias", "search by name with a query")
        if len(found) > 1:
            raise UnknownObjectError(name, f"{len(found)} objects have this alias", f"use a uid such as {found[0].uid}")
        return found[0]

    def resolve_all(self, name: str) -> list[CityObject]:
        """Return every object that a uid, alias, code or source id names; may be empty."""
        return [self.at(handle) for handle in self._index.resolve(name)]

    @cached_property
    def _relations(self) -> RelationIndex:
        return RelationIndex((batch for layer in self.layers.values() for batch in layer.batches), self._index.uids)

    def relations(self, uid: str) -> list[Relation]:
        """Return the relations of an object as (kind, role, other uid, outgoing), those that go out first.

        Raises
        ------
        UnknownObjectError
            When the scene has no such object.
        """
        self._index.handle_of(uid)
        return self._relations.of(uid)

    def relation_groups(self, uid: str, most: int = 6) -> list[RelationGroup]:
        """Return the relations of an object by kind and way, counted, at most `most` of each spelled out.

        Raises
        ------
        UnknownObjectError
            When the scene has no such object.
        """
        self._index.handle_of(uid)
        return self._relations.groups(uid, most)

    def graph(self, kind: str = "") -> pd.DataFrame:
        """Return the relations of one kind (default all) as edges: uids in ``source`` and ``target``, kind and role.

        Both ends are in the scene. ``networkx.from_pandas_edgelist(scene.graph("connects"))`` is the graph.
        """
        return self._relations.graph(kind)

    def children(self, uid: str) -> list[CityObject]:
        """Return the objects whose parent is `uid`."""
        return [self.at(handle) for handle in self._index.children(uid)]

    def bounds(self) -> Bounds | None:
        """Return (min x, y, z, max x, y, z) in local metres of all layers, None if nothing has a place."""
        found = [box for layer in self.layers.values() if (box := layer.bounds()) is not None]
        if not found:
            return None
        array = np.array(found)
        return cast("Bounds", (*array[:, :3].min(axis=0).tolist(), *array[:, 3:].max(axis=0).tolist()))

    def with_layer(self, layer: Layer) -> Scene:
        """Return a scene with one layer added or replaced; all others are shared."""
        return replace(self, layers={**self.layers, layer.name: layer}, version=self.version + 1)

    def without_layer(self, name: str) -> Scene:
        """Return a scene without one layer."""
        if name not in self.layers:
            raise UnknownObjectError(name, f"no such layer; there are {', '.join(self.layers) or 'none'}")
        kept = {other: layer for other, layer in self.layers.items() if other != name}
        return replace(self, layers=kept, version=self.version + 1)

    def __add__(self, other: Scene) -> Scene:
        """Return both scenes in the frame of this one (`scenes.join.join_scenes`)."""
        from scenes.join import join_scenes  # noqa: PLC0415

        return join_scenes(self, other)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the scene as a city package, whole or not at all, and return its folder (`scenes.saving.save`)."""
        from scenes.saving import save  # noqa: PLC0415

        return save(self, path)

    def query(self, text: str, *, crs: str = "") -> GeoDataFrame:
        """Return the objects that a CQL2 text filter picks (`scenes.query.query`).

        Raises
        ------
        QueryError
            When the text does not parse or names an unknown column.
        """
        from scenes.query import query  # noqa: PLC0415

        return query(self, text, crs=crs)

    def nearest(
        self, place: tuple[float, float], count: int = 1, *, crs: str = "", layers: Sequence[str] = ()
    ) -> GeoDataFrame:
        """Return the objects nearest to a place, with a column ``distance_m`` (`scenes.query.nearest`)."""
        from scenes.query import nearest  # noqa: PLC0415

        return nearest(self, place, count, crs=crs, layers=layers)

    def to_geopandas(self) -> GeoDataFrame:
        """Return all objects as a GeoDataFrame with the uid as index (`scenes.frames.scene_frame`)."""
        from scenes.frames import scene_frame  # noqa: PLC0415

        return scene_frame(self)

    def to_trimesh(self, lod: str | None = None) -> trimesh.Scene:
        """Return the geometry as a trimesh scene: a mesh a layer, local metres, z up (`scenes.convert.to_trimesh`)."""
        from scenes.convert import to_trimesh  # noqa: PLC0415

        return to_trimesh(self, lod)

    def to_pyvista(self, **options: Any) -> Any:
        """Return the scene as PyVista data; needs the package `twin` with its extra ``app``."""
        from scenes.extensions import call_view  # noqa: PLC0415

        return call_view("pyvista", self, **options)

    def plot(self, column: str = "", *, layers: Sequence[str] = (), axes: Axes | None = None) -> Axes:
        """Draw a plan of the scene, coloured by an attribute if one is named (`scenes.plotting.plot`)."""
        from scenes.plotting import plot  # noqa: PLC0415

        return plot(self, column, layers=layers, axes=axes)

    def view(self, **options: Any) -> Any:
        """Show the scene in the browser viewer of a notebook; needs the package `twin` with its extra ``app``."""
        from scenes.extensions import call_view  # noqa: PLC0415

        return call_view("view", self, **options)

    def to_html(self, path: str | os.PathLike[str], **options: Any) -> Any:
        """Write the scene as one self-contained page; needs the package `twin` with its extra ``app``."""
        from scenes.extensions import call_view  # noqa: PLC0415

        return call_view("html", self, path, **options)


def _told(count: int, levels: Iterable[str] = ()) -> str:
    """Return a number of objects and their levels of detail in words."""
    text = f"{count:,} object" if count == 1 else f"{count:,} objects"
    return f"{text}, level of detail {' '.join(sorted(levels, key=float))}" if levels else text
