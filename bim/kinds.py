"""Which CityGML 3.0 kind an IFC class becomes."""

from __future__ import annotations

# The first entry that is the class itself or one of its supertypes wins, so special ones come first.
# Sources: CityGML 3.0 part 1 (OGC 20-010) for the kinds, IFC 4.3.2 and IFC2x3 TC1 for the classes.
KIND_OF_CLASS: dict[str, str] = {
    "IfcProject": "CityObjectGroup",
    "IfcGroup": "CityObjectGroup",
    "IfcTask": "Task",
    "IfcControl": "Record",
    "IfcActor": "Record",
    "IfcDocumentInformation": "Record",
    "IfcDocumentReference": "Record",
    "IfcLibraryInformation": "Record",
    "IfcLibraryReference": "Record",
    "IfcApproval": "Record",
    "IfcConstraint": "Record",
    "IfcWorkControl": "Task",
    "IfcWorkPlan": "Task",
    "IfcWorkSchedule": "Task",
    "IfcPositioningElement": "ReferenceLine",
    "IfcLinearElement": "ReferenceLine",
    "IfcGrid": "ReferenceLine",
    "IfcAnnotation": "ReferenceLine",
    "IfcSite": "Site",
    "IfcBuilding": "Building",
    "IfcBuildingStorey": "Storey",
    "IfcSpace": "BuildingRoom",
    "IfcSpatialZone": "BuildingUnit",
    "IfcBridge": "Bridge",
    "IfcBridgePart": "BridgePart",
    "IfcRoad": "Road",
    "IfcRailway": "Railway",
    "IfcTunnel": "Tunnel",
    "IfcTunnelPart": "TunnelPart",
    "IfcRoadPart": "TrafficArea",
    "IfcRailwayPart": "TrafficArea",
    "IfcMarineFacility": "OtherConstruction",
    "IfcFacilityPart": "OtherConstruction",
    "IfcFacility": "OtherConstruction",
    "IfcDoor": "Door",
    "IfcWindow": "Window",
    "IfcFurnishingElement": "BuildingFurniture",
    "IfcPipeSegment": "Pipe",
    "IfcDuctSegment": "Pipe",
    "IfcFlowSegment": "Pipe",
    "IfcPipeFitting": "PipeFitting",
    "IfcFlowFitting": "PipeFitting",
    "IfcDistributionChamberElement": "Manhole",
    "IfcDistributionControlElement": "Device",
    "IfcSensor": "Device",
    "IfcDistributionElement": "BuildingInstallation",
    "IfcElectricalElement": "BuildingInstallation",
    "IfcEquipmentElement": "BuildingInstallation",
    "IfcTransportElement": "BuildingInstallation",
    "IfcTransportationDevice": "BuildingInstallation",
    "IfcGeographicElement": "ReliefFeature",
    "IfcEarthworksElement": "ReliefFeature",
    "IfcEarthworksCut": "ReliefFeature",
    "IfcGeotechnicalElement": "ReliefFeature",
    "IfcPavement": "TrafficArea",
    "IfcCourse": "TrafficArea",
    "IfcKerb": "AuxiliaryTrafficArea",
    "IfcTrackElement": "TrafficArea",
    "IfcRail": "TrafficArea",
    "IfcSign": "CityFurniture",
    "IfcSignal": "CityFurniture",
    "IfcMooringDevice": "CityFurniture",
    "IfcNavigationElement": "CityFurniture",
    "IfcCivilElement": "OtherConstruction",
    "IfcBuiltElement": "BuildingConstructiveElement",
    "IfcBuildingElement": "BuildingConstructiveElement",
    "IfcBuildingElementPart": "BuildingConstructiveElement",
    "IfcElementComponent": "BuildingConstructiveElement",
    "IfcElementAssembly": "BuildingConstructiveElement",
    "IfcFeatureElementSubtraction": "GenericOccupiedSpace",
    "IfcPort": "GenericOccupiedSpace",
    "IfcElement": "BuildingConstructiveElement",
    "IfcProxy": "BuildingConstructiveElement",
}
# Where the predefined type says more than the class (IFC 4.3.2, the enumerations of these classes).
_BESIDE_THE_ROAD = (
    "CENTRALISLAND",
    "CENTRALRESERVE",
    "HARDSHOULDER",
    "REFUGEISLAND",
    "ROADSIDE",
    "ROADSIDEPART",
    "SHOULDER",
    "SOFTSHOULDER",
    "TRAFFICISLAND",
)
KIND_OF_TYPE: dict[tuple[str, str], str] = {
    **{("IfcRoadPart", name): "AuxiliaryTrafficArea" for name in _BESIDE_THE_ROAD},
    ("IfcRailwayPart", "LINESIDE"): "OtherConstruction",
    ("IfcRailwayPart", "LINESIDEPART"): "OtherConstruction",
    ("IfcMarineFacility", "CANAL"): "Waterway",
    ("IfcMarineFacility", "WATERWAY"): "Waterway",
    ("IfcGeographicElement", "VEGETATION"): "PlantCover",
    ("IfcGeographicElement", "TREE"): "SolitaryVegetationObject",
}
_CONSTRUCTIVE = "BuildingConstructiveElement"
_OUTDOORS = {_CONSTRUCTIVE: "OtherConstruction", "BuildingInstallation": "CityFurniture"}
_IN_A_BRIDGE = {_CONSTRUCTIVE: "BridgeConstructiveElement"}
_IN_A_TUNNEL = {_CONSTRUCTIVE: "TunnelConstructiveElement"}
# What stands in one of these is of its kind; the nearest one decides.
SETTINGS: dict[str, dict[str, str]] = {
    "Building": {},
    "Storey": {},
    "Bridge": _IN_A_BRIDGE,
    "BridgePart": _IN_A_BRIDGE,
    "Tunnel": _IN_A_TUNNEL,
    "TunnelPart": _IN_A_TUNNEL,
    "Road": _OUTDOORS,
    "TrafficArea": _OUTDOORS,
    "AuxiliaryTrafficArea": _OUTDOORS,
    "Railway": _OUTDOORS,
    "Waterway": _OUTDOORS,
    "OtherConstruction": _OUTDOORS,
}


def kind_of(supertypes: list[str], predefined_type: str = "") -> str:
    """Return the kind for a class, given it and its supertypes from the most special to the most general.

    Examples
    --------
    >>> kind_of(["IfcWallStandardCase", "IfcWall", "IfcBuildingElement", "IfcElement"])
    'BuildingConstructiveElement'
    >>> kind_of(["IfcAlignment", "IfcLinearPositioningElement", "IfcPositioningElement"])
    'ReferenceLine'
    >>> kind_of(["IfcRoadPart", "IfcFacilityPart"], "SHOULDER")
    'AuxiliaryTrafficArea'
    """
    for name in supertypes:
        if (name, predefined_type.upper()) in KIND_OF_TYPE:
            return KIND_OF_TYPE[name, predefined_type.upper()]
        if name in KIND_OF_CLASS:
            return KIND_OF_CLASS[name]
    return "GenericOccupiedSpace"


def kind_inside(kind: str, setting: str) -> str:
    """Return the kind of an element that stands in a bridge, tunnel or road rather than in a building.

    Examples
    --------
    >>> kind_inside("BuildingConstructiveElement", "Bridge")
    'BridgeConstructiveElement'
    >>> kind_inside("BuildingInstallation", "Road")
    'CityFurniture'
    """
    return SETTINGS.get(setting, {}).get(kind, kind)
