from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
import rasterio
import shapely
from rasterio import Affine

import gis
from scenes.assembly import assemble
from scenes.errors import GeoreferenceError, LoadError, UnsupportedError
from scenes.georeference import Georeference
from scenes.loading import LoadContext
from scenes.sources import Placement, Source

ROWS, COLUMNS = 60, 80
X = 357_000 + 5.0 * (np.arange(COLUMNS) + 0.5)
Y = 3_457_000 + 5.0 * (ROWS - 0.5 - np.arange(ROWS))
PLANE = 20 + 0.02 * (X[None, :] - 357_000) + 0.05 * (Y[:, None] - 3_457_000)


@pytest.fixture
def plane(tmp_path):
    def write(name="dem.tif", values=PLANE, crs="EPSG:32651", nodata=-9999.0, count=1, dtype="float32"):
        path = tmp_path / name
        transform = Affine(5.0, 0.0, 357_000, 0.0, -5.0, 3_457_000 + 5.0 * ROWS)
        shape = {"height": values.shape[0], "width": values.shape[1], "count": count, "dtype": dtype}
        with warnings.catch_warnings():  # affine announces a change of operators
            warnings.simplefilter("ignore")
            return _write(path, values, crs, transform, nodata, shape)

    def _write(path, values, crs, transform, nodata, shape):
        with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=transform, nodata=nodata, **shape) as file:
            for band in range(shape["count"]):
                file.write(values.astype(shape["dtype"]), band + 1)
        return path

    return write


def ground(path, frame, **options):
    source = Source(str(path), **options)
    return gis.TerrainLoader().surface(source, LoadContext(frame))


def test_heights_are_those_of_the_grid_between_its_points(plane) -> None:
    frame = Georeference("EPSG:32651", 357_000, 3_457_000, height_m=10.0)
    surface = ground(plane(), frame)
    x, y = np.array([50.0, 111.1, 300.0]), np.array([40.0, 77.7, 200.0])
    assert surface.heights(x, y) == pytest.approx(10 + 0.02 * x + 0.05 * y, abs=1e-3)
    assert np.isnan(surface.heights(-50.0, 40.0))


def test_a_grid_in_another_system_lies_in_the_same_place(plane) -> None:
    frame = Georeference("EPSG:32650", *_in_zone_50())
    surface = ground(plane(), frame)
    x, y = frame.localise_from("EPSG:32651", 357_200.0, 3_457_150.0)
    assert float(surface.heights(x, y)) == pytest.approx(20 + 4 + 7.5, abs=0.05)


def _in_zone_50() -> tuple[float, float]:
    from scenes.georeference import transformer

    return transformer("EPSG:32651", "EPSG:32650").transform(357_000.0, 3_457_000.0)


def test_the_surface_is_an_open_mesh_with_the_right_area_and_faces_up(plane) -> None:
    layer = gis.read(plane()).layers["terrain"]
    mesh = layer.batches[0].finest()
    width, depth = 5.0 * (COLUMNS - 1), 5.0 * (ROWS - 1)
    assert mesh.area_m2() == pytest.approx(width * depth * np.sqrt(1 + 0.02**2 + 0.05**2), rel=1e-4)
    assert set(layer.table["kind"].to_pylist()) == {"ReliefFeature"}
    assert (mesh.normals[:, 2] > 0.9).all()
    corner = mesh.positions_m[mesh.triangles]
    assert (np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])[:, 2] > 0).all()


def test_a_gap_in_the_grid_is_a_gap_in_the_surface(plane) -> None:
    values = PLANE.copy()
    values[10:20, 10:20] = -9999
    whole, holed = (gis.read(plane(f"{i}.tif", each)).layers["terrain"] for i, each in enumerate((PLANE, values)))
    assert whole.triangle_count - holed.triangle_count == 2 * 11 * 11


