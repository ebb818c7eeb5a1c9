"""Two scenes become one: same place on Earth, no name lost, no object twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from scenes import Batch, Georeference, Layer, Scene
from scenes.join import frame_change

if TYPE_CHECKING:
    from collections.abc import Callable

PLACE = (121.5, 31.2)


def centroid_degrees(scene: Scene, uid: str) -> tuple[float, float]:
    found = scene[uid]
    assert found.footprint_wkb is not None
    middle = shapely.from_wkb(found.footprint_wkb).centroid
    lon, lat = scene.georeference.lonlat(middle.x, middle.y)
    return float(lon), float(lat)


@pytest.mark.parametrize("crs", ["EPSG:32651", "EPSG:4549", "EPSG:32650"])
def test_everything_stays_where_it_is_on_earth(crs: str, boxes: Callable[..., Batch]) -> None:
    first = Scene(Georeference.around(*PLACE, "EPSG:32651"), {"a": Layer("a", (boxes(3),))})
    other = Scene(Georeference.around(121.51, 31.21, crs), {"b": Layer("b", (boxes(3, dataset="other"),))})
    both = first + other
    assert both.georeference == first.georeference
    assert both.layers["a"] is first.layers["a"]
    for uid in other:
        before, after = centroid_degrees(other, uid), centroid_degrees(both, uid)
        assert after == pytest.approx(before, abs=2e-9)
        mesh, plan = both[uid].mesh(), both[uid].footprint_wkb
        assert mesh is not None
        assert plan is not None
        low, high = mesh.positions_m.min(axis=0), mesh.positions_m.max(axis=0)
        assert np.allclose([*low[:2], *high[:2]], shapely.from_wkb(plan).bounds, atol=5e-3)
        assert both[uid].bounds == pytest.approx((*low, *high), abs=1e-6)


def test_the_origin_and_the_height_of_zero_are_reckoned_in(boxes: Callable[..., Batch]) -> None:
    first = Scene(Georeference("EPSG:32651", 354_000.0, 3_457_000.0, 10.0))
    other = Scene(Georeference("EPSG:32651", 354_100.0, 3_456_950.0, 4.0), {"a": Layer("a", (boxes(1),))})
    assert (first + other).bounds() == pytest.approx((100, -50, -6, 110, -40, 4), abs=1e-4)


def test_scenes_in_one_frame_share_their_batches(city: Scene, boxes: Callable[..., Batch]) -> None:
    other = Scene(city.georeference, {"more": Layer("more", (boxes(2, dataset="other"),))})
    both = city + other
    assert both.layers["more"].batches[0] is other.layers["more"].batches[0]
    assert list(both.layers) == ["buildings", "stops", "more"]
    assert len(both) == 37


def test_layers_of_one_name_are_kept_apart(city: Scene, boxes: Callable[..., Batch]) -> None:
    def other(name: str, dataset: str) -> Scene:
        return Scene(city.georeference, {"buildings": Layer("buildings", (boxes(2, dataset=dataset),))}, name=name)

    joined = city + other("North Bank", "n") + other("North Bank", "m") + other("北", "k")
    assert list(joined.layers) == ["buildings", "stops", "buildings-north-bank", "buildings-2", "buildings-3"]
    assert [layer.name for layer in joined.layers.values()] == list(joined.layers)


def test_an_object_of_both_is_kept_once_and_reported(city: Scene, boxes: Callable[..., Batch]) -> None:
    other = Scene(city.georeference, {"more": Layer("more", (boxes(4, first=28),))})
    both = city + other
    assert len(both) == 35 + 2
    assert len(set(both)) == 37
    problems = both.metadata["problems"]
    assert [problem["rule"] for problem in problems] == ["duplicate-uid", "duplicate-uid"]
    assert both.resolve("osm:31").name == "House 31"
    mesh = both.resolve("osm:31").mesh()
    assert mesh is not None
    assert mesh.positions_m[:, 2].max() == pytest.approx(41.0, abs=1e-4)


def test_what_is_known_about_the_sources_adds_up(city: Scene) -> None:
    other = Scene(city.georeference, metadata={"sources": ["roads.gpkg"], "note": "x"})
    both = city + other
    assert both.metadata["sources"] == ["boxes.geojson", "roads.gpkg"]
    assert both.metadata["note"] == "x"


@given(
    x=st.floats(-20_000, 20_000),
    y=st.floats(-20_000, 20_000),
    z=st.floats(-50, 500),
    systems=st.permutations(["EPSG:32651", "EPSG:4549", "EPSG:32650"]),
)
def test_there_and_back_is_where_we_were(x: float, y: float, z: float, systems: list[str]) -> None:
    one = replace(Georeference.around(*PLACE, systems[0]), height_m=3.0)
    other = Georeference.around(*PLACE, systems[1])
    there, back = frame_change(one, other), frame_change(other, one)
    assert there is not None
    assert back is not None
    assert np.allclose(back(there(np.array([[x, y, z]]))), [[x, y, z]], atol=1e-4)
    assert frame_change(one, one) is None
