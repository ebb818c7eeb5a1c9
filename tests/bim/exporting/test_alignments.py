"""Alignments leave with the layouts that they were designed by, and come back within a millimetre."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ifcopenshell
import numpy as np
import pytest

import bim
from bim.checking import IfcChecker
from scenes.export import export
from scenes.sources import Placement, Source
from tests.bim.test_alignment import KINDS, alignment_of, evaluated
from twin.whatif import MoveObject, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scenes import CityObject, Scene

PARAMETERS = ("IfcAlignmentHorizontalSegment", "IfcAlignmentVerticalSegment", "IfcAlignmentCantSegment")


def of_class(scene: Scene, name: str) -> list[CityObject]:
    return [each for each in map(scene.at, range(len(scene))) if each.attributes.get("ifc_class") == name]


def line(scene: Scene) -> np.ndarray:
    """Return the line of the first alignment in projected metres, (n, 3)."""
    mesh = of_class(scene, "IfcAlignment")[0].batch.finest()
    assert mesh is not None
    return mesh.take([of_class(scene, "IfcAlignment")[0].batch_row]).positions_m + scene.georeference.origin_m


def sound(file: Path) -> Path:
    assert [each for each in IfcChecker().check(Source(str(file))) if each.severity == "error"] == []
    return file


def designs(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return the design parameters in a file, without the place of their points."""
    model = ifcopenshell.open(str(file))
    found = {}
    for name in PARAMETERS:
        nests = [each for each in model.by_type("IfcRelNests") if each.RelatingObject.is_a("IfcLinearElement")]
        segments = [each.DesignParameters for nest in nests for each in nest.RelatedObjects]
        found[name] = [tuple(each)[3:] for each in segments if each.is_a(name)]
    return found


@pytest.mark.parametrize(("kind", "start_m", "end_m"), KINDS)
def test_every_kind_of_segment_comes_back(
    new_house: Callable[..., Any], add: Callable[..., Any], tmp_path: Path, kind: str, start_m: float, end_m: float
) -> None:
    house = new_house("IFC4X3")
    alignment_of(house.model, add, kind, start_m, end_m)
    first = house.save(tmp_path / "first.ifc")
    at = Placement(354_123.4, 3_457_567.8, 12.5, 33.0)
    before = bim.read(first, crs="EPSG:32651", place=at)
    second = sound(export(before, tmp_path / "second.ifc"))
    after = bim.read(second)
    assert np.abs(line(before) - line(after)).max() < 1e-3
    for name, told in designs(first).items():
        assert len(told) == len(designs(second)[name])
        for old, new in zip(told, designs(second)[name], strict=True):
            assert old[-1] == new[-1]
            assert np.allclose([each or 0.0 for each in old[:-1]], [each or 0.0 for each in new[:-1]], atol=1e-9)
    names = [[each.name for each in of_class(scene, "IfcAlignmentSegment")] for scene in (before, after)]
    assert names[0] == names[1]
    assert [each.aliases["ifc"] for each in of_class(before, "IfcAlignmentSegment")] == [
        each.aliases["ifc"] for each in of_class(after, "IfcAlignmentSegment")
    ]


def test_the_curves_are_those_of_the_layouts(
    new_house: Callable[..., Any], add: Callable[..., Any], tmp_path: Path
) -> None:
    house = new_house("IFC4X3")
    alignment_of(house.model, add, "CLOTHOID", 0.0, 250.0)
    before = bim.read(house.save(tmp_path / "first.ifc"), crs="EPSG:32651", place=Placement(354_000.0, 3_457_000.0))
    model = ifcopenshell.open(str(sound(export(before, tmp_path / "second.ifc"))))
    alignment = model.by_type("IfcAlignment")[0]
    shown = {each.RepresentationIdentifier: each.Items[0] for each in alignment.Representation.Representations}
    assert shown["Axis"].is_a() == "IfcGradientCurve"
    assert {each.ParentCurve.is_a() for each in shown["Axis"].BaseCurve.Segments} >= {"IfcClothoid"}
    mine = line(before)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(mine[:, :2], axis=0).T))])
    place = alignment.ObjectPlacement.RelativePlacement
    turn = np.array(place.RefDirection.DirectionRatios)
    points = evaluated(shown["Axis"], np.array([0.0, 60.0, 119.99]))
    x = points[:, 0] * turn[0] - points[:, 1] * turn[1] + place.Location.Coordinates[0]
    y = points[:, 0] * turn[1] + points[:, 1] * turn[0] + place.Location.Coordinates[1]
    z = points[:, 2] + place.Location.Coordinates[2]
    engine = np.column_stack([x, y, z]) + before.georeference.origin_m
    own = np.column_stack([np.interp([0.0, 60.0, 119.99], along, mine[:, axis]) for axis in range(3)])
    assert np.abs(engine - own).max() < 0.02  # a polyline within a centimetre of its curve