def test_undeclared_minus_9999_is_a_gap_too(plane) -> None:
    values = PLANE.copy()
    values[0, 0] = -9999
    assert gis.read(plane(values=values, nodata=None)).layers["terrain"].bounds()[2] > 0


def test_a_large_grid_is_thinned_to_the_budget(plane) -> None:
    rows, columns = np.mgrid[0:1300, 0:1300]
    layer = gis.read(plane(values=np.sin(rows / 50.0) + columns / 90.0)).layers["terrain"]
    assert sum(len(batch.finest().positions) for batch in layer.batches) <= 1_250_000


def test_a_grid_without_a_system_can_be_placed_and_turned(plane) -> None:
    path = plane(crs=None)
    with pytest.raises(GeoreferenceError, match="--crs"):
        gis.read(path)
    frame = Georeference("EPSG:32651", 0, 0)
    turned = ground(path, frame, place=Placement(0.0, 0.0, 100.0, 90.0))
    assert float(turned.heights(-3_457_150.0, 357_200.0)) == pytest.approx(100 + 20 + 4 + 7.5, abs=0.1)


def test_buildings_and_roads_stand_on_the_terrain(plane, write) -> None:
    from shapely.geometry import box

    shape = box(357_100, 3_457_100, 357_110, 3_457_110)
    scene = assemble([Source(str(write("buildings.geojson", [(shape, {"height": 12})]))), Source(str(plane()))])
    low, high = scene.layers["buildings"].bounds()[2], scene.layers["buildings"].bounds()[5]
    assert low == pytest.approx(20 + 2 + 5, abs=0.01)
    assert high == pytest.approx(low + 12, abs=1e-3)


def test_what_is_no_terrain_is_said(plane, tmp_path) -> None:
    with pytest.raises(LoadError, match="none of its cells"):
        gis.read(plane("empty.tif", values=np.full((60, 80), -9999.0)))
    cut = tmp_path / "cut.tif"
    cut.write_bytes(plane("whole.tif").read_bytes()[:3_000])
    with pytest.raises(LoadError, match="cannot be read"):
        gis.read(cut)


@pytest.mark.real_data
def test_munich_has_its_height(real_data) -> None:
    layer = gis.read(real_data / "terrain/munich_dgm1/690_5336.tif").layers["terrain"]
    low, high = layer.bounds()[2], layer.bounds()[5]
    assert low == pytest.approx(505.2, abs=1.0)
    assert high == pytest.approx(523.2, abs=1.0)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "low", "high"), [("zSW3", -2.7, 8.5), ("hugo_site_filled", 1_600, 1_712), ("Square_TestBasin", -0.1, 231)]
)
def test_ascii_grids_with_odd_headers_are_read(real_data, name, low, high) -> None:
    scene = gis.read(real_data / f"terrain/landlab/{name}.asc", place="400000,4400000", crs="EPSG:32613")
    bounds = scene.layers["terrain"].bounds()
    assert low <= bounds[2] < bounds[5] <= high


def context(sources=(), frame=None):
    return LoadContext(frame or Georeference("EPSG:32651", 357_000, 3_457_000), sources=tuple(sources))


def drawn(paths, frame=None, **options):
    """Return the surface of some files as (triangle corners in local metres, problems)."""
    sources = [Source(str(path), **options) for path in paths]
    loader, here = gis.TerrainLoader(), context(sources, frame)
    for source in sources:
        here = replace(here, ground=loader.surface(source, here) or here.ground)
    corners = []
    for source in sources:
        for _, batch in loader.load(source, here):
            mesh = batch.finest()
            corners.append(mesh.positions_m[mesh.triangles])
    return np.concatenate(corners), here


def plan_area(corners):
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]).sum() / 2


