"""Sewer and water supply models: depths, sizes, units, and files that are half a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.ground import GridGround
from gis.networks.epanet import COVER_M
from gis.networks.inp import read_model, which
from gis.networks.water import WaterNetworkLoader
from scenes import Batch, Georeference, GeoreferenceError, Layer, LoadError, Problems
from scenes.loading import LoadContext
from scenes.sources import Placement, Source

FOOT_M = 0.3048
FRAME = Georeference("EPSG:32632", 500_000.0, 5_000_000.0)
SEWER = """[OPTIONS]
FLOW_UNITS {units}
LINK_OFFSETS {offsets}
[JUNCTIONS]
;; a comment
M1 10 4 0 0 0
M2 9 5 0 0 0 ; beside
[OUTFALLS]
O1 8 FREE NO
[STORAGE]
S1 7 3 0 FUNCTIONAL 0 0 78.54
[CONDUITS]
C1 M1 M2 100 0.013 {up} {down} 0 0
C2 M2 O1 50 0.013 0 0
[PUMPS]
P1 S1 M2 CURVE ON
[XSECTIONS]
C1 CIRCULAR 0.6 0 0 0 1
C2 EGG 0.9 0 0 0 1
[SUBCATCHMENTS]
A1 RAIN M1 2 50 100 1.5 0
[COORDINATES]
M1 0 0
M2 100 0
O1 150 0
S1 100 30
[VERTICES]
C1 50 10
[POLYGONS]
A1 0 0
A1 100 0
A1 100 100
[TAGS]
Link C1 old
"""
SUPPLY = """[TITLE]
[JUNCTIONS]
J1 100 5
J2 110
[RESERVOIRS]
R1 150
[TANKS]
T1 140 3 0 6 10 0
[PIPES]
P1 J1 J2 200 {diameter} 130 0 Open
P2 R1 J1 50 {diameter} 130 0 Open
P3 T1 J2 50 {diameter} 130 0 Open
[VALVES]
V1 J1 J2 {diameter} PRV 40 0
[OPTIONS]
Units {units}
[COORDINATES]
J1 0 0
J2 200 0
R1 0 50
T1 200 50
[END]
"""


def loaded(path: Path, text: str, problems: Problems | None = None, **more: object) -> dict[str, Batch]:
    """Return the first batch of each layer of a model that is placed at the origin of the frame."""
    path.write_text(text)
    source = Source(str(path), place=Placement(500_000.0, 5_000_000.0))
    context = LoadContext(FRAME, problems=problems or Problems(), **more)  # type: ignore[arg-type]
    found: list[tuple[Layer, Batch]] = list(WaterNetworkLoader().load(source, context))
    return {layer.name: batch.with_bounds() for layer, batch in found}


def sewer(units: str = "CMS", offsets: str = "DEPTH", up: object = 0.5, down: object = 0) -> str:
    return SEWER.format(units=units, offsets=offsets, up=up, down=down)


def test_conduits_are_tubes_at_the_depth_of_their_inverts(tmp_path: Path) -> None:
    pipes = loaded(tmp_path / "a.inp", sewer())["sewers"].table.to_pylist()
    first = pipes[0]
    # Rims are at 14 m, so C1 begins 3.5 m below the ground (invert 10 + offset 0.5) and ends 5 m below it.
    assert first["max_z"] == pytest.approx(-3.5 + 0.6, abs=0.05)
    assert first["min_z"] == pytest.approx(-5.0, abs=0.05)
    assert first["diameter_m"] == pytest.approx(0.6)
    assert first["slope_percent"] == pytest.approx((10.5 - 9) / 100 * 100)
    assert (first["from_node"], first["to_node"], first["tag"]) == ("M1", "M2", "old")
    assert pipes[1]["width_m"] == pytest.approx(0.9 * 0.667)


def test_offsets_may_be_heights(tmp_path: Path) -> None:
    as_depth = loaded(tmp_path / "a.inp", sewer(up=0.5, down=0.25))["sewers"].table
    as_height = loaded(tmp_path / "b.inp", sewer(offsets="ELEVATION", up=10.5, down=9.25))["sewers"].table
    for column in ("from_invert_m", "to_invert_m", "slope_percent"):
        assert as_depth[column][0].as_py() == pytest.approx(as_height[column][0].as_py())


def test_american_models_are_in_feet(tmp_path: Path) -> None:
    table = loaded(tmp_path / "a.inp", sewer(units="CFS"))["sewers"].table
    assert table["diameter_m"][0].as_py() == pytest.approx(0.6 * FOOT_M)
    assert table["length_m"][0].as_py() == pytest.approx(100 * FOOT_M)
    assert table["max_x"][0].as_py() == pytest.approx(100 * FOOT_M, abs=0.2)


def test_manholes_reach_from_the_invert_to_the_rim(tmp_path: Path) -> None:
    nodes = loaded(tmp_path / "a.inp", sewer())["sewer-nodes"].table.to_pylist()
    kinds = {row["source_id"]: row["kind"] for row in nodes}
    assert kinds["manhole/M1"] == "Manhole"
    assert kinds["storage/S1"] == "OtherConstruction"
    assert (nodes[0]["min_z"], nodes[0]["max_z"]) == (pytest.approx(-4), pytest.approx(0))
    tank = next(row for row in nodes if row["class"] == "storage")
    assert tank["surface_area_m2"] == pytest.approx(78.54)


def test_pipes_know_what_they_connect_and_catchments_where_they_drain(tmp_path: Path) -> None:
    layers = loaded(tmp_path / "a.inp", sewer())
    uids = dict(zip(*(layers["sewer-nodes"].table[name].to_pylist() for name in ("source_id", "uid")), strict=True))
    links = layers["sewers"].relations.to_pylist()
    assert {"row": 0, "kind": "connects", "target": uids["manhole/M1"], "role": "from"} in links
    assert layers["subcatchments"].relations["target"].to_pylist() == [uids["manhole/M1"]]
    assert layers["subcatchments"].table["area_m2"].to_pylist() == [20_000.0]


def test_on_terrain_that_fits_its_heights_are_kept(tmp_path: Path) -> None:
    edge = np.array([-1_000.0, 1_000.0])
    fitting = GridGround(edge, edge, np.full((2, 2), 15.0))
    pipes = loaded(tmp_path / "a.inp", sewer(), ground=fitting)["sewers"].table
    assert pipes["min_z"][0].as_py() == pytest.approx(9.0, abs=0.05)
    problems = Problems()
    far = GridGround(edge, edge, np.full((2, 2), 215.0))
    pipes = loaded(tmp_path / "a.inp", sewer(), problems, ground=far)["sewers"].table
    assert pipes["min_z"][0].as_py() == pytest.approx(210.0, abs=0.05)
    assert problems.count("heights-relative") == 1


def test_water_mains_lie_under_their_cover_and_towers_stand(tmp_path: Path) -> None:
    layers = loaded(tmp_path / "a.inp", SUPPLY.format(diameter=200, units="LPS"))
    pipe = layers["water-pipes"].table.to_pylist()[0]
    assert pipe["diameter_m"] == pytest.approx(0.2)
    assert pipe["max_z"] == pytest.approx(-COVER_M, abs=0.01)
    tank = next(row for row in layers["water-nodes"].table.to_pylist() if row["class"] == "tank")
    assert (tank["min_z"], tank["max_z"]) == (pytest.approx(30), pytest.approx(36))
    assert layers["water-pipes"].table.schema.field("diameter_m").metadata == {b"unit": b"m"}


def test_american_mains_are_in_inches(tmp_path: Path) -> None:
    table = loaded(tmp_path / "a.inp", SUPPLY.format(diameter=8, units="GPM"))["water-pipes"].table
    assert table["diameter_m"][0].as_py() == pytest.approx(0.2032)


def test_the_two_kinds_are_told_apart_by_their_sections(tmp_path: Path) -> None:
    for text, kind in ((sewer(), "swmm"), (SUPPLY, "epanet"), ("[MESH]\n1 2\n", ""), ("no sections", "")):
        path = tmp_path / "a.inp"
        path.write_text(text)
        assert which(path) == kind


def test_a_model_of_no_stated_system_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.inp"
    path.write_text(sewer())
    with pytest.raises(GeoreferenceError, match="--source-crs"):
        WaterNetworkLoader().locate(Source(str(path)))


def test_links_to_nowhere_are_reported_and_the_rest_is_loaded(tmp_path: Path) -> None:
    problems = Problems()
    text = sewer().replace("C2 M2 O1", "C2 M2 LOST")
    assert len(loaded(tmp_path / "a.inp", text, problems)["sewers"]) == 2
    assert problems.count("link-without-node") == 1


def test_a_model_without_coordinates_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="none of its nodes has coordinates"):
        loaded(tmp_path / "a.inp", "[JUNCTIONS]\nM1 1 2\n[CONDUITS]\n")


@given(st.text(alphabet='[]ABCMO1 \n;".-eJUNCTIONS', max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.inp")
        path.write_text(text + "\n[COORDINATES]\nM1 0 0\n[CONDUITS]\n")
        assert "CONDUITS" in read_model(path).sections


@pytest.mark.real_data
def test_every_real_model_is_loaded(real_data: Path) -> None:
    files = [*real_data.glob("water/swmm*/*.inp"), *real_data.glob("water/epanet/*.inp")]
    assert len(files) >= 16
    for path in files:
        source = Source(str(path), place=Placement(500_000.0, 5_000_000.0))
        assert WaterNetworkLoader().supports(source)
        batches = [batch for _, batch in WaterNetworkLoader().load(source, LoadContext(FRAME))]
        assert sum(len(batch) for batch in batches) > 0


@pytest.mark.real_data
def test_kentucky_lies_in_kentucky(real_data: Path) -> None:
    source = Source(str(real_data / "water/epanet/ky4.inp"), crs="EPSG:3089")
    found = WaterNetworkLoader().locate(source)
    assert found is not None
    assert (found.longitude_deg, found.latitude_deg) == (pytest.approx(-85.6, abs=0.5), pytest.approx(38.0, abs=0.5))
    assert found.crs == ""
    batches = [b for layer, b in WaterNetworkLoader().load(source, LoadContext(Georeference.around(-85.6, 38.0)))]
    assert [len(batch) for batch in batches] == [1158, 964]
    ways = shapely.from_wkb(batches[0].table["footprint"].to_numpy(zero_copy_only=False))
    stated = batches[0].table["length_m"].to_numpy(zero_copy_only=False)
    pipe = np.isfinite(stated)
    assert shapely.length(ways[pipe]).sum() == pytest.approx(stated[pipe].sum(), rel=0.02)
