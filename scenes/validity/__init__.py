"""Whether surfaces and solids are geometrically sound, after ISO 19107, with the error codes of val3dity.

`check_faces` looks at rings and polygons (1xx, 2xx), `check_shells` at closed surfaces and solids (3xx, 4xx).
Codes and default tolerances: Ledoux, H. (2018), "val3dity: validation of 3D GIS primitives according to the
international standards", Open Geospatial Data, Software and Standards 3:1. The code here is our own.
"""

from __future__ import annotations

from scenes.validity.faces import Faces, Finding, check_faces
from scenes.validity.shells import check_shells

__all__ = ["MEANINGS", "Faces", "Finding", "check_faces", "check_shells"]

MEANINGS = {
    101: "a ring has fewer than three different points",
    102: "two consecutive points of a ring are the same",
    103: "a ring is not closed",
    104: "a ring crosses or touches itself",
    201: "rings of a polygon intersect",
    203: "a polygon is not flat",
    206: "an inner ring lies outside the outer ring",
    207: "an inner ring lies inside another one",
    208: "inner and outer rings turn the same way",
    301: "a shell has fewer than four polygons",
    302: "a shell is not closed",
    303: "a shell is not a manifold: more than two polygons meet at an edge, or a vertex joins separate fans",
    305: "a shell falls into several parts",
    306: "a shell intersects itself",
    307: "polygons of a shell are turned the wrong way",
    401: "shells of a solid intersect",
    403: "an inner shell lies outside the outer shell",
    405: "a shell is turned inside out",
    902: "a geometry is empty",
}
"""What each code means, for people."""