def tile(folder, name, west, values, cell_m=5.0, crs="EPSG:32651", **tags):
    """Write a tile whose rows start at the south of PLANE's area."""
    path = folder / name
    rows, columns = values.shape
    transform = Affine(cell_m, 0.0, west, 0.0, -cell_m, 3_457_000 + cell_m * rows)
    shape = {"height": rows, "width": columns, "count": 1, "dtype": tags.pop("dtype", "float32")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=transform, nodata=-9999, **shape) as file:
            file.write(values.astype(shape["dtype"]), 1)
            for name_, value in tags.items():
                setattr(file, name_, value)
    return path


def plane_of(west, rows, columns, cell_m):
    x = west + cell_m * (np.arange(columns) + 0.5)
    y = 3_457_000 + cell_m * (rows - 0.5 - np.arange(rows))
    return 20 + 0.02 * (x[None] - 357_000) + 0.05 * (y[:, None] - 3_457_000)


def test_tiles_that_touch_are_one_surface_without_a_crack(tmp_path) -> None:
    bumps = np.random.default_rng(5).uniform(0, 3, (60, 80))
    west = tile(tmp_path, "w.tif", 357_000, PLANE + bumps)
    east = tile(tmp_path, "e.tif", 357_400, plane_of(357_400, 60, 80, 5.0) + bumps[:, ::-1])
    corners, _ = drawn([west, east])
    assert plan_area(corners) == pytest.approx((2 * 400 - 5) * 295, rel=1e-6)
    edge = corners.reshape(-1, 3)[np.abs(corners.reshape(-1, 3)[:, 0] - 400) < 1e-6]
    places, count = np.unique(edge[:, 1].round(3), return_counts=True)
    assert len(places) == 60
    assert count.min() >= 2
    for place in places:
        assert np.ptp(edge[np.abs(edge[:, 1] - place) < 0.01, 2]) < 1e-4


def test_where_terrains_overlap_the_finer_one_counts(tmp_path) -> None:
    coarse = tile(tmp_path, "coarse.tif", 357_000, plane_of(357_000, 40, 60, 20.0), 20.0)
    fine = tile(tmp_path, "fine.tif", 357_400, plane_of(357_400, 60, 80, 5.0) + 9.0)
    corners, here = drawn([coarse, fine])
    assert float(here.ground.heights(600.0, 150.0)) == pytest.approx(20 + 12 + 7.5 + 9, abs=1e-3)
    assert float(here.ground.heights(100.0, 150.0)) == pytest.approx(20 + 2 + 7.5, abs=1e-3)
    whole = (60 * 20 - 20) * (40 * 20 - 20)
    assert whole <= plan_area(corners) < whole + 2 * (400 + 300) * 20


@pytest.mark.parametrize("crs", ["EPSG:32650", "EPSG:4326"])
def test_tiles_of_another_system_leave_no_gap(tmp_path, crs) -> None:
    west = tile(tmp_path, "w.tif", 357_000, PLANE)
    east = tile(tmp_path, "e.tif", 357_400, plane_of(357_400, 60, 80, 5.0))
    frame = Georeference.around(*Georeference("EPSG:32651", 357_400, 3_457_150).lonlat(0, 0), crs="EPSG:32650")
    corners, _ = drawn([west, east], frame)
    x, y = frame.localise_from("EPSG:32651", np.full(90, 357_400.0), np.linspace(3_457_010, 3_457_290, 90))
    shape = shapely.union_all(shapely.polygons(corners[..., :2]))
    assert shapely.contains_xy(shape.buffer(0.01), x, y).all(), crs


def test_feet_scales_and_decimetres_count_when_they_are_stated(tmp_path) -> None:
    frame = Georeference("EPSG:32651", 357_000, 3_457_000)
    feet = tile(tmp_path, "ft.tif", 357_000, PLANE / 0.3048, units=("ft",))
    assert float(ground(feet, frame).heights(100.0, 100.0)) == pytest.approx(20 + 2 + 5, abs=1e-3)
    tenths = tile(tmp_path, "dm.tif", 357_000, np.rint(PLANE * 10), dtype="int16", scales=(0.1,), offsets=(5.0,))
    assert float(ground(tenths, frame).heights(100.0, 100.0)) == pytest.approx(5 + 20 + 2 + 5, abs=0.06)
    plain = tile(tmp_path, "int.tif", 357_000, np.rint(PLANE * 10), dtype="int16")
    assert float(ground(plain, frame).heights(100.0, 100.0)) == pytest.approx(270, abs=1)


