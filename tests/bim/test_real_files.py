"""Real models from many tools: where they lie, what is in them, and that the broken ones end in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import bim
from bim.loader import BimLoader
from bim.supervisor import Limits
from scenes import CityTwinError, Scene, UnsupportedError
from scenes.georeference import Georeference
from scenes.loading import LoadContext
from scenes.sources import Placement, Source

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real_data

KIT = Georeference("EPSG:25832", 458_600.0, 5_438_200.0)


def read_or_sentence(path: Path) -> tuple[str, Scene | None]:
    try:
        return "", bim.read(path, limits=Limits(product_s=4.0))
    except CityTwinError as error:
        return str(error), None


def classes(scene: Scene) -> list[str]:
    return [name for layer in scene.layers.values() for name in layer.table["ifc_class"].to_pylist()]


def test_a_tower_stands_where_it_is_placed(real_data: Path) -> None:
    place = Placement(354_000.0, 3_457_000.0, 4.0)
    scene = bim.read(real_data / "ifc/building/TallBuilding.ifc", crs="EPSG:32651", place=place)
    assert classes(scene).count("IfcWindow") == 21
    assert scene.georeference.crs == "EPSG:32651"
    low, high = np.array(scene.bounds()).reshape(2, 3)
    assert (np.abs([low[:2], high[:2]]) < 20).all()
    assert 3.5 < low[2] < high[2] < 25


def test_an_office_has_storeys_rooms_and_coloured_elements(real_data: Path) -> None:
    scene = bim.read(real_data / "ifc/building/Office_A_20110811.ifc", limits=Limits(product_s=120))
    table = scene.layers["office_a_20110811"].table
    assert "Storey" in table["kind"].to_pylist()
    assert len(scene.layers["office_a_20110811-spaces"]) > 0
    mesh = scene.layers["office_a_20110811"].batches[0].finest()
    assert mesh is not None
    assert mesh.colours is not None
    assert len(np.unique(mesh.colours, axis=0)) > 3
    assert mesh.colours[:, 3].min() < 255  # glass


def test_the_same_object_in_two_systems_lies_at_one_place(real_data: Path) -> None:
    centres = []
    for name in ("utm", "gk"):
        path = real_data / f"ifc/georeferenced/geographic-referencing-{name}.ifc"
        bounds = np.array(bim.read(path, georeference=KIT).bounds()).reshape(2, 3)
        centres.append(bounds.mean(axis=0))
    assert np.linalg.norm(centres[0][:2] - centres[1][:2]) < 2.5
    assert np.abs(centres[0][:2]).max() < 300


def test_millimetre_map_conversions_stand_side_by_side(real_data: Path) -> None:
    places = [BimLoader().locate(Source(str(real_data / "ifc/georeferenced" / name))) for name in (
        "infra-bridge.ifc", "building-architecture.ifc")]  # fmt: skip
    assert all(place is not None and place.crs == "EPSG:32760" for place in places)
    frame = Georeference("EPSG:32760", 729_000.0, 9_063_900.0)
    local = [frame.from_lonlat(place.longitude_deg, place.latitude_deg) for place in places if place]
    assert np.hypot(*np.subtract(local[0], local[1])) == pytest.approx(32.2, abs=0.3)


def test_the_house_at_kit_lies_at_kit_and_the_one_in_berlin_is_flagged(real_data: Path) -> None:
    kit = BimLoader().locate(Source(str(real_data / "ifc/building/AC20-FZK-Haus.ifc")))
    assert kit is not None
    assert (kit.latitude_deg, kit.longitude_deg) == pytest.approx((49.1004, 8.4365), abs=1e-3)
    source = Source(str(real_data / "ifc/building/AC11-FZK-Haus-IFC.ifc"))
    with pytest.raises(CityTwinError, match="default of its authoring tool"):
        list(BimLoader().load(source, LoadContext(KIT)))


def test_zipped_subcontractor_models_load(real_data: Path) -> None:
    scene = bim.read(real_data / "ifc/federated_schependomlaan/ROOT-staal.ifczip")
    assert sum(layer.triangle_count for layer in scene.layers.values()) > 1000


@pytest.mark.parametrize("number", range(9))
def test_release_candidates_are_refused_by_name(real_data: Path, number: int) -> None:
    path = sorted((real_data / "ifc/infra_ifc4x3_rc3_unsupported").glob("*.ifc"))[number]
    with pytest.raises(UnsupportedError, match=r"schema IFC4X3_RC\d is not supported; export the model as"):
        bim.read(path)


@pytest.mark.parametrize("number", range(9))
def test_release_candidates_are_read_as_the_standard_when_asked(real_data: Path, number: int) -> None:
    path = sorted((real_data / "ifc/infra_ifc4x3_rc3_unsupported").glob("*.ifc"))[number]
    scene = bim.read(path, schema="IFC4X3_ADD2")
    assert len(scene) > 3
    assert scene.bounds() is not None
    assert "schema-read-as" in {problem["rule"] for problem in scene.metadata["problems"]}


@pytest.mark.parametrize("name", ["ac16_sjis", "revit2014_unicode", "vectorworks_sjis"])
def test_japanese_names_can_be_read(real_data: Path, name: str) -> None:
    scene = bim.read(real_data / f"ifc/text_encoding/{name}.ifc")
    text = "".join(scene[uid].name for uid in scene)
    assert any("\u3040" <= character <= "\u9fff" for character in text)
    assert not any("\x80" <= character <= "\x9f" for character in text)


@pytest.mark.parametrize(
    "name",
    [
        "ifc_bimserver/doubleguids.ifc",
        "ifc_bimserver/errorfile.ifc",
        "ifc_ifcopenshell_issues/337--nestedLoop.ifc_",
        "ifc_ifcopenshell_issues/359--wall--wrong-geometry--augmented.ifc",
        "ifc_ifcopenshell_issues/450--wall--big-bounding-box-output.ifc",
        "ifc_ifcopenshell_issues/588--buildingElementPart--timeout--augmented.ifc",
        "ifc_ifcopenshell_issues/600--wall--timeout--augmented.ifc",
        "ifc_ifcopenshell_issues/796--wall--no-geometry.ifc",
        "ifc_ifcopenshell_issues/large_offset.ifc",
        "ifc_gherkin_fail/fail-grf002-invalid_epsg_code_invalid_string.ifc",
        "ifc_gherkin_fail/fail-ifc101-IFC4X3.ifc",
        "ifc_gherkin_fail/fail-pjs003-invalid_length_ifcsite.ifc",
        "ifc_gherkin_fail/fail-pjs101-absent_project_present_project_library.ifc",
        "ifc_gherkin_fail/fail-sps002-scenario01-ifcrailway_part_of_ifcperson.ifc",
    ],
)
def test_a_broken_file_ends_in_a_scene_or_in_one_sentence(real_data: Path, name: str) -> None:
    path = real_data / "malformed" / name
    sentence, scene = read_or_sentence(path)
    if scene is None:
        assert "\n" not in sentence
        assert sentence.startswith(str(path))
    else:
        bounds = scene.bounds()
        assert len(set(scene)) == len(scene) > 0
        assert bounds is None or np.isfinite(bounds).all()
