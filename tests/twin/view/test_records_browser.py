"""A wall tells in the page which documents, costs and people belong to it, with links to them and out of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ifcopenshell.guid
import pytest
from playwright.sync_api import Page, expect

import bim
from scenes.sources import Placement
from tests.twin.view.pages import opened, select
from twin.app import ServerOptions, start_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scenes import Scene

pytestmark = pytest.mark.browser

SHEET = "https://example.org/wall.pdf"


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A wall with a sheet on the web, a sheet of a hostile address, and an architect."""
    folder: Path = tmp_path_factory.mktemp("records")
    model = ifcopenshell.file(schema="IFC4")
    create = model.create_entity

    def rooted(name: str, **values: object) -> object:
        return create(name, GlobalId=ifcopenshell.guid.new(), **values)

    point = create("IfcCartesianPoint", (0.0, 0.0, 0.0))
    axes = create("IfcAxis2Placement3D", point)
    context = create("IfcGeometricRepresentationContext", None, "Model", 3, 1e-5, axes)
    metre = create("IfcSIUnit", UnitType="LENGTHUNIT", Name="METRE")
    units = create("IfcUnitAssignment", [metre])
    project = rooted("IfcProject", Name="House", RepresentationContexts=[context], UnitsInContext=units)
    site = rooted("IfcSite", Name="Site", ObjectPlacement=create("IfcLocalPlacement", None, axes))
    rooted("IfcRelAggregates", RelatingObject=project, RelatedObjects=[site])
    profile = create("IfcRectangleProfileDef", "AREA", None, None, 5.0, 0.3)
    body = create("IfcExtrudedAreaSolid", profile, axes, create("IfcDirection", (0.0, 0.0, 1.0)), 3.0)
    shape = create("IfcProductDefinitionShape", None, None,
                   [create("IfcShapeRepresentation", context, "Body", "SweptSolid", [body])])  # fmt: skip
    place = create("IfcLocalPlacement", None, axes)
    wall = rooted("IfcWall", Name="North", ObjectPlacement=place, Representation=shape)
    rooted("IfcRelContainedInSpatialStructure", RelatedElements=[wall], RelatingStructure=site)
    for name, address in (("Sheet 3", SHEET), ("Odd sheet", "javascript:alert(1)")):
        sheet = create("IfcDocumentReference", address, None, name)
        rooted("IfcRelAssociatesDocument", RelatedObjects=[wall], RelatingDocument=sheet)
    actor = rooted("IfcActor", Name="Architect", TheActor=create("IfcOrganization", Name="Planning office"))
    rooted(
        "IfcRelAssignsToActor",
        RelatedObjects=[wall],
        RelatingActor=actor,
        ActingRole=create("IfcActorRole", "ARCHITECT"),
    )
    model.write(str(folder / "house.ifc"))
    return bim.read(folder / "house.ifc", crs="EPSG:32651", place=Placement(354_000.0, 3_457_000.0))


@pytest.fixture(scope="module")
def page_of_it(documented: Scene) -> Iterator[str]:
    """A server of the wall, in Chinese."""
    with start_in_thread(documented, options=ServerOptions(language="zh")) as server:
        yield server.url


def test_records_are_reached_from_their_object_and_back(page: Page, page_of_it: str, documented: Scene) -> None:
    opened(page, page_of_it)
    wall = next(uid for uid in documented if documented[uid].name == "North")
    select(page, documented, wall)
    papers = page.locator(".relation[data-kind=documented]")
    expect(papers.locator("h4")).to_have_text("文档 (2)")
    expect(papers.locator("small").first).to_have_text("档案记录 · DocumentReference")
    expect(page.locator(".relation[data-kind=actor]")).to_contain_text("参与人员与机构 (1)")
    expect(page.locator(".relation[data-kind=actor] small")).to_have_text("档案记录 · ARCHITECT")
    papers.get_by_role("button", name="Sheet 3").click()
    expect(page.locator(".inspector h2")).to_have_text("Sheet 3")
    link = page.locator(".inspector dd a")
    expect(link).to_have_attribute("href", SHEET)
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(page.locator(".relation[data-kind=documented] h4")).to_have_text("说明对象 (1)")
    page.locator(".relation[data-kind=documented]").get_by_role("button", name="North").click()
    expect(page.locator(".inspector h2")).to_have_text("North")


def test_only_addresses_of_the_web_become_links(page: Page, page_of_it: str, documented: Scene) -> None:
    opened(page, page_of_it)
    select(page, documented, next(uid for uid in documented if documented[uid].name == "Odd sheet"))
    expect(page.locator(".inspector dl").first).to_be_visible()
    expect(page.get_by_text("javascript:alert(1)")).to_be_visible()
    assert page.locator(".inspector dd a").count() == 0
