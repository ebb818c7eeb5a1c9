"""`CityObject`: a view of one row, made when somebody asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import pyarrow.compute as pc

from scenes.schema import BOUNDS, attribute_names, properties_of, unit_of
from scenes.semantics import areas_by_surface

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenes.mesh import MeshSet
    from scenes.model import Batch

    Bounds = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, eq=False)
class CityObject:
    """A view of one row; made when somebody asks for it.

    Examples
    --------
    A scene gives them out: ``tower = scene["urn:uuid:..."]``, then ``tower.attributes["height_m"]``.
    """

    layer: str
    row: int
    handle: int
    batch: Batch
    batch_row: int

    def __repr__(self) -> str:
        """Say what it is, how it is called, and where it is found."""
        return f"<{' '.join(filter(None, (self.kind, self.name, self.uid)))} in {self.layer}>"

    @cached_property
    def _cells(self) -> dict[str, Any]:
        return {name: self.batch.table[name][self.batch_row].as_py() for name in self.batch.table.column_names}

    @property
    def uid(self) -> str:
        """The URN that never changes."""
        return str(self._cells["uid"])

    @property
    def kind(self) -> str:
        """The CityGML class name."""
        return str(self._cells["kind"])

    @property
    def name(self) -> str:
        """The name, empty if it has none."""
        return self._cells["name"] or ""

    @property
    def parent(self) -> str | None:
        """The uid one level up in the spatial tree."""
        return cast("str | None", self._cells["parent"])

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Typed attributes by column name; columns that are null for this object are left out."""
        names = attribute_names(self.batch.table)
        return MappingProxyType({name: self._cells[name] for name in names if self._cells[name] is not None})

    @property
    def fixed(self) -> Mapping[str, Any]:
        """The fixed columns (`scenes.schema.FIXED`) without footprint and properties."""
        skip = {*attribute_names(self.batch.table), "footprint", "properties"}
        return MappingProxyType({name: value for name, value in self._cells.items() if name not in skip})

    @property
    def units(self) -> Mapping[str, str]:
        """UCUM units of the attributes that have one."""
        table = self.batch.table
        return {name: unit for name in attribute_names(table) if (unit := unit_of(table, name))}

    @property
    def properties(self) -> Mapping[str, Mapping[str, Any]]:
        """Property sets and rare attributes: {group: {name: value}}."""
        return properties_of(self._cells["properties"])

    @property
    def bounds(self) -> Bounds | None:
        """Local (min x, y, z, max x, y, z) in metres, None if it has no place."""
        found = tuple(self._cells[name] for name in BOUNDS)
        return None if any(value is None for value in found) else cast("Bounds", found)

    @property
    def footprint_wkb(self) -> bytes | None:
        """The plan as WKB in local metres."""
        return cast("bytes | None", self._cells["footprint"])

    @property
    def aliases(self) -> dict[str, str]:
        """Other names: {scheme: value}."""
        table = self.batch.aliases
        mine = table.filter(pc.equal(table["row"], self.batch_row))
        return dict(zip(mine["scheme"].to_pylist(), mine["value"].to_pylist(), strict=True))

    def mesh(self, lod: str | None = None) -> MeshSet | None:
        """Return its geometry at a level of detail (default the finest), None if it has none."""
        mesh = self.batch.finest() if lod is None else self.batch.meshes.get(lod)
        return None if mesh is None else mesh.take([self.batch_row])

    def surface_areas(self, lod: str | None = None) -> dict[str, float]:
        """Return the area of each kind of surface in square metres, such as ``{"RoofSurface": 84.2}``.

        Kinds are the names of CityGML; an object without semantic surfaces has none.
        """
        mesh = self.mesh(lod)
        return {} if mesh is None else {name: float(area[0]) for name, area in areas_by_surface(mesh, 1).items()}
