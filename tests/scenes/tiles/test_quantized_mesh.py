"""Terrain for globes, read back by a decoder that is not ours: heights, rims, normals, spheres, the list of tiles."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenes.errors import QueryError
from scenes.export import export
from scenes.export.heights import SurfaceHeights
from scenes.export.quantized_mesh import CELLS
from scenes.georeference import transformer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import SimpleNamespace

    from scenes.model import Scene

POINTS = CELLS + 1


def heights_of(tile: dict[str, Any]) -> np.ndarray:
    """Return (rows from the south, columns) heights of a decoded tile."""
    grid = np.full((POINTS, POINTS), np.nan)
    row, column = (np.rint(np.array(tile[name]) * CELLS).astype(int) for name in ("v", "u"))
    low, high = tile["header"]["minHeight"], tile["header"]["maxHeight"]
    grid[row, column] = low + np.array(tile["height"]) * (high - low)
    return grid


def places_of(z: int, x: int, y: int) -> tuple[np.ndarray, np.ndarray]:
    """Return longitude and latitude of the points of a tile."""
    span = 180 / 2**z
    steps = np.arange(POINTS) / CELLS
    return np.meshgrid(-180 + (x + steps) * span, -90 + (y + steps) * span)


@pytest.fixture(scope="module")
def country(scene_of: Callable[..., Scene], shapes: SimpleNamespace) -> Scene:
    """Three kilometres of hills with a cell every thirty metres."""
    return scene_of(shapes.layer_of("terrain", "terrain", "ReliefFeature", [(shapes.hills(100, 3_000.0), 1)]))


@pytest.fixture(scope="module")
def written(country: Scene, tmp_path_factory: Any, node: Callable[..., Any]) -> tuple[Path, dict[str, Any]]:
    """The folder, and every tile of the two finest levels decoded."""
    folder = export(country, tmp_path_factory.mktemp("globe") / "a.terrain")
    deepest = json.loads((folder / "layer.json").read_text())["maxzoom"]
    files = [path for z in (0, deepest - 1, deepest) for path in sorted((folder / str(z)).rglob("*.terrain"))]
    decoded = node("decode_terrain.mjs", *files)
    return folder, {"/".join(path.with_suffix("").parts[-3:]): decoded[str(path)] for path in files}


def test_decoded_heights_are_those_of_the_terrain(country: Scene, written: tuple[Path, dict[str, Any]]) -> None:
    frame = country.georeference
    mesh = country.layers["terrain"].batches[0].finest()
    surface = SurfaceHeights.of(mesh.positions_m[mesh.triangles])
    compared = 0
    for name, tile in written[1].items():
        z, x, y = map(int, name.split("/"))
        if not z:
            continue
        lon, lat = places_of(z, x, y)
        local = frame.from_lonlat(lon.ravel(), lat.ravel())
        true = surface.at(*local) + frame.height_m
        mine = heights_of(tile).ravel()
        known = np.isfinite(true)
        compared += int(known.sum())
        rounding = (tile["header"]["maxHeight"] - tile["header"]["minHeight"]) / 32_767
        assert np.abs(mine - true)[known].max(initial=0) < rounding + 1e-4
    assert compared > 10_000


def test_every_point_is_there_and_triangles_look_up(written: tuple[Path, dict[str, Any]]) -> None:
    for tile in written[1].values():
        assert np.isfinite(heights_of(tile)).all()
        corner = np.array(tile["indices"]).reshape(-1, 3)
        assert len(corner) == 2 * CELLS * CELLS
        u, v = np.array(tile["u"])[corner], np.array(tile["v"])[corner]
        turn = (u[:, 1] - u[:, 0]) * (v[:, 2] - v[:, 0]) - (u[:, 2] - u[:, 0]) * (v[:, 1] - v[:, 0])
        assert (turn > 0).all()
        assert turn.sum() / 2 == pytest.approx(1.0, abs=1e-3)
        rims = {"westIndices": ("u", 0), "eastIndices": ("u", 1), "southIndices": ("v", 0), "northIndices": ("v", 1)}
        for name, (axis, value) in rims.items():
            mine = np.array(tile["edges"][name])
            assert len(np.unique(mine)) == POINTS
            assert (np.array(tile[axis])[mine] == value).all()


def test_neighbours_have_the_same_rim(written: tuple[Path, dict[str, Any]]) -> None:
    pairs = 0
    for name, tile in written[1].items():
        z, x, y = map(int, name.split("/"))
        east, north = written[1].get(f"{z}/{x + 1}/{y}"), written[1].get(f"{z}/{x}/{y + 1}")
        for other, mine, its in ((east, np.s_[:, -1], np.s_[:, 0]), (north, np.s_[-1], np.s_[0])):
            if other is None:
                continue
            pairs += 1
            rounding = max(t["header"]["maxHeight"] - t["header"]["minHeight"] for t in (tile, other)) / 32_767
            assert np.abs(heights_of(tile)[mine] - heights_of(other)[its]).max() <= rounding + 1e-4
    assert pairs >= 4


def test_normals_are_those_of_the_hills(country: Scene, written: tuple[Path, dict[str, Any]]) -> None:
    frame = country.georeference
    name, tile = max(written[1].items(), key=lambda item: (item[0].count("/"), item[1]["header"]["maxHeight"]))
    z, x, y = map(int, name.split("/"))
    span = 180 / 2**z
    lon = -180 + (x + np.array(tile["u"])) * span
    lat = -90 + (y + np.array(tile["v"])) * span
    a, b = np.radians(lon), np.radians(lat)
    up = np.stack([np.cos(b) * np.cos(a), np.cos(b) * np.sin(a), np.sin(b)], axis=1)
    east, north = frame.from_lonlat(lon, lat)
    inside = (east > 60) & (east < 2_940) & (north > 60) & (north < 2_940)
    slope = np.hypot(
        20 / 500 * np.cos(east / 500) * np.cos(north / 400), 20 / 400 * np.sin(east / 500) * np.sin(north / 400)
    )
    tilt = np.degrees(np.arccos(np.clip((np.array(tile["normals"]).reshape(-1, 3) * up).sum(axis=1), -1, 1)))
    assert inside.sum() > 50
    assert np.abs(tilt - np.degrees(np.arctan(slope)))[inside].max() < 1.0  # a byte an axis


def test_the_sphere_holds_every_point(written: tuple[Path, dict[str, Any]]) -> None:
    for name, tile in written[1].items():
        z, x, y = map(int, name.split("/"))
        lon, lat = places_of(z, x, y)
        points = np.column_stack(
            transformer("EPSG:4979", "EPSG:4978").transform(lon.ravel(), lat.ravel(), heights_of(tile).ravel())
        )
        header = tile["header"]
        away = np.linalg.norm(points - header["sphereCenter"], axis=1)
        assert away.max() <= header["sphereRadius"] * (1 + 1e-6) + 0.01
        assert np.isfinite(header["horizonOcclusionPoint"]).all()
        if z > 5:
            assert np.linalg.norm(header["horizonOcclusionPoint"]) >= 1.0


def test_the_list_names_exactly_the_tiles_that_are_there(country: Scene, written: tuple[Path, dict[str, Any]]) -> None:
    listed = json.loads((written[0] / "layer.json").read_text())
    assert (listed["format"], listed["scheme"], listed["projection"]) == ("quantized-mesh-1.0", "tms", "EPSG:4326")
    named = {
        f"{z}/{x}/{y}"
        for z, ranges in enumerate(listed["available"])
        for part in ranges
        for x in range(part["startX"], part["endX"] + 1)
        for y in range(part["startY"], part["endY"] + 1)
    }
    there = {"/".join(path.with_suffix("").parts[-3:]) for path in written[0].rglob("*.terrain")}
    assert named == there
    west, south, east, north = listed["valid_bounds"]
    lon, lat = country.georeference.lonlat(1_500.0, 1_500.0)
    assert west < lon < east
    assert south < lat < north


def test_tiles_can_be_zipped(country: Scene, written: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder = export(country, tmp_path / "a", format="quantized-mesh-gzip")
    for path in folder.rglob("*.terrain"):
        plain = written[0] / path.relative_to(folder)
        assert gzip.decompress(path.read_bytes()) == plain.read_bytes()


def test_a_city_without_terrain_says_so(
    scene_of: Callable[..., Scene], shapes: SimpleNamespace, tmp_path: Path
) -> None:
    scene = scene_of(shapes.layer_of("buildings", "buildings", "Building", [shapes.houses(4)]))
    with pytest.raises(QueryError, match="has no terrain"):
        export(scene, tmp_path / "a.terrain")
    assert not (tmp_path / "a.terrain").exists()


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_heights_are_found_in_any_triangles(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    plan = random.uniform(-50, 50, (count, 3, 2))
    corners = np.concatenate([plan, (2 + 0.3 * plan[..., :1] - 0.1 * plan[..., 1:])], axis=2)
    one, two = plan[:, 1] - plan[:, 0], plan[:, 2] - plan[:, 0]
    corners = corners[np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]) > 1]
    if not len(corners):
        return
    weights = random.dirichlet([1, 1, 1], len(corners))
    inside = np.einsum("tc,tcd->td", weights, corners)
    found = SurfaceHeights.of(corners).at(inside[:, 0], inside[:, 1])
    np.testing.assert_allclose(found, inside[:, 2], atol=1e-6)
