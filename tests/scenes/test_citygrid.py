"""A town's own grid is given by parameters, agrees with the arithmetic, and is kept in full with the city."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenes import Georeference, GeoreferenceError
from scenes.citygrid import fitted_similarity, grid_definition
from scenes.georeference import is_metric, parse_crs, transformer

if TYPE_CHECKING:
    from pathlib import Path

PLACE = (121.47, 31.23)


def grids(folder: Path, text: str) -> str:
    path = folder / "grids.toml"
    path.write_text(text, "utf-8")
    return str(path)


@pytest.mark.parametrize("base", ["EPSG:4549", "EPSG:32651", "EPSG:4528"])
def test_a_similarity_agrees_with_its_formula(tmp_path: Path, base: str) -> None:
    similarity = "{dx = -350000.0, dy = -3400000.0, rotation_deg = 1.5, scale = 1.00001}"
    file = grids(tmp_path, f'[grid.town]\ntitle = "Town 2000"\nbase = "{base}"\nsimilarity = {similarity}')
    frame = Georeference.around(*PLACE, f"grid:{file}")
    east, north = transformer("EPSG:4326", base).transform(*PLACE)
    turn = math.radians(1.5)
    x = -350_000 + 1.00001 * (east * math.cos(turn) - north * math.sin(turn))
    y = -3_400_000 + 1.00001 * (east * math.sin(turn) + north * math.cos(turn))
    local = frame.from_lonlat(*PLACE)
    assert frame.to_projected(float(local[0]), float(local[1])) == pytest.approx((x, y), abs=1e-4)
    assert [float(value) for value in frame.lonlat(*local)] == pytest.approx(PLACE, abs=1e-9)
    assert is_metric(frame.crs)
    lon, lat = frame.lonlat([0.0, 0.0], [0.0, 1000.0])
    azimuth = math.degrees(math.atan2((lon[1] - lon[0]) * math.cos(math.radians(31.23)), lat[1] - lat[0]))
    assert frame.convergence_deg() == pytest.approx(azimuth, abs=0.02)


def test_the_definition_is_kept_and_needs_the_file_no_more(tmp_path: Path) -> None:
    file = grids(tmp_path, '[grid.a]\nprojection = "+proj=tmerc +lat_0=31 +lon_0=121.5 +x_0=5000 +ellps=GRS80"')
    frame = Georeference.around(*PLACE, f"grid:{file}#a")
    (tmp_path / "grids.toml").unlink()
    assert "grid:" not in frame.crs
    again = Georeference(frame.crs, frame.easting_m, frame.northing_m)
    assert again == frame


def test_a_helmert_shift_moves_the_datum(tmp_path: Path) -> None:
    lines = '[grid.old]\nprojection = "+proj=tmerc +lat_0=0 +lon_0=120 +x_0=500000 +ellps=krass"\n'
    shifted = grids(tmp_path, lines + "helmert = [15.8, -154.4, -82.3, 0, 0, 0, 0]")
    moved = transformer("EPSG:4326", f"grid:{shifted}").transform(*PLACE)
    beijing = transformer("EPSG:4326", "+proj=tmerc +lon_0=120 +x_0=500000 +ellps=krass +towgs84=15.8,-154.4,-82.3")
    assert moved == pytest.approx(beijing.transform(*PLACE), abs=1e-6)


def test_the_file_is_found_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ours.json"
    path.write_text(json.dumps({"grid": {"town": {"base": "EPSG:4549", "similarity": {"dx": -1, "dy": -2}}}}))
    monkeypatch.setenv("TWIN_GRIDS", str(path))
    assert parse_crs(grid_definition("grid:town")).type_name == "Derived Projected CRS"


@given(st.floats(-3, 3), st.floats(0.99, 1.01), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_common_points_give_the_similarity_back(turn: float, scale: float, dx: float, dy: float) -> None:
    base = np.array([[4e5, 3.4e6], [4.1e5, 3.42e6], [3.9e5, 3.45e6]])
    a, b = scale * math.cos(turn), scale * math.sin(turn)
    grid = base @ np.array([[a, b], [-b, a]]) + [dx, dy]
    found = fitted_similarity(np.hstack([base, grid]))
    assert found[2:] == pytest.approx((a, b), abs=1e-9)
    assert np.abs(base @ np.array([[found[2], found[3]], [-found[3], found[2]]]) + found[:2] - grid).max() < 1e-3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[grid.a]\nbase = 'EPSG:4326'\nsimilarity = {dx = 1, dy = 2}", "not a projected system"),
        ("[grid.a]\nbase = 'EPSG:4549'", "make no system"),
        ("[grid.a]\nprojection = 'nonsense'", "make no system"),
        ("[grid.a]\nprojection = '+proj=tmerc'\nhelmert = [1, 2]", "has 2 numbers"),
        ("[grid.a]\nbase = 'EPSG:4549'\npoints = [[0, 0, 0, 0], [1, 0, 900, 0], [0, 1, 0, 5]]", "beside the best fit"),
        ("[other]\na = 1", "no table"),
        ("[grid", "not a file of city grids"),
        ("[grid.a]\nbase = 1\n[grid.b]\nbase = 2", "it has a, b"),
    ],
)
def test_what_makes_no_grid_is_said_in_a_sentence(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(GeoreferenceError, match=message):
        parse_crs(f"grid:{grids(tmp_path, text)}")


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(GeoreferenceError, match="TWIN_GRIDS"):
        parse_crs(f"grid:{tmp_path / 'none.toml'}")