def test_an_alignment_that_was_moved_takes_its_design_along(
    new_house: Callable[..., Any], add: Callable[..., Any], tmp_path: Path
) -> None:
    house = new_house("IFC4X3")
    alignment_of(house.model, add, "CIRCULARARC", -300.0, -300.0)
    base = bim.read(house.save(tmp_path / "first.ifc"), crs="EPSG:32651", place=Placement(354_000.0, 3_457_000.0))
    track = of_class(base, "IfcAlignment")[0].uid
    moved = Scenario("moved", base).edit(MoveObject(track, 30.0, -20.0, 4.0)).scene
    after = bim.read(sound(export(moved, tmp_path / "second.ifc")))
    assert np.abs(line(after) - line(base) - [30.0, -20.0, 4.0]).max() < 1e-3
    assert len(of_class(after, "IfcAlignmentSegment")) == 4


def test_a_line_that_no_longer_follows_its_design_leaves_without_it(
    new_house: Callable[..., Any], add: Callable[..., Any], tmp_path: Path
) -> None:
    house = new_house("IFC4X3")
    alignment_of(house.model, add, "LINE", 0.0, 0.0)
    base = bim.read(house.save(tmp_path / "first.ifc"), crs="EPSG:32651", place=Placement(354_000.0, 3_457_000.0))
    name, layer = next((name, layer) for name, layer in base.layers.items() if name.endswith("-lines"))
    (batch,) = layer.batches
    mesh = batch.meshes["3"]
    bent = mesh.positions.copy()
    bent[len(bent) // 2, 1] += 5.0
    other = replace(batch, meshes={"3": replace(mesh, positions=bent)})
    scene = base.with_layer(layer.with_batches([other]))
    file = sound(export(scene, tmp_path / "second.ifc"))
    model = ifcopenshell.open(str(file))
    assert not model.by_type("IfcLinearElement")
    assert np.abs(line(bim.read(file)) - line(scene)).max() < 1e-3
    assert name in scene.layers


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    ["pass-alb004-correct_alignment_behaviour_directly_aggregated", "pass-als008-alignment_cant_shape_representation",
     "linear-placement-of-signal", "pass-lip002-imperial", "segmented-reference-curve"],
)  # fmt: skip
def test_real_alignments_come_back(real_data: Path, tmp_path: Path, name: str) -> None:
    before = bim.read(real_data / f"ifc/infra_ifc4x3_add2/{name}.ifc", crs="EPSG:32651", place=Placement(4e5, 3.4e6))
    second = sound(export(before, tmp_path / "second.ifc"))
    frame = before.georeference  # some hold projected coordinates, which the doctor does not move once more
    after = bim.read(second, crs=frame.crs, place=Placement(frame.easting_m, frame.northing_m, frame.height_m))
    assert np.abs(line(before) - line(after)).max() < 1e-3
    for kind in ("IfcAlignment", "IfcAlignmentHorizontal", "IfcAlignmentVertical", "IfcAlignmentCant", "IfcReferent",
                 "IfcAlignmentSegment"):  # fmt: skip
        told = [[(each.name, each.attributes.get("start_station_m")) for each in of_class(scene, kind)]
                for scene in (before, after)]  # fmt: skip
        assert len(told[0]) == len(told[1]), kind
        assert [each[0] for each in told[0]] == [each[0] for each in told[1]], kind
        for old, new in zip(*told, strict=True):
            assert (old[1] is None) == (new[1] is None), (kind, old, new)
            assert old[1] is None or abs(old[1] - new[1]) < 1e-3
