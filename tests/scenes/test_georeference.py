"""Places are right to the centimetre 50 km from the origin, in any zone, and a swapped axis is caught."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info

from scenes import Georeference, GeoreferenceError
from scenes.georeference import parse_crs, transformer, utm_crs

# A zone of each family, and a place inside it (longitude, latitude).
ZONES = {
    "EPSG:32651": (121.5, 31.2),
    "EPSG:32632": (8.4, 49.0),
    "EPSG:32756": (151.2, -33.9),
    "EPSG:4549": (120.2, 31.2),
    "EPSG:4507": (105.2, 30.6),
    "EPSG:4528": (120.2, 31.2),
    "EPSG:2326": (114.2, 22.3),
    "EPSG:25832": (8.4, 49.0),
    "+proj=tmerc +lat_0=31 +lon_0=121.4667 +k=1 +x_0=0 +y_0=0 +ellps=GRS80 +units=m": (121.5, 31.2),
}
reach = st.floats(-50_000, 50_000)
zones = st.sampled_from(sorted(ZONES))


def frame_of(crs: str) -> Georeference:
    return Georeference.around(*ZONES[crs], crs)


@given(crs=zones, x=reach, y=reach)
def test_local_and_degrees_are_inverse_within_a_millimetre(crs: str, x: float, y: float) -> None:
    frame = frame_of(crs)
    lon, lat = frame.lonlat(x, y)
    back = frame.from_lonlat(lon, lat)
    assert np.hypot(back[0] - x, back[1] - y) < 1e-3


@given(crs=zones, x=reach, y=reach, dx=st.floats(-200, 200), dy=st.floats(-200, 200))
def test_single_precision_beside_a_centre_keeps_centimetres(crs: str, x: float, y: float, dx: float, dy: float) -> None:
    frame = frame_of(crs)
    centre = np.array([x, y])
    projected = np.array([frame.easting_m + x + dx, frame.northing_m + y + dy])
    stored = (frame.localise(projected) - centre).astype(np.float32)
    again = stored.astype(np.float64) + centre + frame.origin_m[:2]
    assert np.abs(again - projected).max() < 0.01


@given(crs=zones, x=reach, y=reach)
def test_distances_agree_with_the_geodesic(crs: str, x: float, y: float) -> None:
    assume(np.hypot(x, y) > 1000)
    frame = frame_of(crs)
    lon, lat = frame.lonlat(np.array([0.0, x]), np.array([0.0, y]))
    _, _, ground = pyproj.Geod(ellps="GRS80").inv(lon[0], lat[0], lon[1], lat[1])
    assert np.hypot(x, y) == pytest.approx(ground, rel=2e-3)


@given(crs=zones, lon=st.floats(-0.3, 0.3), lat=st.floats(-0.3, 0.3))
def test_reprojection_agrees_with_pyproj(crs: str, lon: float, lat: float) -> None:
    frame = frame_of(crs)
    place = ZONES[crs][0] + lon, ZONES[crs][1] + lat
    east, north = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*place)
    x, y = frame.from_lonlat(*place)
    assert (x + frame.easting_m, y + frame.northing_m) == pytest.approx((east, north), abs=1e-6)


@pytest.mark.parametrize("crs", ["EPSG:4549", "EPSG:4507", "EPSG:4528"])
def test_systems_that_write_north_first_still_have_x_east(crs: str) -> None:
    assert parse_crs(crs).axis_info[0].direction == "north"
    frame = frame_of(crs)
    lon, lat = ZONES[crs]
    here, east_of_here = frame.from_lonlat(lon, lat), frame.from_lonlat(lon + 0.01, lat)
    assert east_of_here[0] - here[0] > 900
    assert abs(east_of_here[1] - here[1]) < 50


@given(crs=zones, x=reach, y=reach)
def test_a_swapped_axis_never_passes_unseen(crs: str, x: float, y: float) -> None:
    frame = frame_of(crs)
    east, north = frame.to_projected(x, y)
    assume(abs(east - north) > 1000)
    swapped = frame.localise([north, east])
    assert np.abs(swapped - [x, y]).max() > 900


def test_a_swapped_degree_pair_is_refused() -> None:
    with pytest.raises(GeoreferenceError, match="is not a place"):
        Georeference.around(31.2, 121.5)


@given(crs=zones, x=st.floats(-2000, 2000), y=st.floats(-2000, 2000), z=st.floats(-50, 600))
def test_the_earth_matrix_agrees_with_pyproj(crs: str, x: float, y: float, z: float) -> None:
    frame = frame_of(crs)
    lon, lat = (float(value) for value in frame.lonlat(x, y))
    earth = transformer("EPSG:4979", "EPSG:4978").transform(lon, lat, z)
    shown = (frame.to_ecef_matrix() @ [x, y, z, 1.0])[:3]
    # The plane leaves the ellipsoid by d^2 / 2R, and the map scale is off by at most one in a thousand.
    distance = np.hypot(x, y)
    assert np.linalg.norm(shown - earth) < 1e-3 + distance**2 / 1.2e7 + 1.2e-3 * distance


@given(crs=zones)
def test_the_earth_matrix_is_a_turn_and_a_shift(crs: str) -> None:
    frame = frame_of(crs)
    matrix = frame.to_ecef_matrix()
    turn = matrix[:3, :3]
    assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1.0)
    up = matrix[:3, 3] / np.linalg.norm(matrix[:3, 3])
    assert turn[:, 2] @ up > 0.99999
    lon, lat = (float(value) for value in frame.lonlat(0.0, 0.0))
    assert matrix[:3, 3] == pytest.approx(transformer("EPSG:4979", "EPSG:4978").transform(lon, lat, 0.0), abs=1e-6)


def test_grid_north_is_turned_by_the_convergence() -> None:
    frame = frame_of("EPSG:32651")
    lon, lat = frame.lonlat(np.array([0.0, 0.0]), np.array([0.0, 1000.0]))
    azimuth, _, _ = pyproj.Geod(ellps="WGS84").inv(lon[0], lat[0], lon[1], lat[1])
    assert frame.convergence_deg() == pytest.approx(azimuth, abs=1e-3)
    step = frame.to_ecef_matrix() @ [0.0, 1000.0, 0.0, 0.0]
    truth = np.subtract(
        transformer("EPSG:4979", "EPSG:4978").transform(lon[1], lat[1], 0.0),
        transformer("EPSG:4979", "EPSG:4978").transform(lon[0], lat[0], 0.0),
    )
    assert np.linalg.norm(step[:3] - truth) < 0.5


@given(place=st.tuples(reach, reach), height=st.floats(-100, 1000))
def test_local_and_projected_are_inverse(place: tuple[float, float], height: float) -> None:
    frame = Georeference("EPSG:32651", 354_000.0, 3_457_000.0, height)
    assert frame.to_local(*frame.to_projected(*place)) == pytest.approx(place, abs=1e-8)
    assert frame.localise(frame.origin_m).tolist() == [0.0, 0.0, 0.0]


def test_the_same_system_is_not_transformed_at_all() -> None:
    frame = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)
    x, y = frame.localise_from("EPSG:32651", [354_000.123456789], [3_457_000.0])
    assert (x[0], y[0]) == (354_000.123456789 - 354_000.0, 0.0)


@pytest.mark.parametrize(
    ("crs", "message"),
    [
        ("EPSG:4326", "not a projected system"),
        ("EPSG:2263", "not in metres"),
        ("EPSG:99999", "not a known coordinate system"),
        ("nonsense", "not a known coordinate system"),
        ("", "not a known coordinate system"),
    ],
)
def test_systems_that_cannot_be_used_are_refused(crs: str, message: str) -> None:
    with pytest.raises(GeoreferenceError, match=message):
        Georeference(crs, 0.0, 0.0)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_an_origin_must_be_finite(number: float) -> None:
    with pytest.raises(GeoreferenceError, match="not finite"):
        Georeference("EPSG:32651", number, 0.0)


@pytest.mark.parametrize(
    "place", [(121.5, 31.2), (5.3, 60.4), (15.6, 78.2), (-179.9, -16.5), (179.9, 51.0), (0.1, -0.1)]
)
def test_the_utm_zone_agrees_with_the_register(place: tuple[float, float]) -> None:
    longitude_deg, latitude_deg = place
    area = AreaOfInterest(longitude_deg, latitude_deg, longitude_deg, latitude_deg)
    found = {f"EPSG:{each.code}" for each in query_utm_crs_info(datum_name="WGS 84", area_of_interest=area)}
    assert found == {utm_crs(longitude_deg, latitude_deg)}


def test_the_utm_zone_is_that_of_the_place() -> None:
    assert utm_crs(-74.0, 40.7) == "EPSG:32618"
    assert utm_crs(151.2, -33.9) == "EPSG:32756"
    with pytest.raises(GeoreferenceError):
        utm_crs(0.0, 89.0)
