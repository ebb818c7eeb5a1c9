from __future__ import annotations

import json
import struct
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gis
from gis import pointcloud_blocks, pointcloud_chunks, pointcloud_las, pointcloud_spill
from gis.pointcloud import PointCloudLoader, reader_of
from gis.pointcloud_header import read_header
from gis.pointcloud_spill import Cube
from gis.pointcloud_systems import CloudFrame, system_of
from scenes.errors import CityTwinError, GeoreferenceError, LoadError, UnsupportedError
from scenes.georeference import Georeference
from scenes.loading import LoadContext
from scenes.points import PointBlocks, cloud_of
from scenes.problems import Problems
from scenes.sources import Source
from tests.gis import clouds

if TYPE_CHECKING:
    from collections.abc import Iterator

FRAME = Georeference(clouds.UTM51, clouds.EAST, clouds.NORTH)


def blocks_of(scene: Any, layer: str = "pointcloud") -> list[PointBlocks]:
    found = [cloud_of(batch.meshes) for batch in scene.layers[layer].batches]
    return [each for each in found if each is not None]


def places(scene: Any) -> np.ndarray:
    """Return all points of a scene in projected millimetres, sorted."""
    origin = np.array([scene.georeference.easting_m, scene.georeference.northing_m, 0.0])
    found = np.concatenate([each.places for each in blocks_of(scene)]).astype(np.int64)
    found = found + np.rint(origin * 1000).astype(np.int64)
    return found[np.lexsort(found.T)]


def millimetres(xyz: np.ndarray) -> np.ndarray:
    found = np.rint(xyz * 1000).astype(np.int64)
    return found[np.lexsort(found.T)]


