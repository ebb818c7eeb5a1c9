"""Which CityGML 3.0 kind an IFC class becomes."""

from __future__ import annotations

# The first entry that is the class itself or one of its supertypes wins, so special ones come first.
# Sources: CityGML 3.0 part 1 (OGC 20-010) for the kinds, IFC 4.3.2 and IFC2x3 TC1 for the classes.
KIND_OF_CLASS: dict[str, str] = {
    "IfcProject": "CityObjectGroup",
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
    "IfcRailwayPart": "Track",
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
    "IfcTransportElement": "BuildingInstallation",
    "IfcTransportationDevice": "BuildingInstallation",
    "IfcGeographicElement": "ReliefFeature",
    "IfcEarthworksElement": "ReliefFeature",
    "IfcEarthworksCut": "ReliefFeature",
    "IfcGeotechnicalElement": "ReliefFeature",
    "IfcPavement": "TrafficArea",
    "IfcKerb": "AuxiliaryTrafficArea",
    "IfcTrackElement": "Track",
    "IfcRail": "Track",
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
    "IfcElement": "BuildingConstructiveElement",
}
_IN_A_BRIDGE = {"BuildingConstructiveElement": "BridgeConstructiveElement"}
_IN_A_TUNNEL = {"BuildingConstructiveElement": "TunnelConstructiveElement"}


def kind_of(supertypes: list[str]) -> str:
    """Return the kind for a class, given it and its supertypes from the most special to the most general.

    Examples
    --------
    >>> kind_of(["IfcWallStandardCase", "IfcWall", "IfcBuildingElement", "IfcElement"])
    'BuildingConstructiveElement'
    >>> kind_of(["IfcAlignment", "IfcPositioningElement"])
    'GenericOccupiedSpace'
    """
    for name in supertypes:
        if name in KIND_OF_CLASS:
            return KIND_OF_CLASS[name]
    return "GenericOccupiedSpace"


def kind_inside(kind: str, container: str) -> str:
    """Return the kind of an element that stands in a bridge or tunnel rather than in a building.

    Examples
    --------
    >>> kind_inside("BuildingConstructiveElement", "Bridge")
    'BridgeConstructiveElement'
    """
    if container in ("Bridge", "BridgePart"):
        return _IN_A_BRIDGE.get(kind, kind)
    if container in ("Tunnel", "TunnelPart"):
        return _IN_A_TUNNEL.get(kind, kind)
    return kind
