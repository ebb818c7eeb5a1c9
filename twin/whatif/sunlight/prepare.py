"""Takes from the scene what the engine needs: everything that casts shadows, and the buildings to assess."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes import SimulationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from scenes import MeshSet, Scene

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

OPAQUE = ("buildings", "bim", "terrain", "generic")
RECEIVING = ("buildings",)
# What is air, or only groups other objects, casts no shadow although it may have a mesh.
HOLLOW = frozenset({"BuildingRoom", "BuildingUnit", "Storey", "District", "CityObjectGroup", "Site"})
# A tower of height h shades points up to 12 h away while the sun is above 4.8 degrees.
_REACH_FACTOR, _LEAST_REACH_M, _MOST_REACH_M = 12.0, 500.0, 6000.0


@dataclass(frozen=True, eq=False)
class Piece:
    """Triangles of one batch: corners (t, 3, 3) in local metres, handle of each, and the theme of its layer."""

    corners: Floats
    handles: Integers
    theme: str


def write_case(scene: Scene, inputs: Mapping[str, Any], case: Path) -> None:
    """Write ``scene.npz`` and ``case.json``.

    Raises
    ------
    SimulationError
        When there is no building to assess.
    """
    pieces = list(opaque_pieces(scene))
    wanted = _wanted(scene, inputs)
    corners, handles = _joined([piece for piece in pieces if wanted or piece.theme in RECEIVING])
    if wanted:
        named = np.isin(handles, list(wanted))
        corners, handles = corners[named], np.array([wanted[handle] for handle in handles[named].tolist()], np.int64)
    keep = _inside_area(corners, handles, inputs.get("area"))
    corners, handles = corners[keep], handles[keep]
    if not len(corners):
        raise SimulationError(
            scene.name, "has no building with walls to assess", "check the area, or name buildings with uids"
        )
    low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
    centre = np.array([*(low + high)[:2] / 2, low[2]])
    solid, relief = _within_reach(pieces, low, high)
    objects, owner = np.unique(handles, return_inverse=True)
    np.savez(
        case / "scene.npz",
        centre=centre,
        solid=(solid - centre).astype(np.float32),
        relief=(relief - centre).astype(np.float32),
        walls=corners - centre,
        owner=owner.reshape(-1),
        handles=objects.astype(np.uint32),
    )
    longitude, latitude = scene.georeference.lonlat(centre[0], centre[1])
    place = {
        "longitude_deg": float(longitude),
        "latitude_deg": float(latitude),
        "convergence_deg": scene.georeference.convergence_deg(),
    }
    (case / "case.json").write_text(json.dumps({"inputs": dict(inputs), "place": place}), "utf-8")


def opaque_pieces(scene: Scene) -> Iterator[Piece]:
    """Yield the finest triangles of every batch whose theme casts shadows, instances written out."""
    for name, layer in scene.layers.items():
        if layer.theme not in OPAQUE:
            continue
        base = scene.bases[name]
        for batch in layer.batches:
            mesh = batch.finest()
            if mesh is not None and mesh.triangle_count:
                solid = ~np.isin(batch.table["kind"].to_numpy(zero_copy_only=False).astype(str), list(HOLLOW))
                piece = Piece(*_triangles(mesh.expanded(), base, solid), layer.theme)
                if len(piece.handles):
                    yield piece
            base += len(batch)


def _triangles(mesh: MeshSet, base: int, solid: NDArray[np.bool_]) -> tuple[Floats, Integers]:
    rows = mesh.triangle_rows().astype(np.int64)
    kept = solid[rows]
    return mesh.positions_m[mesh.triangles[kept]], rows[kept] + base


def _joined(pieces: list[Piece]) -> tuple[Floats, Integers]:
    if not pieces:
        return np.zeros((0, 3, 3)), np.zeros(0, np.int64)
    return np.concatenate([piece.corners for piece in pieces]), np.concatenate([piece.handles for piece in pieces])


def _wanted(scene: Scene, inputs: Mapping[str, Any]) -> dict[int, int]:
    """Return the handle of every named object and of all that is below it, to the handle that was named."""
    wanted: dict[int, int] = {}
    for uid in inputs.get("uids") or ():
        if uid not in scene:
            raise SimulationError(uid, "the scene has no such object", "use uids of this scene")
        root = scene.handle(uid)
        line = [scene.at(root)]
        while line:
            each = line.pop()
            if each.handle not in wanted:
                wanted[each.handle] = root
                line.extend(scene.children(each.uid))
    return wanted


def _inside_area(corners: Floats, handles: Integers, area: list[float] | None) -> NDArray[np.bool_]:
    keep = np.ones(len(handles), bool)
    if area is not None and len(handles):
        objects, owner = np.unique(handles, return_inverse=True)
        owner = owner.reshape(-1)
        low, high = np.full((len(objects), 2), np.inf), np.full((len(objects), 2), -np.inf)
        np.minimum.at(low, owner, corners[..., :2].min(axis=1))
        np.maximum.at(high, owner, corners[..., :2].max(axis=1))
        middle = (low + high) / 2
        inside = (middle >= area[:2]).all(axis=1) & (middle <= area[2:]).all(axis=1)
        keep &= inside[owner]
    return keep


def _within_reach(pieces: list[Piece], low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return the corners of solids and of terrain that can shade the box from `low` to `high`."""
    top = max(float(piece.corners[..., 2].max()) for piece in pieces)
    reach = float(np.clip(_REACH_FACTOR * (top - low[2]), _LEAST_REACH_M, _MOST_REACH_M))
    solids, reliefs = [np.zeros((0, 3, 3))], [np.zeros((0, 3, 3))]
    for piece in pieces:
        flat = piece.corners[..., :2]
        near = (flat.max(axis=1) >= low[:2] - reach).all(axis=1) & (flat.min(axis=1) <= high[:2] + reach).all(axis=1)
        (reliefs if piece.theme == "terrain" else solids).append(piece.corners[near])
    return np.concatenate(solids), np.concatenate(reliefs)
