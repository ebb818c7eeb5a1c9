"""Documents, approvals, constraints, costs, permits and actors are objects, tied to what they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ifcopenshell.api.unit
import pytest

from bim import read
from scenes import open as open_city
from scenes.store import save
from tests.bim.dossiers import documented

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCHEMAS = ("IFC2X3", "IFC4", "IFC4X3")


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_record_is_tied_to_its_object(
    new_house: Callable[..., Any], said: Callable[..., Any], add: Callable[..., Any], schema: str
) -> None:
    house = new_house(schema)
    documented(house, add)
    found = said(house.model)
    ties = {tie for tie in found.ties if tie[0] == "North"}
    assert ties == {
        ("North", "documented", "Sheet 3", "DocumentReference"),
        ("North", "approved", "Design review", "Approval"),
        ("North", "constrained", "Sound", "quiet rooms"),
        ("North", "governed", "Masonry", "CostItem"),
        ("North", "governed", "Building permit", "Permit"),
        ("North", "actor", "Architect", "ARCHITECT"),
    }
    layers = {found.rows[name]["layer"] for name in ("Sheet 3", "Design review", "Sound", "Masonry", "Architect")}
    kinds = {found.rows[name]["kind"] for name in ("Sheet 3", "Design review", "Sound", "Masonry", "Architect")}
    assert (layers, kinds) == ({"records"}, {"Record"})
    assert found.rows["Masonry"]["parent"] == "Offer"
    assert found.rows["Design review"]["status"] == "approved"
    assert found.groups["Sheet 3"]["Attributes"]["Location"] == "https://example.org/wall.pdf"
    people = found.groups["Architect"]["People"]
    assert {name: people[name] for name in ("Person", "Organization", "Roles", "E-mail")} == {
        "Person": "Li Wang", "Organization": "Planning office", "Roles": "ARCHITECT", "E-mail": "li.wang@example.org"
    }  # fmt: skip
    assert "contents-unreadable" not in found.rules
    assert "global-id-missing" not in found.rules


def test_the_document_of_a_reference_and_the_sum_of_costs_are_told(
    new_house: Callable[..., Any], said: Callable[..., Any], add: Callable[..., Any]
) -> None:
    house = new_house("IFC4")
    ifcopenshell.api.unit.assign_unit(
        house.model, units=[ifcopenshell.api.unit.add_monetary_unit(house.model, currency="CNY")]
    )
    documented(house, add)
    found = said(house.model)
    assert found.rows["Sheet 3"]["parent"] == "Wall plan"
    assert found.rows["Wall plan"]["identification"] == "D-17"
    assert found.groups["Wall plan"]["People"] == {"DocumentOwner": "Planning office"}
    assert found.groups["Masonry"]["Cost"]["Total"]["value"] == 1250.0
    assert "CNY" in str(found.groups["Masonry"]["Cost"]["Labour"])
    assert found.groups["Sound"]["Attributes"]["ConstraintGrade"] == "HARD"


def test_what_is_about_a_type_is_about_its_occurrences(
    new_house: Callable[..., Any], said: Callable[..., Any], add: Callable[..., Any]
) -> None:
    house = new_house("IFC4")
    model, walls = house.model, [house.wall("A"), house.wall("B")]
    kind = add(model, "IfcWallType", "Brick wall", PredefinedType="SOLIDWALL")
    add(model, "IfcRelDefinesByType", RelatedObjects=walls, RelatingType=kind)
    guide = model.create_entity("IfcDocumentInformation", "G-1", "Bricklaying")
    add(model, "IfcRelAssociatesDocument", RelatedObjects=[kind], RelatingDocument=guide)
    ties = said(model).ties
    assert {(tie[0], tie[2]) for tie in ties if tie[1] == "documented"} == {("A", "Bricklaying"), ("B", "Bricklaying")}


def test_records_of_one_name_stay_apart_and_keep_their_ids(
    new_house: Callable[..., Any], add: Callable[..., Any], tmp_path: Path
) -> None:
    house = new_house("IFC4")
    model, wall = house.model, house.wall("North")
    for status in ("open", "closed"):
        approval = model.create_entity("IfcApproval", Name="Review", Status=status)
        add(model, "IfcRelAssociatesApproval", RelatedObjects=[wall], RelatingApproval=approval)
    scenes = [read(house.save(tmp_path / "house.ifc")) for _ in range(2)]
    layers = [next(layer for name, layer in scene.layers.items() if name.endswith("-records")) for scene in scenes]
    ids = [layer.table["source_id"].to_pylist() for layer in layers]
    assert ids[0] == ids[1] == ["IfcApproval:Review", "IfcApproval:Review:2"]
    assert layers[0].table["uid"].to_pylist() == layers[1].table["uid"].to_pylist()
    save(scenes[0], tmp_path / "house.city")
    city = open_city(tmp_path / "house.city")
    tied = {each.other for each in city.relations(city[_uid_of(city, "North")].uid) if each.kind == "approved"}
    assert tied == set(layers[0].table["uid"].to_pylist())
    assert all(not city[uid].aliases for uid in tied)


def _uid_of(city: Any, name: str) -> str:
    return str(next(uid for uid in city if city[uid].name == name))
