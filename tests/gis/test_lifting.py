from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

import gis
from gis import samples
from gis.samples import Sampler, Samples
from scenes.errors import LoadError, UnknownObjectError
from scenes.georeference import Georeference
from scenes.model import Batch, Layer, Scene
from scenes.problems import Problems
from scenes.schema import object_table
from tests.gis import clouds

FRAME = Georeference(clouds.UTM51, clouds.EAST, clouds.NORTH)
SIDE = 360.0


class Town:
    """Prisms of known heights on a slope, and a survey of them with trees, noise and a bare lot."""

    def __init__(self, seed: int = 1, points: int = 60_000) -> None:
        random = np.random.default_rng(seed)
        corner = np.stack(np.meshgrid(np.arange(6), np.arange(6)), -1).reshape(-1, 2) * 58.0 + 15
        corner += random.uniform(0, 8, corner.shape)
        sides = random.uniform(10, 30, corner.shape)
        self.plans = shapely.box(*corner.T, *(corner + sides).T)
        self.heights = random.uniform(4, 60, len(corner))
        self.heights[5] = 0.0  # torn down
        rims = [self.ground(np.array(plan.exterior.coords)) for plan in self.plans]
        self.bases = np.array([rim.min() for rim in rims])
        self._survey(random, points)

    @staticmethod
    def ground(plan: np.ndarray) -> np.ndarray:
        return 5 + 0.02 * plan[:, 0] + 0.01 * plan[:, 1]

    def _survey(self, random: np.random.Generator, count: int) -> None:
        plan = random.uniform(0, SIDE, (count, 2))
        z, classes = self.ground(plan), np.full(count, 2, np.uint8)
        point, owner = shapely.STRtree(self.plans).query(shapely.points(plan), predicate="within")
        built = self.heights[owner] > 0
        z[point[built]] = (self.bases + self.heights)[owner[built]]
        classes[point[built]] = 6
        tree = (random.random(count) < 0.04) & (classes == 2)
        z[tree] += random.uniform(2, 15, tree.sum())
        classes[tree] = 5
        z += random.normal(0, 0.05, count)
        bird = random.random(count) < 0.001
        z[bird] += 200
        classes[bird] = 18
        self.xyz = np.column_stack([plan + np.array([clouds.EAST, clouds.NORTH]), z])
        self.classes = classes

    def write(self, path: Path, *, classified: bool) -> Path:
        pulses = np.where(self.classes == 5, 2, 1).astype(np.uint8)
        marks: dict[str, Any] = {"return_number": np.ones(len(pulses), np.uint8), "number_of_returns": pulses}
        return clouds.write_las(path, self.xyz, classification=self.classes * classified, **marks)

    def scene(self, **columns: Any) -> Scene:
        table = object_table(
            {
                "uid": [f"urn:house:{i}" for i in range(len(self.plans))],
                "kind": ["Building"] * len(self.plans),
                "name": [f"house {i}" for i in range(len(self.plans))],
                "footprint": shapely.to_wkb(self.plans),
                **columns,
            }
        )
        return Scene(FRAME, {"buildings": Layer("buildings", (Batch(table),), "buildings")})


@pytest.fixture(scope="module")
def town() -> Town:
    return Town()


@pytest.mark.parametrize(("classified", "within_m"), [(True, 0.1), (False, 0.25)])
def test_prisms_come_back_with_their_heights(town: Town, tmp_path: Path, classified: bool, within_m: float) -> None:
    problems = Problems()
    lifted = gis.lift(town.scene(), town.write(tmp_path / "a.laz", classified=classified), problems=problems)
    table = lifted.layers["buildings"].table
    heights, standing = table["height_m"].to_numpy(), town.heights > 0
    np.testing.assert_allclose(heights[standing], town.heights[standing], atol=within_m)
    assert np.isnan(heights[~standing]).all()
    methods = np.array(table["lift_method"].to_pylist())
    assert set(methods[standing]) == {"classes" if classified else "percentiles"}
    assert methods[~standing].tolist() == ["kept"]
    assert [problem.object for problem in problems.listed() if problem.rule == "height-not-lifted"] == ["house 5"]
    assert (table["lift_points"].to_numpy()[standing] >= 10).all()
    assert (table["lift_spread_m"].to_numpy()[standing] < 0.3).all()


def test_blocks_stand_on_the_ground_and_reach_the_roof(town: Town, tmp_path: Path) -> None:
    lifted = gis.lift(town.scene(), town.write(tmp_path / "a.laz", classified=True)).layers["buildings"]
    mesh = lifted.batches[0].finest()
    assert mesh is not None
    standing = town.heights > 0
    low, high = mesh.row_bounds(len(lifted))
    np.testing.assert_allclose(high[standing, 2], (town.bases + town.heights)[standing], atol=0.1)
    np.testing.assert_allclose(low[standing, 2], town.bases[standing], atol=0.35)
    plans = np.array([shapely.bounds(plan) for plan in town.plans])
    np.testing.assert_allclose(np.c_[low[standing, :2], high[standing, :2]], plans[standing], atol=0.001)
    box = lifted.bounds()
    assert box is not None
    assert box[5] == pytest.approx(np.nanmax(high[:, 2]), abs=1e-3)