def test_unknown_cells_play_no_part_in_a_thinned_grid(plane) -> None:
    values = np.full((1500, 1500), 50.0)
    values[::3, ::3] = -9999
    surface = ground(plane(values=values, nodata=None), Georeference("EPSG:32651", 357_000, 3_457_000))
    assert np.nanmax(np.abs(surface.z_m - 50)) < 1e-6
    assert len(surface.x_m) < 1500


def test_virtual_rasters_stay_in_their_folder(plane, tmp_path) -> None:
    plane("dem.tif")
    inside, outside = tmp_path / "in.vrt", tmp_path / "sub"
    outside.mkdir()

    def vrt(file, name, relative=1, extra=""):
        file.write_text(
            f"""<VRTDataset rasterXSize="80" rasterYSize="60"><SRS>EPSG:32651</SRS>
            <GeoTransform>357000, 5, 0, 3457300, 0, -5</GeoTransform><VRTRasterBand dataType="Float32" band="1">{extra}
            <SimpleSource><SourceFilename relativeToVRT="{relative}">{name}</SourceFilename>
            <SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"""
        )
        return file

    frame = Georeference("EPSG:32651", 357_000, 3_457_000)
    assert float(ground(vrt(inside, "dem.tif"), frame).heights(100.0, 100.0)) == pytest.approx(27, abs=1e-3)
    for name in ("../dem.tif", str(tmp_path / "dem.tif"), "/vsicurl/http://x/a.tif", "http://x/a.tif", "other.vrt"):
        with pytest.raises(UnsupportedError, match="points at"):
            ground(vrt(outside / "out.vrt", name, 1 if name.startswith("..") else 0), frame)
    with pytest.raises(UnsupportedError, match="computes"):
        ground(vrt(inside, "dem.tif", 1, "<PixelFunctionType>sqrt</PixelFunctionType>"), frame)


def test_a_degree_tile_of_the_shuttle_mission_is_read_by_its_name(tmp_path) -> None:
    heights = np.full((1201, 1201), 100, ">i2")
    heights[:600] = 300
    heights[5, 5] = -32768
    path = tmp_path / "N31E121.hgt"
    path.write_bytes(heights.tobytes())
    found = gis.TerrainLoader().locate(Source(str(path)))
    assert (found.longitude_deg, found.latitude_deg) == pytest.approx((121.5, 31.5), abs=0.01)
    frame = Georeference.around(121.5, 31.5)
    x, y = frame.from_lonlat([121.5, 121.5], [31.2, 31.8])
    assert ground(path, frame).heights(x, y).tolist() == [100.0, 300.0]


@pytest.mark.real_data
def test_geoid_grids_are_not_drawn_as_terrain(real_data) -> None:
    source = Source(str(real_data / "terrain/geoid/us_nga_egm96_15.tif"))
    here = context([source])
    assert gis.TerrainLoader().locate(source) is None
    assert gis.TerrainLoader().surface(source, here) is None
    assert list(gis.TerrainLoader().load(source, here)) == []
    assert here.problems.count("geoid-grid") == 1


@pytest.mark.real_data
def test_a_zip_uses_the_system_that_lies_beside_it(real_data) -> None:
    source = Source(str(real_data / "terrain/cairns/cairns.zip"))
    found = gis.TerrainLoader().locate(source)
    assert (found.longitude_deg, found.latitude_deg) == pytest.approx((147.0, -17.0), abs=1.5)
    assert found.crs == "EPSG:32755"
