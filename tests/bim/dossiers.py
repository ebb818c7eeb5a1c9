"""A wall with a document, an approval, a constraint, a cost, a permit and an architect, in any schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bim.conftest import House


def documented(house: House, add: Callable[..., Any]) -> Any:
    """Add a wall with one record of every kind and return it."""
    model, wall = house.model, house.wall("North")
    create = model.create_entity
    office = create("IfcOrganization", Name="Planning office")
    person = create("IfcPerson", FamilyName="Wang", GivenName="Li", Roles=[create("IfcActorRole", "ARCHITECT")])
    person.Addresses = [create("IfcTelecomAddress", ElectronicMailAddresses=["li.wang@example.org"])]
    both = create("IfcPersonAndOrganization", person, office)
    plan = create("IfcDocumentInformation", Name="Wall plan", Revision="B", DocumentOwner=office)
    setattr(plan, "DocumentId" if model.schema == "IFC2X3" else "Identification", "D-17")
    sheet = create("IfcDocumentReference", Location="https://example.org/wall.pdf", Name="Sheet 3")
    if model.schema == "IFC2X3":
        plan.DocumentReferences = [sheet]
    else:
        sheet.ReferencedDocument = plan
    status = {"ApprovalStatus": "approved"} if model.schema == "IFC2X3" else {"Status": "approved"}
    if model.schema == "IFC2X3":
        status |= {"Identifier": "A-1", "ApprovalDateTime": create("IfcCalendarDate", 1, 3, 2026)}
    approval = create("IfcApproval", Name="Design review", **status)
    limit = create("IfcObjective", Name="Sound", ConstraintGrade="HARD", ObjectiveQualifier="REQUIREMENT")
    owner = {"OwnerHistory": wall.OwnerHistory} if model.schema == "IFC2X3" else {}
    cost = add(model, "IfcCostItem", "Masonry", **owner)
    offer = add(model, "IfcCostSchedule", "Offer", **owner, **_offer(model))
    permit = add(model, "IfcPermit", "Building permit", **owner, **_permit(model))
    if model.schema != "IFC2X3":
        values = [("Labour", 800.0), ("Material", 450.0)]
        cost.CostValues = [
            create("IfcCostValue", Name=name, AppliedValue=create("IfcMonetaryMeasure", each)) for name, each in values
        ]
    actor = add(model, "IfcActor", "Architect", TheActor=both, **owner)
    for name, end, record in (
        ("IfcRelAssociatesDocument", "RelatingDocument", sheet),
        ("IfcRelAssociatesApproval", "RelatingApproval", approval),
        ("IfcRelAssociatesConstraint", "RelatingConstraint", limit),
        ("IfcRelAssignsToControl", "RelatingControl", cost),
        ("IfcRelAssignsToControl", "RelatingControl", permit),
    ):
        more = {"Intent": "quiet rooms"} if name.endswith("Constraint") else {}
        add(model, name, RelatedObjects=[wall], **{end: record}, **owner, **more)
    add(model, "IfcRelAssignsToControl", RelatedObjects=[cost], RelatingControl=offer, **owner)
    role = create("IfcActorRole", "ARCHITECT")
    add(model, "IfcRelAssignsToActor", RelatedObjects=[wall], RelatingActor=actor, ActingRole=role, **owner)
    return wall


def _offer(model: Any) -> dict[str, Any]:
    return {"ID": "C-1", "PredefinedType": "TENDER"} if model.schema == "IFC2X3" else {"PredefinedType": "TENDER"}


def _permit(model: Any) -> dict[str, Any]:
    if model.schema == "IFC2X3":
        return {"PermitID": "P-9"}
    return {"Identification": "P-9", "Status": "granted", "PredefinedType": "BUILDING"}