def test_heights_are_compared_with_known_ones_and_outliers_are_named(town: Town, tmp_path: Path) -> None:
    known = town.heights + 0.5
    known[7] += 25
    sources = ["column"] * len(known)
    sources[3] = "missing"
    problems = Problems()
    scene = town.scene(height_m=known, height_source=sources)
    lifted = gis.lift(scene, town.write(tmp_path / "a.laz", classified=True), problems=problems)
    found = gis.height_difference(lifted.layers["buildings"])
    assert found.count == len(known) - 2  # one torn down, one never known
    assert found.median_m == pytest.approx(-0.5, abs=0.05)
    assert found.outliers == 1
    assert found.rmse_m == pytest.approx(np.sqrt((found.count - 1) * 0.25 + 25.5**2) / np.sqrt(found.count), rel=0.02)
    assert [problem.object for problem in problems.listed() if problem.rule == "height-difference"] == ["house 7"]
    table = lifted.layers["buildings"].table
    assert table["height_source"].to_pylist()[5] == "column"
    assert table["height_m"].to_pylist()[5] == 0.5
    assert table["height_source"].to_pylist()[6] == "pointcloud"
    assert table["height_before_m"].to_pylist()[3] is None


def test_a_building_without_points_keeps_its_shape(town: Town, tmp_path: Path) -> None:
    half = town.xyz[:, 0] < clouds.EAST + SIDE / 2
    path = clouds.write_las(tmp_path / "half.las", town.xyz[half], classification=town.classes[half])
    before = gis.lift(town.scene(), town.write(tmp_path / "a.laz", classified=True))
    after = gis.lift(before, path).layers["buildings"]
    far = np.flatnonzero(shapely.bounds(town.plans)[:, 0] > SIDE / 2 + 5)
    old, new = before.layers["buildings"].batches[0].finest(), after.batches[0].finest()
    assert old is not None
    assert new is not None
    for kept, fresh in zip(old.row_bounds(len(after)), new.row_bounds(len(after)), strict=True):
        np.testing.assert_allclose(kept[far], fresh[far])
    assert {after.table["lift_method"].to_pylist()[row] for row in far} == {"kept"}


def test_areas_of_a_plain_map_become_buildings(town: Town, tmp_path: Path) -> None:
    layer = town.scene().layers["buildings"]
    table = layer.table
    kind = table.schema.get_field_index("kind")
    table = table.set_column(kind, table.schema.field("kind"), [["GenericOccupiedSpace"] * len(layer)])
    scene = Scene(FRAME, {"areas": Layer("areas", (Batch(table),), "generic")})
    lifted = gis.lift(scene, town.write(tmp_path / "a.laz", classified=True), layer="areas").layers["areas"]
    assert lifted.theme == "buildings"
    assert lifted.table["kind"].to_pylist().count("Building") == (town.heights > 0).sum()


def test_samples_are_thinned_and_the_heights_stay(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "_MOST_KEPT", 500)
    monkeypatch.setattr(samples, "MOST_A_FOOTPRINT", 40)
    path = town.write(tmp_path / "a.laz", classified=True)
    heights = gis.lift(town.scene(), path).layers["buildings"].table["height_m"].to_numpy()
    standing = town.heights > 0
    np.testing.assert_allclose(heights[standing], town.heights[standing], atol=0.15)


def test_thinning_keeps_at_most_so_many_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "_MOST_KEPT", 100)
    monkeypatch.setattr(samples, "MOST_A_FOOTPRINT", 30)
    sampler = Sampler(np.array([shapely.box(0, 0, 1, 1)]))
    many = sampler._joined(Samples.empty(), np.zeros(1_000, np.int64), np.arange(1_000.0), np.zeros(1_000, bool))
    assert len(many) == 30


def test_what_cannot_be_lifted_is_said(town: Town, tmp_path: Path) -> None:
    path = town.write(tmp_path / "a.laz", classified=True)
    with pytest.raises(UnknownObjectError, match="no such layer"):
        gis.lift(town.scene(), path, layer="houses")
    point = object_table(
        {"uid": ["a"], "kind": ["PointOfInterest"], "footprint": shapely.to_wkb([shapely.Point(1, 1)])}
    )
    scene = Scene(FRAME, {"points": Layer("points", (Batch(point),), "points")})
    with pytest.raises(LoadError, match="has no polygon"):
        gis.lift(scene, path, layer="points")


@pytest.mark.real_data
def test_the_roof_of_a_real_building_is_found_by_its_class(real_data: Path) -> None:
    path = real_data / "pointcloud/las/sample_c.las"
    frame = Georeference("EPSG:32617", 674_500.0, 1_206_700.0)
    cloud = gis.read(path, crs="EPSG:32617", georeference=frame).layers["pointcloud"].batches[0].meshes["1"]
    assert isinstance(cloud.points, np.ndarray)
    xyz, classes = cloud.positions_m, cloud.classes  # type: ignore[attr-defined]
    roof = xyz[(classes == 6) & (xyz[:, 0] > 60)]
    plan = shapely.convex_hull(shapely.multipoints(roof[:, :2]))
    ground = xyz[classes == 2][:, 2]
    table = object_table({"uid": ["a"], "kind": ["Building"], "footprint": shapely.to_wkb([plan])})
    scene = Scene(frame, {"buildings": Layer("buildings", (Batch(table),), "buildings")})
    rule = gis.LiftRule(around_m=60.0)  # the ground that was surveyed lies across the gap
    lifted = gis.lift(scene, path, crs="EPSG:32617", rule=rule).layers["buildings"].table
    assert lifted["lift_method"].to_pylist() == ["classes"]
    assert lifted["roof_m"][0].as_py() == pytest.approx(np.quantile(roof[:, 2], 0.7), abs=0.05)
    assert lifted["ground_m"][0].as_py() == pytest.approx(np.quantile(ground, 0.1), abs=0.3)
