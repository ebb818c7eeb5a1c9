"""A map with the Chinese shift is found out by the other maps, and one without is left in peace."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.datum import gcj02_to_bd09, wgs84_to_gcj02
from gis.shifted import suspected
from scenes import Georeference
from scenes.assembly import gather
from scenes.sources import Source

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)


def streets(seed: int) -> NDArray[Any]:
    """Random lines of a kilometre or two."""
    random = np.random.default_rng(seed)
    starts, steps = random.uniform(-3000, 3000, (40, 2)), random.normal(0, 700, (40, 2))
    return shapely.linestrings(np.stack([starts, starts + steps], axis=1))


def along(lines: NDArray[Any]) -> NDArray[np.float64]:
    shares = np.linspace(0.02, 0.98, 20)
    return shapely.get_coordinates([shapely.line_interpolate_point(line, shares, normalized=True) for line in lines])


def shifted(places: NDArray[np.float64], shift: str) -> NDArray[np.float64]:
    lon, lat = wgs84_to_gcj02(*FRAME.lonlat(places[:, 0], places[:, 1]))
    if shift == "bd09":
        lon, lat = gcj02_to_bd09(lon, lat)
    return np.column_stack(FRAME.from_lonlat(lon, lat))


@settings(max_examples=15)
@given(st.integers(0, 1000), st.sampled_from(["gcj02", "bd09"]))
def test_the_shift_is_named_and_only_on_the_side_that_carries_it(seed: int, shift: str) -> None:
    lines = streets(seed)
    places = along(lines) + np.random.default_rng(seed).normal(0, 8, (800, 2))
    moved = shapely.transform(lines, lambda points: shifted(points, shift))
    assert suspected(shifted(places, shift), lines, FRAME) == shift
    assert suspected(places, lines, FRAME) == ""
    assert suspected(places, moved, FRAME) == ""
    assert suspected(places + 480.0, lines, FRAME) == ""


def test_other_streets_of_the_same_town_say_nothing() -> None:
    assert not any(suspected(along(streets(seed)), streets(seed + 100), FRAME) for seed in range(10))


def district(folder: Path, name: str, rings: list[list[list[float]]]) -> Source:
    features = [
        {
            "type": "Feature",
            "properties": {"name": f"{name} {row}", "adcode": 310100 + row},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }
        for row, ring in enumerate(rings)
    ]
    path = folder / name
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return Source(str(path))


@pytest.mark.parametrize("told", [False, True])
def test_a_build_warns_once_and_names_the_option_that_cures_it(tmp_path: Path, *, told: bool) -> None:
    turns = np.linspace(0, 2 * np.pi, 90)
    ring = np.column_stack([121.5 + 0.05 * np.cos(turns) * (1 + 0.3 * np.sin(5 * turns)), 31.2 + 0.04 * np.sin(turns)])
    ring[-1] = ring[0]
    moved = np.column_stack(wgs84_to_gcj02(*ring.T))
    sources = [
        district(tmp_path, "outline.geojson", [ring.tolist()]),
        district(tmp_path, "aliyun.geojson", [moved.tolist()]),
    ]
    if told:
        sources[1] = Source(sources[1].path, datum_shift="gcj02")
    made = gather(sources)
    found = [
        (outcome.source.title, problem.advice)
        for outcome in made.outcomes
        for problem in outcome.problems.listed()
        if problem.rule == "datum-shift-suspected"
    ]
    assert found == ([] if told else [("aliyun.geojson", "build again with --gcj02 aliyun.geojson")])


@pytest.mark.real_data
def test_the_districts_of_shanghai_are_found_out_by_its_outline(real_data: Path) -> None:
    folder = real_data / "gis/shanghai"
    made = gather([Source(str(folder / name)) for name in ("shanghai.json", "310000.json")])
    flagged = [outcome.source.title for outcome in made.outcomes if outcome.problems.count("datum-shift-suspected")]
    assert flagged == ["310000.json"]
