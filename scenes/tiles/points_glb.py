"""Encode points as glb: quantized positions, colours, blocks as features, class and intensity of each point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scenes.errors import CityTwinError
from scenes.points import STEP_M
from scenes.tiles.encode import MAX_HANDLE, linear_colours
from scenes.tiles.glb import POINTS, GlbBuilder
from scenes.tiles.metadata import EXTENSION, add_property_table
from scenes.tiles.welding import to_gltf_axes

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Json = dict[str, Any]

POINT = np.dtype([("place", "<i4", 3), ("colour", "u1", 4), ("handle", "<i4"), ("intensity", "<u2"), ("classes", "u1")])
"""A point on its way into a tile: local millimetres, sRGB and opacity, handle of its block, and what it is."""

ROUNDING_M = 0.004  # coarse points stay when finer ones come, so they may not be displaced
_STEPS = 65_535
_CLASS = {
    "name": "Point",
    "properties": {
        "classification": {
            "type": "SCALAR", "componentType": "UINT8", "required": True, "description": "Class by ASPRS LAS 1.4",
        },
        "intensity": {
            "type": "SCALAR", "componentType": "UINT16", "description": "Strength of the return, as surveyed",
        },
    },
}  # fmt: skip


def points_glb(points: NDArray[Any], names: pa.Table, *, intensity: bool, compressed: bool = False) -> bytes:
    """Return points as a glb file, y up, in local metres.

    Parameters
    ----------
    points
        (n,) records of `POINT`, at least one.
    names
        Columns uid, kind and name of the blocks, one row for each handle that occurs, ascending.
    intensity
        Whether the layer records intensities.
    compressed
        Whether the points are packed by meshopt.

    Raises
    ------
    CityTwinError
        When a handle is too great for a float32.
    """
    handles, rows = np.unique(points["handle"], return_inverse=True)
    if int(handles[-1]) >= MAX_HANDLE:
        what = f"handle {int(handles[-1])} is beyond {MAX_HANDLE - 1}"
        raise CityTwinError("tiles", what, "split the city into several packages")
    builder = GlbBuilder(compressed=compressed)
    stored, node = _placed(points["place"])
    if stored.dtype == np.uint16:
        builder.use_extension("KHR_mesh_quantization", required=True)
    attributes = {
        "POSITION": builder.add_accessor(stored, limits=True),
        "COLOR_0": builder.add_accessor(linear_colours(points["colour"]), normalized=True),
        "_FEATURE_ID_0": builder.add_accessor(points["handle"].astype(np.float32)),
        "_FEATURE_ID_1": builder.add_accessor(rows.astype(np.uint16 if len(handles) <= _STEPS else np.float32)),
        "_CLASSIFICATION": builder.add_accessor(np.ascontiguousarray(points["classes"])),
    }
    named = {"classification": {"attribute": "_CLASSIFICATION"}}
    if intensity:
        attributes["_INTENSITY"] = builder.add_accessor(np.ascontiguousarray(points["intensity"]))
        named["intensity"] = {"attribute": "_INTENSITY"}
    builder.add("materials", _material(builder))
    builder.add("meshes", {"primitives": [_primitive(builder, attributes, len(handles))]})
    builder.add("nodes", {"mesh": 0, **node})
    builder.json["scene"] = 0
    builder.add("scenes", {"nodes": [0]})
    add_property_table(builder, names, handles.astype(np.int64))
    _describe(builder, named)
    return builder.to_bytes()


def _placed(places: NDArray[np.int32]) -> tuple[NDArray[Any], Json]:
    """Return positions as they are stored, 16 bits where they are enough, and the node that puts them in place."""
    metres = to_gltf_axes(places * STEP_M)
    low, high = metres.min(axis=0), metres.max(axis=0)
    scale = np.maximum((high - low) / _STEPS, 1e-6)
    if float(np.linalg.norm(scale)) / 2 <= ROUNDING_M:
        steps = np.clip(np.rint((metres - low) / scale), 0, _STEPS).astype(np.uint16)
        return steps, {"translation": low.tolist(), "scale": scale.tolist()}
    middle = (low + high) / 2
    return (metres - middle).astype(np.float32), {"translation": middle.tolist()}


def _primitive(builder: GlbBuilder, attributes: dict[str, int], count: int) -> Json:
    builder.use_extension("EXT_mesh_features")
    ids = [
        {"attribute": 0, "featureCount": count, "label": "number"},
        {"attribute": 1, "featureCount": count, "label": "row", "propertyTable": 0},
    ]
    extensions = {"EXT_mesh_features": {"featureIds": ids}, EXTENSION: {"propertyAttributes": [0]}}
    return {"attributes": attributes, "mode": POINTS, "material": 0, "extensions": extensions}


def _material(builder: GlbBuilder) -> Json:
    builder.use_extension("KHR_materials_unlit")
    look = {"metallicFactor": 0.0, "roughnessFactor": 0.9}
    return {"name": "points", "pbrMetallicRoughness": look, "extensions": {"KHR_materials_unlit": {}}}


def _describe(builder: GlbBuilder, named: Json) -> None:
    """Say what the attributes of a point mean, beside the table of the blocks."""
    metadata = builder.json["extensions"][EXTENSION]
    schema = metadata["schema"]
    described = {name: _CLASS["properties"][name] for name in named}  # type: ignore[index]
    point = {**_CLASS, "properties": described}
    metadata["schema"] = {**schema, "classes": {**schema["classes"], "point": point}}
    metadata["propertyAttributes"] = [{"name": "points", "class": "point", "properties": named}]
