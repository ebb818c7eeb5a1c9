"""Worker side: placements that the geometry engine does not understand, replaced by local ones with the same effect.

The engine knows no grid placements, and takes the length of an arc for an angle where a curve states angles. Both are
worked out by `bim.placements` here. It is done before shapes are made and after everything else has been read.
"""

# ruff: noqa: PLC0415 - the IFC library is imported where it is used, in the worker only
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bim.alignment import Alignments
from bim.entities import READ_ERRORS, attribute, every, list_at
from bim.placements import own_matrix
from bim.units import Units

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DEEPEST = 16


def settle_placements(model: Any) -> int:
    """Replace the placements of an open model that the engine misses; return how many there were."""
    from ifcopenshell.util.element import replace_element

    _keep_reference_openings(model)
    units = Units(model)
    alignments = Alignments(model, units)
    odd = [*every(model, "IfcGridPlacement"), *(each for each in every(model, "IfcLinearPlacement") if _by_angle(each))]
    count = 0
    for placement in odd:
        try:
            matrix = own_matrix(placement, units, alignments)
        except (*READ_ERRORS, np.linalg.LinAlgError):  # left as it is; the engine will say that it has no shape
            continue
        replace_element(placement, _local(model, attribute(placement, "PlacementRelTo"), matrix, units))
        count += 1
    return count


def _keep_reference_openings(model: Any) -> None:
    """Untie the openings whose shape is only for reference, since their hosts have the holes already (IFC 4.3.2)."""
    for relation in every(model, "IfcRelVoidsElement"):
        shape = attribute(attribute(relation, "RelatedOpeningElement"), "Representation")
        shapes = list_at(shape, "Representations") if shape is not None else []
        if shapes and all(attribute(each, "RepresentationIdentifier") == "Reference" for each in shapes):
            model.remove(relation)


def _by_angle(placement: Any) -> bool:
    """Say whether the curve of a linear placement states a piece of a circle by its angle."""
    curve = attribute(attribute(attribute(placement, "RelativePlacement"), "Location"), "BasisCurve")
    for _ in range(_DEEPEST):
        if curve is None:
            return False
        for segment in list_at(curve, "Segments"):
            length = attribute(segment, "SegmentLength")
            angle = hasattr(length, "is_a") and length.is_a("IfcParameterValue")
            parent = attribute(segment, "ParentCurve")
            if angle and parent is not None and parent.is_a("IfcCircle"):
                return True
        curve = attribute(curve, "BaseCurve")
    return False


def _local(model: Any, above: Any, matrix: NDArray[np.float64], units: Units) -> Any:
    origin = (matrix[:3, 3] / units.length.factor).tolist()
    axes = model.create_entity(
        "IfcAxis2Placement3D",
        model.create_entity("IfcCartesianPoint", origin),
        model.create_entity("IfcDirection", matrix[:3, 2].tolist()),
        model.create_entity("IfcDirection", matrix[:3, 0].tolist()),
    )
    return model.create_entity("IfcLocalPlacement", above, axes)
