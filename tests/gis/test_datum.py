from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import shape

from gis.datum import bd09_to_gcj02, gcj02_to_bd09, gcj02_to_wgs84, to_wgs84, unshifted, wgs84_to_gcj02
from gis.modelframe import ModelFrame
from gis.networks.plan import Plan
from scenes import Georeference
from scenes.errors import GeoreferenceError
from scenes.sources import Source

if TYPE_CHECKING:
    from pathlib import Path

LONGITUDES = st.floats(73.0, 136.0)
LATITUDES = st.floats(3.0, 54.0)


@settings(deadline=None)
@given(LONGITUDES, LATITUDES)
def test_there_and_back_is_the_same_place_inside_china(lon: float, lat: float) -> None:
    there = wgs84_to_gcj02(lon, lat)
    back = gcj02_to_wgs84(*there)
    assert abs(float(back[0]) - lon) < 1e-8
    assert abs(float(back[1]) - lat) < 1e-8


@settings(deadline=None)
@given(LONGITUDES, LATITUDES)
def test_the_shift_moves_every_place_by_less_than_a_kilometre(lon: float, lat: float) -> None:
    there = wgs84_to_gcj02(lon, lat)
    moved_m = np.hypot((there[0] - lon) * 111_320 * np.cos(np.radians(lat)), (there[1] - lat) * 110_600)
    assert 1 < moved_m < 1_500


@pytest.mark.parametrize("place", [(8.4, 49.0), (-74.0, 40.7), (151.2, -33.9), (0.0, 0.0)])
def test_outside_china_nothing_moves(place: tuple[float, float]) -> None:
    assert tuple(map(float, wgs84_to_gcj02(*place))) == place
    assert tuple(map(float, gcj02_to_wgs84(*place))) == place


@settings(deadline=None)
@given(LONGITUDES, LATITUDES)
def test_bd09_there_and_back_is_the_same_place(lon: float, lat: float) -> None:
    back = bd09_to_gcj02(*gcj02_to_bd09(lon, lat))
    assert abs(float(back[0]) - lon) < 1e-8
    assert abs(float(back[1]) - lat) < 1e-8


def test_a_published_pair_of_coordinates_is_met() -> None:
    # The sample of the coordtransform library's documentation.
    lon, lat = wgs84_to_gcj02(116.404, 39.915)
    assert (float(lon), float(lat)) == pytest.approx((116.41024449916938, 39.91640428150164), abs=1e-9)


def test_an_unknown_shift_is_said() -> None:
    with pytest.raises(GeoreferenceError, match="write gcj02 or bd09"):
        to_wgs84("mars", 121.0, 31.0)


@pytest.mark.real_data
def test_the_districts_of_shanghai_fall_on_its_outline_after_the_shift(real_data) -> None:
    outline = shape(json.loads((real_data / "gis/shanghai/shanghai.json").read_text())["features"][0]["geometry"])
    districts = json.loads((real_data / "gis/shanghai/310000.json").read_text())["features"]
    box = np.array([shape(each["geometry"]).bounds for each in districts])
    west, north = box[:, 0].min(), box[:, 3].max()
    middle = outline.bounds[0], outline.bounds[3]

    def distance_m(lon: float, lat: float) -> float:
        return float(np.hypot((lon - middle[0]) * 111_320 * np.cos(np.radians(31.2)), (lat - middle[1]) * 110_900))

    assert distance_m(west, north) > 400
    assert distance_m(*map(float, gcj02_to_wgs84(west, north))) < 60


def test_every_way_into_the_scene_takes_the_named_shift_off(tmp_path: Path) -> None:
    frame = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)
    shifted = np.array([[*map(float, wgs84_to_gcj02(121.4737, 31.2305)), 4.0]] * 2)
    right = np.column_stack(frame.from_lonlat([121.4737] * 2, [31.2305] * 2))
    source = Source(str(tmp_path / "model"), datum_shift="gcj02")
    model = ModelFrame.of(source, "EPSG:4326", shifted).to_local(shifted, frame)[:, :2]
    network = Plan.of(source, "EPSG:4326").to_local(shifted[:, :2], frame)
    assert np.abs(model - right).max() < 1e-3
    assert np.abs(network - right).max() < 1e-3


def test_a_shift_of_metres_is_refused() -> None:
    with pytest.raises(GeoreferenceError, match="shifts degrees"):
        unshifted(Source("a.gml", datum_shift="bd09"), "EPSG:32651", [354_000.0], [3_457_000.0])
