from __future__ import annotations

import warnings

import numpy as np
import pytest
import rasterio
from rasterio import Affine

import gis
from scenes.assembly import assemble
from scenes.errors import GeoreferenceError, LoadError
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
    rows, columns = np.mgrid[0:900, 0:900]
    layer = gis.read(plane(values=np.sin(rows / 50.0) + columns / 90.0)).layers["terrain"]
    assert sum(len(batch.finest().positions) for batch in layer.batches) <= 420_000


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
    picture = plane("photo.tif", values=np.full((60, 80), 9), count=3, dtype="uint8", nodata=None)
    with pytest.raises(LoadError, match="picture"):
        gis.read(picture)
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
