"""Write a synthetic city of terrain, prisms and trees as 3D Tiles: `python benchmarks/sample_tiles.py FOLDER`."""

from __future__ import annotations

import argparse
import uuid
from pathlib import Path

import numpy as np

from scenes.georeference import Georeference
from scenes.mesh import Instances, MeshSet
from scenes.model import Batch, Layer, Scene
from scenes.schema import object_table
from scenes.tiles import publish

WALL, ROOF = np.array([222, 214, 200, 255], np.uint8), np.array([176, 110, 92, 255], np.uint8)


def prisms(count: int, seed: int = 7) -> MeshSet:
    """Return houses of 4 to 8 corners on a jittered street grid, with a skyline in the middle."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(count)))
    place = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)[:count] - side / 2
    centre = place * 40.0 + rng.uniform(-5, 5, (count, 2))
    far = np.linalg.norm(place, axis=1) / side
    height = 6 + rng.gamma(2.0, 6.0, count) + 220 * np.exp(-((far / 0.12) ** 2)) * rng.random(count)
    corners = rng.integers(4, 9, count)
    parts, faces, colours = [], [], []
    for (x, y), z, n in zip(centre, height, corners, strict=True):
        angle = np.sort(rng.uniform(0, 2 * np.pi, 1)) + np.arange(n) / n * 2 * np.pi
        ring = np.stack([x + 14 * np.cos(angle), y + 11 * np.sin(angle)], axis=1)
        low, high = np.c_[ring, np.zeros(n)], np.c_[ring, np.full(n, z)]
        i = np.arange(n)
        j = (i + 1) % n
        walls = np.concatenate([np.c_[i, j, j + n], np.c_[i, j + n, i + n]])
        roof = np.c_[np.full(n - 2, 2 * n), 2 * n + i[1:-1], 2 * n + i[2:]]
        parts.append(np.concatenate([low, high, high]))
        faces.append(np.concatenate([walls, roof]).astype(np.uint32))
        colours.append(np.concatenate([np.tile(WALL, (2 * n, 1)), np.tile(ROOF, (n, 1))]))
    return MeshSet.from_parts(list(range(count)), parts, faces, colours)


def terrain(side_m: float, cells: int) -> MeshSet:
    """Return a rolling surface of cells x cells squares as one object."""
    axis = np.linspace(-side_m / 2, side_m / 2, cells + 1)
    x, y = np.meshgrid(axis, axis)
    z = 8 * np.sin(x / 400) * np.cos(y / 300) - 9
    i = (np.arange(cells)[None] + np.arange(cells)[:, None] * (cells + 1)).ravel()
    width = cells + 1
    faces = np.concatenate([np.c_[i, i + 1, i + width + 1], np.c_[i, i + width + 1, i + width]])
    mesh = MeshSet.of_one(np.stack([x, y, z], axis=-1).reshape(-1, 3), faces)
    slope = np.stack([-np.gradient(z, axis, axis=1), -np.gradient(z, axis, axis=0), np.ones_like(z)], axis=-1)
    normals = (slope / np.linalg.norm(slope, axis=-1, keepdims=True)).reshape(-1, 3).astype(np.float32)
    return MeshSet(
        mesh.centre, mesh.positions, mesh.triangles, mesh.rows, mesh.vertex_starts, mesh.triangle_starts, None, normals
    )


def trees(count: int, side_m: float, seed: int = 3) -> MeshSet:
    """Return instances of one conical tree."""
    rng = np.random.default_rng(seed)
    angle = np.arange(6) / 6 * 2 * np.pi
    ring = np.c_[2 * np.cos(angle), 2 * np.sin(angle), np.full(6, 1.5)]
    i = np.arange(6)
    cone = MeshSet.of_one(np.r_[ring, [[0, 0, 7]]], np.c_[i, (i + 1) % 6, np.full(6, 6)].astype(np.uint32))
    feet = np.c_[rng.uniform(-side_m / 2, side_m / 2, (count, 2)), np.zeros(count)].astype(np.float32)
    scale = np.repeat(rng.uniform(0.6, 1.6, (count, 1)), 3, axis=1).astype(np.float32)
    rows = np.arange(count, dtype=np.uint32)
    placed = Instances(cone, rows, feet, rng.uniform(0, 6.28, count).astype(np.float32), scale)
    empty = MeshSet.empty()
    return MeshSet(
        empty.centre,
        empty.positions,
        empty.triangles,
        empty.rows,
        empty.vertex_starts,
        empty.triangle_starts,
        instances=(placed,),
    )


def layer(name: str, theme: str, kind: str, mesh: MeshSet, count: int) -> Layer:
    """Return a layer of one batch whose uids follow from the row."""
    uids = [uuid.uuid5(uuid.NAMESPACE_URL, f"{name}/{row}").urn for row in range(count)]
    names = [f"{kind} {row}" for row in range(count)]
    table = object_table({"uid": uids, "kind": [kind] * count, "name": names})
    return Layer(name, (Batch(table, {"1": mesh}).with_bounds(),), theme)


def sample_scene(buildings: int = 5_000) -> Scene:
    """Return a synthetic city."""
    side_m = np.sqrt(buildings) * 40
    layers = [
        layer("terrain", "terrain", "ReliefFeature", terrain(float(side_m) * 1.2, 300), 1),
        layer("buildings", "buildings", "Building", prisms(buildings), buildings),
        layer("trees", "trees", "SolitaryVegetationObject", trees(buildings * 2, float(side_m)), buildings * 2),
    ]
    frame = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)
    return Scene(frame, {each.name: each for each in layers}, name="sample")


def main() -> None:
    """Write the sample into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--buildings", type=int, default=5_000)
    arguments = parser.parse_args()
    for name, path in publish(sample_scene(arguments.buildings), arguments.folder).items():
        print(f"{name}: {path}")


if __name__ == "__main__":
    main()
