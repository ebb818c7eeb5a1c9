"""What leaves as IFC is valid, and comes back with the same ids, classes, tree, properties and shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
import shapely

import bim
from bim.authoring import write_library
from bim.checking import IfcChecker
from scenes import Batch, Georeference, Layer, MeshSet, QueryError, Scene
from scenes.export import export
from scenes.identity import derive_uids
from scenes.schema import object_table
from scenes.sources import Source

if TYPE_CHECKING:
    from pathlib import Path

FRAME = Georeference("EPSG:32651", 395_600.0, 3_419_000.0, 4.0)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    path = tmp_path_factory.mktemp("ifc") / "library.ifc"
    return bim.read(write_library(path, crs="EPSG:32651", place_m=(395_600.0, 3_419_000.0, 4.5), angle_deg=30.0))


def by_guid(scene: Scene) -> dict[str, str]:
    return {guid: uid for uid in scene if (guid := scene[uid].aliases.get("ifc"))}


def test_a_model_comes_back_as_it_left(library: Scene, tmp_path: Path) -> None:
    file = export(library, tmp_path / "out.ifc")
    assert not [problem for problem in IfcChecker().check(Source(str(file))) if problem.severity == "error"]
    back = bim.read(file)
    before, after = by_guid(library), by_guid(back)
    lost = [library[before[guid]].attributes["ifc_class"] for guid in before.keys() - after.keys()]
    assert set(lost) <= {"IfcProject"}
    systems = [uid for uid in after.values() if back[uid].attributes["ifc_class"] == "IfcDistributionSystem"]
    assert len(back.graph("member")) == len(library.graph("member")) > 5
    assert len(systems) == 1
    shift = np.tile(back.georeference.origin_m - library.georeference.origin_m, 2)
    for guid in before.keys() & after.keys():
        old, new = library[before[guid]], back[after[guid]]
        assert new.attributes["ifc_class"] == old.attributes["ifc_class"].removesuffix("StandardCase")
        assert new.name == old.name
        if old.bounds is not None and new.bounds is not None:
            assert np.allclose(np.array(new.bounds) + shift, old.bounds, atol=1e-3)


def test_property_sets_and_quantities_come_back(library: Scene, tmp_path: Path) -> None:
    back = bim.read(export(library, tmp_path / "out.ifc"))
    before, after = by_guid(library), by_guid(back)
    compared = 0
    for guid in before.keys() & after.keys():
        old, new = library[before[guid]].properties, back[after[guid]].properties
        for name, values in old.items():
            if name.startswith(("Pset_", "Qto_")):
                assert new[name].keys() == values.keys()
                for key, value in values.items():
                    expected = pytest.approx(value) if isinstance(value, float) else value
                    assert new[name][key] == expected
                compared += 1
    assert compared > 50


def test_a_part_of_a_city_becomes_a_valid_model(tmp_path: Path) -> None:
    boxes = [shapely.box(x, 0, x + 10, 8) for x in (0.0, 30.0)]
    corners = np.array([[x, y, z] for z in (0, 12) for x, y in ((0, 0), (10, 0), (10, 8), (0, 8))], float)
    sides = [[0, 2, 1], [0, 3, 2], [4, 5, 6], [4, 6, 7], [0, 1, 5], [0, 5, 4], [1, 2, 6], [1, 6, 5],
             [2, 3, 7], [2, 7, 6], [3, 0, 4], [3, 4, 7]]  # fmt: skip
    places = [corners, corners + np.array([30.0, 0.0, 0.0])]
    colours = [np.full((8, 4), shade, np.uint8) for shade in (120, 255)]
    mesh = MeshSet.from_parts([0, 1], places, [np.array(sides, np.uint32)] * 2, colours)
    table = object_table(
        {
            "uid": derive_uids("town", ["a", "b"]),
            "kind": ["Building", "Pipe"],
            "name": ["塔", None],
            "source_id": ["a", "b"],
            "footprint": pa.array(shapely.to_wkb(boxes), pa.binary()),
            "height_m": [12.0, 12.0],
        },
        {"height_m": "m"},
    )
    layer = Layer("town", (Batch(table, {"1": mesh}).with_bounds(),), theme="buildings")
    scene = Scene(FRAME, {"town": layer})
    first, second = (export(scene, tmp_path / name).read_bytes() for name in ("a.ifc", "b.ifc"))
    assert first.split(b"DATA;")[1] == second.split(b"DATA;")[1]
    assert not [p for p in IfcChecker().check(Source(str(tmp_path / "a.ifc"))) if p.severity == "error"]
    back = bim.read(tmp_path / "a.ifc")
    classes = {back[uid].attributes["ifc_class"]: back[uid] for uid in back}
    assert classes["IfcBuilding"].name == "塔"
    assert classes["IfcBuilding"].properties["citytwin_Attributes"]["height_m"] == {"value": 12.0, "unit": "m"}
    assert classes["IfcPipeSegment"].bounds is not None
    assert back.georeference.crs == "EPSG:32651"


@pytest.mark.parametrize(
    "crs",
    [
        "+proj=tmerc +lat_0=31.2 +lon_0=121.5 +k=1 +x_0=0 +y_0=0 +ellps=GRS80 +units=m +no_defs",
        "+proj=tmerc +lat_0=0 +lon_0=120.25 +k=1 +x_0=500000 +y_0=0 +ellps=GRS80 +units=m +no_defs",
    ],
)
def test_a_system_without_a_code_comes_back_by_its_description(crs: str, tmp_path: Path) -> None:
    frame = Georeference.around(121.5, 31.2, crs)
    mesh = MeshSet.of_one([[0, 0, 0], [1, 0, 0], [1, 1, 2]], [[0, 1, 2]])
    table = object_table({"uid": derive_uids("town", ["a"]), "kind": ["Building"], "source_id": ["a"]})
    town = Layer("town", (Batch(table, {"1": mesh}).with_bounds(),))
    back = bim.read(export(Scene(frame, {"town": town}), tmp_path / "a.ifc"))
    building = next(back[uid] for uid in back if back[uid].kind == "Building")
    assert building.bounds is not None
    assert np.allclose(back.georeference.lonlat(*building.bounds[:2]), frame.lonlat(0.0, 0.0), rtol=0.0, atol=1e-8)
    assert [problem["rule"] for problem in back.metadata["problems"]] == ["georeference-choice"]


def test_a_scene_without_objects_is_refused(library: Scene, tmp_path: Path) -> None:
    with pytest.raises(QueryError):
        export(library, tmp_path / "none.ifc", where="name = 'nobody'")
    assert not (tmp_path / "none.ifc").exists()