@pytest.fixture
def small_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make everything small, so that few points do what many would."""
    monkeypatch.setattr(pointcloud_chunks, "CHUNK", 700)
    monkeypatch.setattr(pointcloud_las, "CHUNK", 700)
    monkeypatch.setattr(pointcloud_spill, "_READ", 700)
    monkeypatch.setattr(pointcloud_spill, "CELL_POINTS", 900)
    monkeypatch.setattr(pointcloud_blocks, "BLOCK_POINTS", 120)
    monkeypatch.setattr(pointcloud_blocks, "BATCH_POINTS", 1_000)


def load(source: Source) -> Iterator[Any]:
    return (batch for _, batch in PointCloudLoader().load(source, LoadContext(FRAME)))


@pytest.mark.parametrize("name", ["a.las", "a.laz"])
def test_every_point_arrives_once_where_it_is_and_as_what_it_is(tmp_path: Path, name: str) -> None:
    xyz = clouds.scattered(3_000)
    number = np.arange(3_000)
    marks = {
        "classification": (number % 20).astype(np.uint8),
        "intensity": number.astype(np.uint16),
        "red": (number * 20).astype(np.uint16),
        "return_number": np.full(3_000, 2, np.uint8),
        "number_of_returns": np.full(3_000, 3, np.uint8),
    }
    scene = gis.read(clouds.write_las(tmp_path / name, xyz, **marks))
    (cloud,) = blocks_of(scene)
    assert cloud.intensity is not None
    assert cloud.colours is not None
    assert cloud.returns is not None
    order = cloud.intensity.astype(int)
    assert sorted(order.tolist()) == number.tolist()
    np.testing.assert_array_equal(cloud.classes, order % 20)
    np.testing.assert_array_equal(cloud.colours[:, 0], (order * 20) >> 8)
    assert set(cloud.returns.tolist()) == {2 | 3 << 4}
    np.testing.assert_array_equal(places(scene), millimetres(xyz))


@pytest.mark.usefixtures("small_cells")
def test_a_cloud_larger_than_memory_is_cut_into_cells_that_hold_all_of_it(tmp_path: Path) -> None:
    xyz = clouds.scattered(9_000)
    source = Source(str(clouds.write_las(tmp_path / "a.las", xyz)))
    batches = list(load(source))
    assert len(batches) > 4
    found = []
    for batch in batches:
        cloud = cloud_of(batch.meshes)
        assert cloud is not None
        counts = np.diff(cloud.starts)
        assert counts.max() <= 120
        assert counts.min() >= 1
        assert batch.table["point_count"].to_pylist() == counts.tolist()
        low, high = cloud.bounds_m()
        np.testing.assert_allclose(batch.table["min_x"].to_numpy(), low[:, 0])
        np.testing.assert_allclose(batch.table["max_z"].to_numpy(), high[:, 2])
        found.append(cloud.places)
    local = np.concatenate(found) + np.rint(FRAME.origin_m * 1000).astype(np.int64)
    np.testing.assert_array_equal(local[np.lexsort(local.T)], millimetres(xyz))
    uids = [uid for batch in batches for uid in batch.table["uid"].to_pylist()]
    assert len(set(uids)) == len(uids)
    assert uids == [uid for batch in load(source) for uid in batch.table["uid"].to_pylist()]
    assert not list(Path(batches[0].meshes.file).parent.glob("*.points"))


@pytest.mark.usefixtures("small_cells")
def test_ten_times_the_points_take_the_same_memory(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        source = Source(str(clouds.write_las(tmp_path / f"{count}.las", clouds.scattered(count))))
        for _ in load(source):
            pass  # what is loaded once only does not count
        tracemalloc.start()
        for batch in load(source):
            assert len(batch)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(20_000) < 1.2 * peak(2_000)


@settings(max_examples=30)
@given(
    st.lists(st.tuples(*[st.integers(-40_000, 40_000)] * 3), min_size=1, max_size=60),
    st.integers(1, 4),
)
def test_morton_numbers_name_the_cell_that_holds_the_point(points: list[tuple[int, int, int]], steps: int) -> None:
    array = np.array(points, np.int32)
    cube = Cube.around(array.min(axis=0).astype(np.int64), array.max(axis=0).astype(np.int64))
    steps = min(steps, cube.side.bit_length() - 1)
    for code, place in zip(cube.codes(array, steps).tolist(), array.tolist(), strict=True):
        part = cube.part(steps, code)
        assert part.side << steps == cube.side
        corner = (part.x, part.y, part.z)
        assert all(low <= value < low + part.side for low, value in zip(corner, place, strict=True))


def test_points_at_one_place_do_not_divide_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pointcloud_spill, "CELL_POINTS", 100)
    monkeypatch.setattr(pointcloud_blocks, "BLOCK_POINTS", 10)
    xyz = np.tile([[clouds.EAST, clouds.NORTH, 3.0]], (500, 1))
    batches = list(load(Source(str(clouds.write_las(tmp_path / "one.las", xyz)))))
    assert sum(sum(batch.table["point_count"].to_pylist()) for batch in batches) == 500


def test_feet_become_metres_sideways_and_upwards(tmp_path: Path) -> None:
    foot = 1200 / 3937
    xyz = np.array([[2_045_100.0, 1_267_600.0, 100.0], [2_046_100.0, 1_268_600.0, 200.0]])
    path = clouds.write_las(tmp_path / "feet.las", xyz, crs="EPSG:2255")
    problems = Problems()
    scene = gis.read(path, problems=problems, georeference=Georeference("EPSG:26915", 900_000.0, 3_600_000.0))
    (cloud,) = blocks_of(scene)
    metres = cloud.places / 1000
    assert np.ptp(metres[:, 2]) == pytest.approx(100 * foot, abs=0.001)
    east, north = pyproj.Transformer.from_crs("EPSG:2255", "EPSG:26915", always_xy=True).transform(*xyz[:, :2].T)
    expected = np.column_stack([east - 900_000, north - 3_600_000])
    np.testing.assert_allclose(np.sort(metres[:, :2], axis=0), np.sort(expected, axis=0), atol=0.001)
    assert [problem.rule for problem in problems.listed()] == ["height-unit-assumed"]


def test_a_cloud_on_another_continent_is_refused_in_one_sentence(tmp_path: Path) -> None:
    source = Source(str(clouds.write_las(tmp_path / "far.las", clouds.scattered(200))))
    here = LoadContext(Georeference("EPSG:25832", 457_000.0, 5_430_000.0))
    with pytest.raises(GeoreferenceError, match=r"km from the origin of the scene|does not reach all of it"):
        list(PointCloudLoader().load(source, here))


@pytest.mark.real_data
def test_geokeys_that_change_the_unit_of_a_code_are_believed(real_data: Path) -> None:
    head = reader_of(source := Source(str(real_data / "pointcloud/las/mvk-thin.las"))).head(source)
    assert head.system.crs == "EPSG:2255"  # the file names EPSG:26995 (metres) and says that its unit is the foot
    assert head.system.metres_up == pytest.approx(1200 / 3937)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "place", "size"),
    [
        ("laz/autzen_trim.laz", (-123.0712, 44.0506), (360.0, 161.0, 34.9)),
        ("las/epsg_4326.las", (-94.6724, 31.0424), (2181.0, 1198.0, 39.04)),
        ("las/mvk-thin.las", (-91.146, 32.990), (1557.6, 1544.6, 40.5)),
        ("las/test1_4.las", (-106.0672, 35.9921), (152.74, 3.53, 1.93)),
    ],
)
def test_real_clouds_lie_where_they_were_flown(
    real_data: Path, name: str, place: tuple[float, float], size: tuple[float, float, float]
) -> None:
    scene = gis.read(real_data / "pointcloud" / name)
    bounds = np.array(scene.layers["pointcloud"].bounds())
    assert (bounds[3:] - bounds[:3]).tolist() == pytest.approx(size, rel=0.01)
    middle = (bounds[:2] + bounds[3:5]) / 2
    assert [float(value) for value in scene.georeference.lonlat(*middle)] == pytest.approx(place, abs=0.01)


@pytest.mark.real_data
def test_las_and_laz_of_the_same_survey_give_the_same_blocks(real_data: Path) -> None:
    one, other = (
        gis.read(real_data / f"pointcloud/{kind}/autzen_trim.{kind}").layers["pointcloud"].batches[0]
        for kind in ("las", "laz")
    )
    a, b = cloud_of(one.meshes), cloud_of(other.meshes)
    assert a is not None
    assert b is not None
    order, other_order = (np.lexsort([*each.places.T, each.classes]) for each in (a, b))
    np.testing.assert_array_equal(a.places[order], b.places[other_order])
    assert one.table["source_id"].to_pylist() == other.table["source_id"].to_pylist()


@pytest.mark.real_data
def test_a_copc_file_reads_as_a_whole_and_says_that_it_lies_oddly(real_data: Path) -> None:
    problems = Problems()
    scene = gis.read(real_data / "pointcloud/copc/1.2-with-color.copc.laz", problems=problems)
    assert sum(map(len, blocks_of(scene))) == 1_065
    assert [problem.rule for problem in problems.listed()] == ["crs-area"]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bad_vlr_count.las", "record 3 of 3 before its points reaches"),
        ("garbage_nVariableLength.las", "promises 1,069,128,089 records"),
        ("simple-laszip-compressor-version-1.2r0.laz", "LASzip of before 2011"),
    ],
)
def test_broken_clouds_end_in_one_sentence(real_data: Path, name: str, words: str) -> None:
    with pytest.raises(CityTwinError, match=words) as caught:
        gis.read(real_data / "malformed/pointcloud" / name)
    assert "\n" not in str(caught.value)


def test_a_cloud_without_a_system_asks_for_one(tmp_path: Path) -> None:
    path = clouds.write_las(tmp_path / "lost.las", clouds.scattered(10), crs="")
    with pytest.raises(GeoreferenceError, match=r"--source-crs lost.las=EPSG:N, or place it with --place"):
        gis.read(path)
    own = clouds.scattered(10) - np.array([clouds.EAST, clouds.NORTH, 0.0])
    path = clouds.write_las(tmp_path / "own.las", own, crs="")
    placed = gis.read(path, crs=clouds.UTM51, place="354000,3457000,10,90")
    assert len(placed.layers["pointcloud"]) == 1


def test_a_placement_moves_and_turns(tmp_path: Path) -> None:
    xyz = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]])
    path = clouds.write_las(tmp_path / "scan.las", xyz, crs="")
    scene = gis.read(path, crs=clouds.UTM51, place="354000,3457000,10,90")
    np.testing.assert_array_equal(
        places(scene), millimetres(np.array([[354_000.0, 3_457_001.0, 12.0], [353_997.0, 3_457_000.0, 10.0]]))
    )


def test_eight_bit_colours_in_sixteen_bits_stay_bright(tmp_path: Path) -> None:
    xyz = clouds.scattered(50)
    path = clouds.write_las(
        tmp_path / "dark.las", xyz, red=np.full(50, 200), green=np.full(50, 90), blue=np.full(50, 10)
    )
    (cloud,) = blocks_of(gis.read(path))
    assert cloud.colours is not None
    assert np.unique(cloud.colours, axis=0).tolist() == [[200, 90, 10]]


def test_withheld_points_and_slips_far_away_are_left_out(tmp_path: Path) -> None:
    xyz = clouds.scattered(100)
    xyz[7] += [900_000.0, 0.0, 0.0]
    withheld = np.zeros(100, np.uint8)
    withheld[:5] = 1
    problems = Problems()
    scene = gis.read(clouds.write_las(tmp_path / "a.las", xyz, withheld=withheld), problems=problems)
    assert sum(map(len, blocks_of(scene))) == 94
    assert [problem.rule for problem in problems.listed()] == ["points-far-away"]


def test_a_file_that_ends_early_gives_what_it_has(tmp_path: Path) -> None:
    path = clouds.write_las(tmp_path / "cut.las", clouds.scattered(100))
    path.write_bytes(path.read_bytes()[: -34 * 40 - 3])
    problems = Problems()
    scene = gis.read(path, problems=problems)
    assert sum(map(len, blocks_of(scene))) == 59
    assert [problem.message for problem in problems.listed()] == [
        "ends 41 points before the 100 that its head promises"
    ]


@pytest.mark.parametrize("suffix", [".las", ".laz"])
def test_a_head_that_promises_billions_allocates_nothing(tmp_path: Path, suffix: str) -> None:
    path = clouds.write_las(tmp_path / f"huge{suffix}", clouds.scattered(100))
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, 107, 4_000_000_000)
    path.write_bytes(data)
    tracemalloc.start()
    if suffix == ".laz":
        with pytest.raises(LoadError, match=r"promises 4,000,000,000 points, but its [\d,]+ bytes can hold"):
            list(load(Source(str(path))))
    else:
        assert sum(batch.meshes.point_count for batch in load(Source(str(path)))) == 100
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000_000


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), min_size=1, max_size=12), st.booleans())
def test_mutated_heads_end_in_a_cloud_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], packed: bool
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / ("a.laz" if packed else "a.las")
    data = bytearray(clouds.write_las(path, clouds.scattered(20)).read_bytes())
    for place, value in changes:
        data[4 + place % (len(data) - 4)] = value
    path.write_bytes(data)
    told = ""
    try:
        source = Source(str(path))
        count = sum(map(len, reader_of(source).chunks(source, Problems())))
    except CityTwinError as error:
        count, told = 0, str(error)
    assert count <= 1_000_000
    assert "\n" not in told


def test_old_and_foreign_heads_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.las"
    path.write_bytes(b"LASX" + bytes(400))
    with pytest.raises(LoadError, match="does not begin with LASF"):
        read_header(path, "x.las")
    data = bytearray(clouds.write_las(path, clouds.scattered(3)).read_bytes())
    data[25] = 7
    path.write_bytes(data)
    with pytest.raises(UnsupportedError, match=r"is LAS 1\.7"):
        read_header(path, "x.las")


def test_the_quick_way_between_systems_agrees_with_every_point_on_its_own() -> None:
    random = np.random.default_rng(4)
    xyz = random.random((90_000, 3)) * [5_000, 5_000, 50] + [636_000, 848_000, 400]
    frame = Georeference("EPSG:32610", 494_000.0, 4_877_000.0)
    found = CloudFrame(Source("x"), system_of("EPSG:2994"), frame).local(xyz)
    x, y = frame.localise_from("EPSG:2994", xyz[:, 0], xyz[:, 1])
    np.testing.assert_allclose(found, np.column_stack([x, y, xyz[:, 2] * 0.3048]), atol=0.0005)


def ept(folder: Path, kind: str, xyz: np.ndarray) -> Path:
    """Write points as Entwine tiles: the root and one child on a page of its own."""
    (folder / "ept-hierarchy").mkdir(parents=True)
    (folder / "ept-data").mkdir()
    half = len(xyz) // 2
    low = np.floor(xyz.min(axis=0)).tolist()
    schema = [
        {"name": axis, "type": "signed", "size": 4, "scale": 0.001, "offset": low[i]} for i, axis in enumerate("XYZ")
    ]
    schema += [
        {"name": "GpsTime", "type": "float", "size": 8},
        {"name": "Classification", "type": "unsigned", "size": 1},
    ]
    index = {
        "dataType": kind,
        "points": len(xyz),
        "schema": schema,
        "srs": {"authority": "EPSG", "horizontal": "32651"},
    }
    (folder / "ept.json").write_text(json.dumps(index))
    (folder / "ept-hierarchy/0-0-0-0.json").write_text(json.dumps({"0-0-0-0": half, "1-0-0-0": -1}))
    (folder / "ept-hierarchy/1-0-0-0.json").write_text(json.dumps({"1-0-0-0": len(xyz) - half}))
    for node, part in (("0-0-0-0", xyz[:half]), ("1-0-0-0", xyz[half:])):
        file = folder / "ept-data" / node
        if kind == "laszip":
            clouds.write_las(file.with_suffix(".laz"), part, classification=np.full(len(part), 6, np.uint8))
            continue
        rows = np.zeros(len(part), "<i4,<i4,<i4,<f8,u1")
        for i in range(3):
            rows[f"f{i}"] = np.rint((part[:, i] - low[i]) * 1000)
        rows["f4"] = 6
        if kind == "binary":
            file.with_suffix(".bin").write_bytes(rows.tobytes())
        else:
            import pyarrow as pa

            with pa.CompressedOutputStream(str(file.with_suffix(".zst")), "zstd") as out:
                out.write(rows.tobytes())
    return folder


@pytest.mark.parametrize("kind", ["laszip", "binary", "zstandard"])
def test_entwine_tiles_hold_every_point(tmp_path: Path, kind: str) -> None:
    xyz = clouds.scattered(400)
    folder = ept(tmp_path / "survey", kind, xyz)
    for path in (folder, folder / "ept.json"):
        scene = gis.read(path)
        np.testing.assert_array_equal(places(scene), millimetres(xyz))
        assert {each for cloud in blocks_of(scene) for each in np.unique(cloud.classes)} == {6}


def test_entwine_tiles_that_lack_a_node_say_so(tmp_path: Path) -> None:
    folder = ept(tmp_path / "survey", "binary", clouds.scattered(400))
    (folder / "ept-data/1-0-0-0.bin").unlink()
    problems = Problems()
    scene = gis.read(folder, problems=problems)
    assert sum(map(len, blocks_of(scene))) == 200
    assert [problem.rule for problem in problems.listed()] == ["points-missing"]


@pytest.mark.parametrize(
    ("name", "text", "intensity"),
    [
        ("a.xyz", "{0} {1} {2}\n", None),
        ("b.xyz", "//X Y Z R G B\n", None),
        ("c.pts", "{n}\n", 2_148),
        ("d.xyz", "x,y,z,intensity\n", 100),
    ],
)
def test_text_of_points_is_understood(tmp_path: Path, name: str, text: str, intensity: int | None) -> None:
    xyz = clouds.scattered(30)
    line = {
        "a": "{0:.3f} {1:.3f} {2:.3f}\n", "b": "{0:.3f} {1:.3f} {2:.3f} 255 128 0\n",
        "c": "{0:.3f} {1:.3f} {2:.3f} {i} 255 128 0\n", "d": "{0:.3f},{1:.3f},{2:.3f},100\n",
    }[name[0]]  # fmt: skip
    head = "" if name == "a.xyz" else text.format(n=len(xyz))
    rows = [line.format(*row, i=100 if i else -2_048) for i, row in enumerate(xyz)]
    (tmp_path / name).write_text(head + "".join(rows))
    scene = gis.read(tmp_path / name, crs=clouds.UTM51)
    np.testing.assert_array_equal(places(scene), millimetres(xyz))
    (cloud,) = blocks_of(scene)
    assert (cloud.intensity is None) == (intensity is None)
    if intensity is not None and cloud.intensity is not None:
        assert cloud.intensity.max() == intensity
    if name[0] in "bc":
        assert cloud.colours is not None
        assert np.unique(cloud.colours, axis=0).tolist() == [[255, 128, 0]]


@pytest.mark.parametrize("form", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_ply_points_are_read_and_ply_meshes_left_to_others(tmp_path: Path, form: str) -> None:
    xyz = clouds.scattered(30)
    head = f"ply\nformat {form} 1.0\nelement vertex 30\nproperty double x\nproperty double y\nproperty double z\n"
    head += "property uchar red\nproperty uchar green\nproperty uchar blue\n"
    order = ">" if "big" in form else "<"
    rows = np.zeros(30, f"{order}f8,{order}f8,{order}f8,u1,u1,u1")
    for i in range(3):
        rows[f"f{i}"] = xyz[:, i]
    rows["f3"] = 77
    text = "".join(f"{x:.3f} {y:.3f} {z:.3f} 77 0 0\n" for x, y, z in xyz).encode()
    path = tmp_path / "scan.ply"
    path.write_bytes(head.encode() + b"end_header\n" + (text if form == "ascii" else rows.tobytes()))
    scene = gis.read(path, crs=clouds.UTM51)
    np.testing.assert_array_equal(places(scene), millimetres(xyz))
    (cloud,) = blocks_of(scene)
    assert cloud.colours is not None
    assert cloud.colours[0].tolist() == [77, 0, 0]
    path.write_text(head + "element face 3\nproperty list uchar int vertex_indices\nend_header\n")
    assert not PointCloudLoader().supports(Source(str(path)))


def test_a_ply_head_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scan.ply"
    head = "ply\nformat binary_little_endian 1.0\nelement vertex 99999999999\nproperty float x\nproperty float y\n"
    path.write_bytes(head.encode() + b"property float z\nend_header\n" + bytes(240))
    with pytest.raises(LoadError, match="promises 99,999,999,999 points, where 20 have room"):
        gis.read(path, crs=clouds.UTM51)


def test_formats_of_las_1_4_are_read(tmp_path: Path) -> None:
    xyz = clouds.scattered(80)
    path = clouds.write_las(tmp_path / "a.laz", xyz, version="1.4", form=7, classification=np.full(80, 70, np.uint8))
    scene = gis.read(path)
    np.testing.assert_array_equal(places(scene), millimetres(xyz))
    assert scene.layers["pointcloud"].table["main_class"].to_pylist() == ["class 70"]
