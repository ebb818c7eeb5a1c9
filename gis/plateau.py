"""What is special about PLATEAU, the city models of Japan (i-UR): zones, hazards, and values that mean *unknown*."""

from __future__ import annotations

from typing import Any

_URBAN_FUNCTION = "/iur/urf/"
_URBAN_OBJECT = "/iur/uro/"
_HAZARDS = frozenset({"SedimentDisasterProneArea"})
_OBJECTS = {
    "UndergroundBuilding": "Building", "Manhole": "Manhole", "Handhole": "Manhole", "Appurtenance": "Device",
    "Pipe": "Pipe", "Duct": "Pipe", "Cable": "Pipe", "OtherConstruction": "OtherConstruction",
}  # fmt: skip
_UNKNOWN_NUMBERS = frozenset({-9999.0, -9999.9, 9999.0, 9999.9})
_UNKNOWN_TEXTS = frozenset({"0001", "0001-01-01", "0001-01-01T00:00:00", "9999-01-01", "9999-12-31"})
_COUNTED = ("storeys", "year", "height", "depth", "area", "rate", "elevation", "age", "number")
_DEPTHS = ("depth", "floodDepth", "inundationDepth")


def kind_of(name: str, space: str) -> tuple[str, str]:
    """Return (kind, layer) of an object element that is not CityGML's own.

    Examples
    --------
    >>> kind_of("UseDistrict", "https://www.geospatial.jp/iur/urf/2.0")
    ('LandUse', 'zones')
    >>> kind_of("Chimney", "https://example.org/ade")
    ('GenericOccupiedSpace', '')
    """
    if _URBAN_FUNCTION in space:
        return "LandUse", "hazards" if name in _HAZARDS else "zones"
    if _URBAN_OBJECT in space:
        if name.endswith(("Pipe", "Cable", "Duct")):
            return "Pipe", ""
        return _OBJECTS.get(name, "GenericOccupiedSpace"), ""
    return "GenericOccupiedSpace", ""


def is_unknown(name: str, value: Any) -> bool:
    """Say whether a value stands for *not known*: -9999 anywhere, 9999 for what is counted or measured.

    Examples
    --------
    >>> is_unknown("storeysAboveGround", 9999), is_unknown("measuredHeight", -9999.0), is_unknown("buildingID", 9999)
    (True, True, False)
    """
    if isinstance(value, str):
        return value in _UNKNOWN_TEXTS
    if isinstance(value, bool) or not isinstance(value, (int, float)) or float(value) not in _UNKNOWN_NUMBERS:
        return False
    return value < 0 or any(word in name.lower() for word in _COUNTED)


def flood_depth_m(properties: dict[str, dict[str, Any]]) -> float | None:
    """Return the greatest depth of water that the flooding attributes of an object give, None if they give none.

    Examples
    --------
    >>> flood_depth_m({"BuildingRiverFloodingRiskAttribute": {"depth": 2.5}, "Other": {"depth": 9.0}})
    2.5
    """
    depths = [
        float(values[word])
        for group, values in properties.items()
        if "Risk" in group or "Flooding" in group or "Inundation" in group
        for word in _DEPTHS
        if isinstance(values.get(word), (int, float)) and not is_unknown("depth", values[word])
    ]
    return max(depths) if depths else None


def is_hazard(properties: dict[str, dict[str, Any]]) -> bool:
    """Say whether a water body is an area that may be flooded, and not water."""
    return any(group.startswith("WaterBody") and "Risk" in group for group in properties)
