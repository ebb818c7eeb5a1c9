"""IFC files written by the tests, through the library's own authoring functions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ifcopenshell
import ifcopenshell.api.aggregate
import ifcopenshell.api.context
import ifcopenshell.api.geometry
import ifcopenshell.api.georeference
import ifcopenshell.api.pset
import ifcopenshell.api.root
import ifcopenshell.api.spatial
import ifcopenshell.api.style
import ifcopenshell.api.type
import ifcopenshell.api.unit
import ifcopenshell.guid
import numpy as np
import pytest

from bim.records import LINES_FILE, TIES_FILE, TREE_FILE, read_table
from bim.writing import write_contents

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass
class House:
    """A project, a site, a building, a storey, and walls of 5 m x 3 m x 0.2 m on request."""

    model: Any
    body: Any
    storey: Any
    millimetres: bool

    def wall(self, name: str, origin_m: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Any:
        """Add one wall in the storey."""
        wall = ifcopenshell.api.root.create_entity(self.model, ifc_class="IfcWall", name=name)
        shape = ifcopenshell.api.geometry.add_wall_representation(
            self.model, context=self.body, length=5, height=3, thickness=0.2
        )
        ifcopenshell.api.geometry.assign_representation(self.model, product=wall, representation=shape)
        matrix = [[1.0, 0, 0, origin_m[0]], [0, 1.0, 0, origin_m[1]], [0, 0, 1.0, origin_m[2]], [0, 0, 0, 1.0]]
        ifcopenshell.api.geometry.edit_object_placement(self.model, product=wall, matrix=np.array(matrix))
        ifcopenshell.api.spatial.assign_container(self.model, relating_structure=self.storey, products=[wall])
        return wall

    def save(self, path: Path) -> Path:
        """Write the file."""
        self.model.write(str(path))
        return path


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every test do the whole work; those of the cache ask for one."""
    monkeypatch.setenv("CITYTWIN_CACHE", "off")


@pytest.fixture
def new_house() -> Callable[..., House]:
    """Make a house in a schema and a length unit."""

    def make(schema: str = "IFC4", *, millimetres: bool = False) -> House:
        model = ifcopenshell.file(schema=schema)
        if schema == "IFC2X3":  # there every object needs an author
            maker = model.create_entity("IfcOrganization", Name="Makers")
            author = model.create_entity("IfcPerson", FamilyName="Author")
            model.create_entity("IfcPersonAndOrganization", ThePerson=author, TheOrganization=maker)
            model.create_entity("IfcApplication", maker, "1", "Tests", "tests")
        project = ifcopenshell.api.root.create_entity(model, ifc_class="IfcProject", name="Town")
        prefix = {"prefix": "MILLI"} if millimetres else {}
        length = ifcopenshell.api.unit.add_si_unit(model, unit_type="LENGTHUNIT", **prefix)
        area = ifcopenshell.api.unit.add_si_unit(model, unit_type="AREAUNIT")
        ifcopenshell.api.unit.assign_unit(model, units=[length, area])
        root = ifcopenshell.api.context.add_context(model, context_type="Model")
        body = ifcopenshell.api.context.add_context(
            model, context_type="Model", context_identifier="Body", target_view="MODEL_VIEW", parent=root
        )
        above = project
        for name in ("IfcSite", "IfcBuilding", "IfcBuildingStorey"):
            made = ifcopenshell.api.root.create_entity(model, ifc_class=name, name=name[3:])
            ifcopenshell.api.aggregate.assign_object(model, products=[made], relating_object=above)
            above = made
        return House(model, body, above, millimetres)

    return make


@dataclass
class Said:
    """What a model says: rows, property groups, lines by name, relations by names, and the rules of the problems."""

    rows: dict[str, dict[str, Any]]
    groups: dict[str, dict[str, dict[str, Any]]]
    ties: set[tuple[str, str, str, str]]
    lines: dict[str, Any]
    rules: list[str]


@pytest.fixture
def said(tmp_path: Path) -> Callable[[Any], Said]:
    """Read an open model in this process: quick, and without shapes."""

    def read(model: Any) -> Said:
        rules: list[str] = []
        write_contents(model, tmp_path, lambda word, **told: rules.append(told["rule"]) if word == "problem" else None)
        rows = {row["number"]: row for row in read_table(tmp_path / TREE_FILE).to_pylist()}
        names = {number: row["name"] or row["ifc_class"] for number, row in rows.items()}
        ties = read_table(tmp_path / TIES_FILE).to_pylist()
        lines = read_table(tmp_path / LINES_FILE).to_pylist()
        return Said(
            {names[number]: row | {"parent": names.get(row["parent"], "")} for number, row in rows.items()},
            {names[number]: json.loads(row["properties"] or "{}") for number, row in rows.items()},
            {(names[tie["source"]], tie["kind"], names[tie["target"]], tie["role"]) for tie in ties},
            {names[line["product"]]: np.frombuffer(line["positions"]).reshape(-1, 3) for line in lines},
            rules,
        )

    return read


@pytest.fixture
def add() -> Callable[..., Any]:
    """Add one object or relation to a model by its attributes."""

    def make(model: Any, ifc_class: str, name: str = "", **attributes: Any) -> Any:
        made = model.create_entity(ifc_class, GlobalId=ifcopenshell.guid.new(), **attributes)
        if name:
            made.Name = name
        return made

    return make
