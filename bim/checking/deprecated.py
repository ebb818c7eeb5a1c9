"""What each IFC schema has given up: entities, attributes, values, and classes only meant to be refined.

From the lists of deprecated constructs that buildingSMART publishes with IFC2X3 TC1, IFC4 ADD2 and IFC4.3. A
construct given up by one schema stays given up in the later ones.
"""

from __future__ import annotations

SCHEMAS = ("IFC2X3", "IFC4", "IFC4X3")

ENTITIES: dict[str, tuple[str, ...]] = {
    "IFC2X3": ("Ifc2DCompositeCurve", "IfcConnectionPortGeometry", "IfcElectricalElement", "IfcEquipmentElement",
               "IfcFillAreaStyleTiles", "IfcTextLiteral"),
    "IFC4": ("IfcProxy", "IfcOpeningStandardCase", "IfcDoorStyle", "IfcMaterialList", "IfcFaceBasedSurfaceModel",
             "IfcMaterialClassificationRelationship", "IfcPresentationStyleAssignment", "IfcBeamStandardCase",
             "IfcColumnStandardCase", "IfcDoorStandardCase", "IfcMemberStandardCase", "IfcPlateStandardCase",
             "IfcRelCoversBldgElements", "IfcRelCoversSpaces", "IfcSlabElementedCase", "IfcSlabStandardCase",
             "IfcWallElementedCase", "IfcWallStandardCase", "IfcWindowStandardCase", "IfcWindowStyle"),
    "IFC4X3": ("IfcBuildingSystem", "IfcCivilElement", "IfcCivilElementType", "IfcDoorLiningProperties",
               "IfcDoorPanelProperties", "IfcElectricDistributionBoard", "IfcElectricDistributionBoardType",
               "IfcPermeableCoveringProperties", "IfcPostalAddress", "IfcRelConnectsPortToElement",
               "IfcRelServicesBuildings", "IfcWindowLiningProperties", "IfcWindowPanelProperties",
               "IfcTelecomAddress", "IfcTrapeziumProfileDef"),
}  # fmt: skip

_BAR = ("NominalDiameter", "SteelGrade", "BarLength", "BarRole", "BarSurface")
_MESH = ("MeshLength", "MeshWidth", "LongitudinalBarNominalDiameter", "TransverseBarNominalDiameter",
         "LongitudinalBarCrossSectionArea", "TransverseBarCrossSectionArea", "LongitudinalBarSpacing",
         "TransverseBarSpacing")  # fmt: skip
ATTRIBUTES: dict[str, dict[str, tuple[str, ...]]] = {
    "IFC2X3": {"IfcFillAreaStyleHatching": ("PointOfReferenceHatchLine",)},
    "IFC4": {
        "IfcDoorLiningProperties": ("ShapeAspectStyle",),
        "IfcWindowLiningProperties": ("ShapeAspectStyle",),
        "IfcMechanicalFastener": ("NominalDiameter", "NominalLength"),
        "IfcPile": ("ConstructionType",),
        "IfcReinforcingBar": _BAR,
        "IfcReinforcingMesh": (*_MESH, "SteelGrade"),
        "IfcStairFlight": ("NumberOfRisers", "NumberOfTreads", "RiserHeight", "TreadLength"),
        "IfcTendon": ("SteelGrade", "NominalDiameter", "CrossSectionArea", "TensionForce", "PreStress",
                      "FrictionCoefficient", "AnchorageSlip", "MinCurvatureRadius"),
        "IfcTendonAnchor": ("SteelGrade",),
        "IfcRelAssigns": ("RelatedObjectsType",),
    },
    "IFC4X3": {
        "IfcBuilding": ("BuildingAddress", "ElevationOfRefHeight", "ElevationOfTerrain"),
        "IfcBuildingStorey": ("Elevation",),
        "IfcOrganization": ("Addresses",),
        "IfcPerson": ("Addresses",),
        "IfcSite": ("LandTitleNumber", "SiteAddress"),
        "IfcSurfaceStyleRendering": ("DiffuseTransmissionColour", "ReflectionColour", "TransmissionColour"),
        "IfcSurfaceTexture": ("Parameter",),
        "IfcTextureCoordinateGenerator": ("Parameter",),
        "IfcWindowPanelProperties": ("ShapeAspectStyle",),
    },
}  # fmt: skip

VALUES: dict[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "IFC2X3": (("IfcOwnerHistory", "ChangeAction", ("MODIFIEDADDED", "MODIFIEDDELETED")),
               ("IfcPropertySet", "Name", ("Pset_Draughting",))),
    "IFC4": (("IfcWall", "PredefinedType", ("STANDARD", "POLYGONAL")),
             ("IfcWallType", "PredefinedType", ("STANDARD", "POLYGONAL")),
             ("IfcStructuralLoadGroup", "PredefinedType", ("LOAD_COMBINATION_GROUP",))),
    "IFC4X3": (("IfcBuildingElementProxy", "PredefinedType", ("PROVISIONFORSPACE", "PROVISIONFORVOID")),
               ("IfcBuildingElementProxyType", "PredefinedType", ("PROVISIONFORSPACE", "PROVISIONFORVOID")),
               ("IfcFireSuppressionTerminal", "PredefinedType", ("SPRINKLERDEFLECTOR",)),
               ("IfcFireSuppressionTerminalType", "PredefinedType", ("SPRINKLERDEFLECTOR",)),
               ("IfcCableCarrierFitting", "PredefinedType", ("TEE", "CROSS", "REDUCER")),
               ("IfcCableCarrierFittingType", "PredefinedType", ("TEE", "CROSS", "REDUCER")),
               ("IfcGeographicElement", "PredefinedType", ("SOIL_BORING_POINT",)),
               ("IfcGeographicElementType", "PredefinedType", ("SOIL_BORING_POINT",)),
               ("IfcSpace", "PredefinedType", ("INTERNAL", "EXTERNAL")),
               ("IfcSpaceType", "PredefinedType", ("INTERNAL", "EXTERNAL")),
               ("IfcShapeRepresentation", "RepresentationType", ("PointCloud",))),
}  # fmt: skip

ABSTRACTED: dict[str, tuple[str, ...]] = {
    "IFC2X3": ("IfcProductRepresentation", "IfcRepresentation", "IfcRepresentationContext", "IfcRelAssociates"),
    "IFC4": ("IfcFlowFitting", "IfcFlowSegment", "IfcFlowTerminal", "IfcFlowController", "IfcFlowMovingDevice",
             "IfcFlowStorageDevice", "IfcFlowTreatmentDevice", "IfcEnergyConversionDevice"),
    "IFC4X3": (),
}  # fmt: skip


def up_to(schema: str) -> tuple[str, ...]:
    """Return the schemas whose lists hold for a model, oldest first.

    Examples
    --------
    >>> up_to("IFC4X3_ADD2"), up_to("IFC2X3")
    (('IFC2X3', 'IFC4', 'IFC4X3'), ('IFC2X3',))
    """
    family = "IFC4X3" if schema.startswith("IFC4X3") else schema
    return SCHEMAS[: SCHEMAS.index(family) + 1] if family in SCHEMAS else SCHEMAS
