"""Text grids in every spelling give the grid they were made of; scattered points are none."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gis
from gis.xyzgrid import is_grid_text, read_grid
from scenes.errors import LoadError
from scenes.georeference import Georeference
from scenes.loading import LoadContext
from scenes.sources import Source

GRIDS = st.tuples(
    st.integers(3, 9), st.integers(3, 9), st.sampled_from([0.5, 1.0, 2.0, 25.0]), st.integers(0, 2**32 - 1)
)
WRITINGS = st.tuples(
    st.sampled_from([" ", ",", ";", "\t", "  "]),
    st.sampled_from(["", "# made by a program\n", "x y z\n", "EASTING NORTHING HEIGHT\n", "X_coord Y_coord Z\n"]),
    st.sampled_from(["south", "north", "columns"]),
    st.booleans(),
)


def lines_of(points: np.ndarray, separator: str, head: str) -> str:
    return (
        head.replace(" ", separator) + "\n".join(separator.join(f"{v:.3f}" for v in point) for point in points) + "\n"
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(grid=GRIDS, writing=WRITINGS)
def test_a_grid_comes_back_however_it_is_written(grid, writing, tmp_path: Path) -> None:
    rows, columns, step, seed = grid
    separator, head, order, holes = writing
    random = np.random.default_rng(seed)
    x = 690_000 + step / 2 + step * np.arange(columns)
    y = 5_336_000 + step / 2 + step * np.arange(rows)
    z = random.uniform(400, 600, (rows, columns)).round(3)
    grid_x, grid_y = np.meshgrid(x, y)
    points = np.column_stack([grid_x.ravel(), grid_y.ravel(), z.ravel()])
    if holes:
        gone = random.integers(columns + 1, len(points) - 1)
        points, z.ravel()[gone] = np.delete(points, gone, axis=0), np.nan
    if order == "north":
        points = points[np.lexsort((points[:, 0], -points[:, 1]))]
    elif order == "columns":
        points = points[np.lexsort((points[:, 1], points[:, 0]))]
    path = tmp_path / "dgm.xyz"
    path.write_text(lines_of(points, separator, head))
    assert is_grid_text(path, path.name)
    found = read_grid(str(path), "dgm")
    assert found.x == pytest.approx(x)
    assert found.y == pytest.approx(y)
    np.testing.assert_allclose(found.values, z, equal_nan=True)


def test_numbers_with_a_comma_are_read_between_semicolons(tmp_path: Path) -> None:
    path = tmp_path / "dgm.txt"
    path.write_text("".join(f"{10 + i},5;{20 + j},5;{i + j},25\n" for j in range(3) for i in range(4)))
    assert is_grid_text(path, path.name)
    assert read_grid(str(path), "dgm").values[1].tolist() == [1.25, 2.25, 3.25, 4.25]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello\n",
        "id,name,height\n1,a,3\n",
        "lon,lat,population\n" + "\n".join(f"{i},{i * i},{i}" for i in range(20)),
        "\n".join(f"{i}.0 5.0 3.0 120 255 0" for i in range(20)),
        "\n".join(f"{np.sin(i):.3f} {np.cos(i):.3f} {i}" for i in range(50)),
    ],
)
def test_other_text_is_no_grid(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    assert not is_grid_text(path, path.name)
    assert not gis.TerrainLoader().supports(Source(str(path)))


def test_points_that_leave_the_grid_later_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xyz"
    random = np.random.default_rng(1).uniform(0, 50, (50, 3))
    path.write_text("".join(f"{i} 0 1\n" for i in range(30)) + lines_of(random, " ", ""))
    with pytest.raises(LoadError, match="regular grid"):
        read_grid(str(path), "a.xyz")


@pytest.mark.parametrize("packing", ["zip", "gz"])
def test_packed_grids_are_terrain(tmp_path: Path, packing: str) -> None:
    text = "".join(f"{690_000.5 + i} {5_336_000.5 + j} {500 + i}\n" for j in range(6) for i in range(8))
    path = tmp_path / f"dgm1.xyz.{packing}"
    if packing == "gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("readme.md", "hello")
            archive.writestr("tiles/dgm1.xyz", text)
    source = Source(str(path), crs="EPSG:25832")
    loader = gis.TerrainLoader()
    assert loader.supports(source)
    assert loader.locate(source).crs == "EPSG:25832"
    frame = Georeference("EPSG:25832", 690_000, 5_336_000)
    surface = loader.surface(source, LoadContext(frame))
    assert float(surface.heights(3.0, 3.0)) == pytest.approx(502.5)
