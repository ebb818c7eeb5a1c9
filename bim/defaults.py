"""Where authoring tools put a site that nobody placed."""

from __future__ import annotations

# Latitude, longitude, what it is: read from models that were never placed, or the tool's own town list.
_TOOL_DEFAULTS = (
    (42.213, -71.033, "Boston, the default of Revit"),
    (42.3584, -71.0597, "Boston, the default of Revit"),
    (42.415, -71.257, "Boston, a default of Revit"),
    (51.5, -0.1262, "London, a default of authoring tools"),
    (24.4667, 54.4167, "Abu Dhabi, a default of authoring tools"),
    (59.9161, 10.7500, "Oslo, a default of authoring tools"),
    (52.15, 5.3833, "Amersfoort, a default of authoring tools"),
    (35.7, 139.7667, "Tokyo, a default of authoring tools"),
    (52.5167, 13.4, "Berlin, a default of authoring tools"),
    (39.9161, 116.4330, "Beijing, a default of authoring tools"),
    (40.4202, -3.7058, "Madrid, a default of authoring tools"),
    (40.0183, -105.2421, "Boulder, the default of SketchUp"),
)
# The same for middles of towns in which models really stand: only the very same number is a default.
_TOWNS = (
    (51.5074, -0.1278, "the middle of London as map pages give it"),
    (52.52, 13.405, "the middle of Berlin as map pages give it"),
    (48.1372, 11.5756, "the middle of Munich as map pages give it"),
    (47.4979, 19.0402, "the middle of Budapest as map pages give it"),
    (60.1699, 24.9384, "the middle of Helsinki as map pages give it"),
    (48.8566, 2.3522, "the middle of Paris as map pages give it"),
    (40.7128, -74.0060, "the middle of New York as map pages give it"),
    (37.7749, -122.4194, "the middle of San Francisco as map pages give it"),
    (35.6895, 139.6917, "the middle of Tokyo as map pages give it"),
    (31.2304, 121.4737, "the middle of Shanghai as map pages give it"),
    (39.9042, 116.4074, "the middle of Beijing as map pages give it"),
)
_NEAR_DEG = 0.02
_SAME_DEG = 0.00006


def tool_default(latitude_deg: float, longitude_deg: float) -> str:
    """Return what a place is when it is the default of an authoring tool, empty if it is none.

    Examples
    --------
    >>> tool_default(42.3584, -71.0597), tool_default(49.1004, 8.4365)
    ('Boston, the default of Revit', '')
    """
    for known, slack in ((_TOOL_DEFAULTS, _NEAR_DEG), (_TOWNS, _SAME_DEG)):
        for latitude, longitude, what in known:
            if max(abs(latitude - latitude_deg), abs(longitude - longitude_deg)) < slack:
                return what
    return ""
