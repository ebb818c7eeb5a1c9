"""What thematic pictures are given: places, lines on the ground, heights, and flows of a table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import shapely

from scenes import Batch, Georeference, Layer, MeshSet, QueryError, Scene
from scenes.schema import object_table
from twin.view.pictures import PagePictures
from twin.view.rpc import SceneService

FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)


def slope() -> Layer:
    corners = np.array([[0, 0, 0], [100, 0, 10], [0, 100, 0], [100, 100, 10]], float)
    mesh = MeshSet.from_parts([0], [corners], [np.array([[0, 1, 2], [1, 3, 2]], np.uint32)])
    table = object_table({"uid": ["urn:uuid:t"], "kind": ["ReliefFeature"]})
    return Layer("terrain", (Batch(table, {"1": mesh}).with_bounds(),), "terrain")


def roads() -> Layer:
    plans = [shapely.LineString([(0, 50), (50, 50), (100, 50)]), shapely.Point(1, 1), None]
    table = object_table(
        {
            "uid": ["urn:uuid:r0", "urn:uuid:r1", "urn:uuid:r2"],
            "kind": ["Road"] * 3,
            "name": ["Main Street", "Same", "Same"],
            "footprint": pa.array([None if plan is None else shapely.to_wkb(plan) for plan in plans], pa.binary()),
            "min_x": [0.0, 10.0, None], "max_x": [100.0, 20.0, None], "min_y": [40.0, 10.0, None],
            "max_y": [60.0, 20.0, None], "min_z": [0.0, 0.0, None], "max_z": [4.0, 2.0, None],
        }
    )  # fmt: skip
    return Layer("roads", (Batch(table),), "roads")


@pytest.fixture(scope="module")
def pictures() -> PagePictures:
    return PagePictures(Scene(FRAME, {"terrain": slope(), "roads": roads()}, name="slope"))


def test_places_are_middles_and_heights_by_handle(pictures: PagePictures) -> None:
    places = pictures.places()
    assert places[pictures.scene.handle("urn:uuid:r0")].tolist() == [50.0, 50.0, 0.0, 4.0]
    assert np.isnan(places[pictures.scene.handle("urn:uuid:r2")]).all()


def test_lines_lie_on_the_ground(pictures: PagePictures) -> None:
    found = pictures.lines("roads")
    points = np.frombuffer(found["points"], np.float32).reshape(-1, 3)
    assert points[:, 2].tolist() == pytest.approx([1.0, 6.0, 11.0], abs=0.02)
    assert np.frombuffer(found["starts"], np.uint32).tolist() == [0, 3]
    assert np.frombuffer(found["handles"], np.uint32).tolist() == [pictures.scene.handle("urn:uuid:r0")]
    with pytest.raises(QueryError, match="has no lines; choose a layer of roads"):
        pictures.lines("terrain")
    with pytest.raises(QueryError, match="is not a layer of the scene; there are terrain, roads"):
        pictures.lines("rivers")


def test_the_ground_is_a_grid_of_heights(pictures: PagePictures) -> None:
    found = pictures.ground({"x0": 0, "y0": 0, "x1": 100, "y1": 50, "step": 25})
    heights = np.frombuffer(found["heights"], np.float32).reshape(found["rows"], found["columns"])
    assert heights.shape == (3, 5)
    assert heights[1].tolist() == pytest.approx([0.0, 2.5, 5.0, 7.5, 10.0], abs=0.02)
    with pytest.raises(QueryError, match="the rectangle is empty"):
        pictures.ground({"x0": 0, "y0": 0, "x1": 0, "y1": 50})


def test_flows_are_read_from_ids_names_degrees_and_metres(pictures: PagePictures) -> None:
    found = pictures.flows("from,to,value\nurn:uuid:r0,urn:uuid:r1,5\nMain Street,nobody,3\nSame,urn:uuid:r0,1\n")
    assert np.frombuffer(found["ends"], np.float32).tolist() == [50.0, 50.0, 4.0, 15.0, 15.0, 2.0]
    assert found["left_out"] == 2
    assert found["problems"][0].startswith("row 3: nobody")
    lon, lat = (float(each) for each in FRAME.lonlat(20.0, 0.0))
    text = f"from_lon,from_lat,to_lon,to_lat,Value\n{lon},{lat},{lon},{lat},2.5\n{lon},{lat},999,0,1\n"
    found = pictures.flows(text)
    assert np.frombuffer(found["ends"], np.float32)[:3].tolist() == pytest.approx([20.0, 0.0, 2.0], abs=0.05)
    assert found["left_out"] == 1
    found = pictures.flows("\ufefffrom_x,from_y,to_x,to_y,value\n0,0,10,0,1\n1,x,2,2,2\n0,0,1,1,-4\n")
    assert found["left_out"] == 2
    assert found["problems"] == ["row 4: its value is not a number of 0 or more"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has none of the heads that flows need"),
        ("a,b\n1,2\n", "write from, to, value; or from_lon"),
        ("from,to,value\nurn:uuid:r0,nobody,1\n", "has no row that can be used"),
    ],
)
def test_a_table_that_is_no_use_is_one_sentence(pictures: PagePictures, text: str, message: str) -> None:
    service = SceneService(pictures.scene)
    pictures.register(service)
    with pytest.raises(QueryError, match=message):
        service.ask("flows", {"text": text})
