"""Orthophotos are laid on the terrain where they belong, in their own colours, whatever their encoding."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio import Affine

import gis
from gis.imagery import is_imagery
from gis.tiffhead import is_picture
from scenes.assembly import assemble, gather
from scenes.errors import CityTwinError
from scenes.sources import Source

if TYPE_CHECKING:
    from pathlib import Path

    from scenes.mesh import MeshSet
    from scenes.model import Scene

WEST, SOUTH, SIDE = 357_000.0, 3_457_000.0, 400.0


def colour_at(east: Any, north: Any) -> Any:
    """Return (..., 3) sRGB colours that tell where they are."""
    return np.stack([40 + 0.4 * (east - WEST), 40 + 0.4 * (north - SOUTH), 128 + 0 * east], axis=-1)


def ortho(
    path: Path, *, size: tuple[int, int] = (400, 400), pixel_m: float = 1.0, west: float = WEST, **options: Any
) -> Path:
    """Write a picture of `colour_at`."""
    columns, rows = size
    x = west + pixel_m * (np.arange(columns) + 0.5)
    y = SOUTH + pixel_m * (rows - 0.5 - np.arange(rows))
    bands = np.moveaxis(colour_at(*np.meshgrid(x, y)), 2, 0)
    bands = options.pop("change", lambda values: values)(bands)
    extra = options.pop("extra", {})
    dtype = options.setdefault("dtype", "uint8")
    place = Affine(pixel_m, 0.0, west, 0.0, -pixel_m, SOUTH + pixel_m * rows)
    shape = {"height": rows, "width": columns, "count": len(bands), "crs": "EPSG:32651", "transform": place}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "w", **{"driver": "GTiff", **shape, **options}) as file:
            file.write(np.rint(bands).astype(dtype))
            for name, value in extra.items():
                file.write_colormap(1, value) if name == "palette" else setattr(file, name, value)
    return path


def terrain(path: Path, cell_m: float = 10.0, side: float = SIDE) -> Path:
    count = int(side / cell_m)
    heights = 20 + 10 * np.sin(np.arange(count) / 6)[None] * np.cos(np.arange(count) / 5)[:, None]
    place = Affine(cell_m, 0.0, WEST, 0.0, -cell_m, SOUTH + side)
    shape = {"height": count, "width": count, "count": 1, "dtype": "float32", "crs": "EPSG:32651", "transform": place}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "w", driver="GTiff", **shape) as file:
            file.write(heights.astype("float32"), 1)
    return path


def shown(mesh: MeshSet) -> tuple[np.ndarray, np.ndarray]:
    """Return the plan of the middle of each painted triangle, and the colour that it shows there."""
    assert mesh.uvs is not None
    assert mesh.triangle_images is not None
    images = []
    for picture in mesh.images:
        with Image.open(io.BytesIO(picture.data)) as image:
            images.append(np.asarray(image.convert("RGBA")).astype(float))
    painted = np.flatnonzero(mesh.triangle_images >= 0)
    middle = mesh.uvs[mesh.triangles[painted]].mean(axis=1)
    colours = []
    for (u, v), named in zip(middle, mesh.triangle_images[painted], strict=True):
        rows, columns = images[named].shape[:2]
        colours.append(images[named][min(int(v * rows), rows - 1), min(int(u * columns), columns - 1)])
    return mesh.positions_m[mesh.triangles[painted]].mean(axis=1)[:, :2], np.array(colours)


def apart(scene: Scene, layer: str) -> tuple[float, float, int]:
    """Return the mean and greatest distance from the right colours, and how many triangles have an image."""
    mesh = scene.layers[layer].batches[0].finest()
    plan, colours = shown(mesh)
    frame = scene.georeference
    right = colour_at(plan[:, 0] + frame.easting_m, plan[:, 1] + frame.northing_m)
    distance = np.abs(colours[:, :3] - right)
    return float(distance.mean()), float(distance.max()), len(plan)


def test_a_terrain_wears_the_picture_in_the_right_place(tmp_path: Path) -> None:
    scene = assemble([Source(str(ortho(tmp_path / "photo.tif"))), Source(str(terrain(tmp_path / "dem.tif")))])
    assert list(scene.layers) == ["terrain"]
    mean, greatest, count = apart(scene, "terrain")
    assert count == 2 * 39 * 39
    assert mean < 3
    assert greatest < 16
    mesh = scene.layers["terrain"].batches[0].finest()
    assert (mesh.colours[np.unique(mesh.triangles)] == 255).all()
    assert np.ptp(mesh.positions[:, 2]) > 10


def test_fine_pictures_become_several_images_with_all_their_pixels(tmp_path: Path) -> None:
    photo = ortho(tmp_path / "photo.tif", size=(2_600, 2_600), pixel_m=SIDE / 2_600)
    scene = assemble([Source(str(terrain(tmp_path / "dem.tif", 20.0))), Source(str(photo))])
    mesh = scene.layers["terrain"].batches[0].finest()
    assert len(mesh.images) >= 4
    pixels = sum(width * height for width, height in (image.size_px for image in mesh.images))
    assert pixels > 0.8 * (2_600 * 380 / 400) ** 2
    assert apart(scene, "terrain")[0] < 3


def test_several_pictures_fill_each_others_gaps(tmp_path: Path) -> None:
    west = ortho(tmp_path / "w.tif", size=(205, 400))
    east = ortho(tmp_path / "e.tif", size=(195, 400), west=WEST + 205)
    scene = assemble([Source(str(terrain(tmp_path / "dem.tif"))), Source(str(west)), Source(str(east))])
    mean, greatest, count = apart(scene, "terrain")
    assert count == 2 * 39 * 39
    assert mean < 3
    assert greatest < 40
    assert (shown(scene.layers["terrain"].batches[0].finest())[1][:, 3] == 255).all()


def test_without_terrain_the_picture_lies_on_level_ground(tmp_path: Path) -> None:
    scene = gis.read(ortho(tmp_path / "photo.tif"))
    assert scene.layers["imagery"].theme == "landuse"
    assert apart(scene, "imagery")[0] < 3
    low, high = np.array(scene.layers["imagery"].bounds()).reshape(2, 3)
    assert (high - low).tolist() == pytest.approx([SIDE, SIDE, 0])


def test_a_picture_of_another_system_lies_in_the_same_place(tmp_path: Path) -> None:
    source = ortho(tmp_path / "utm.tif")
    warped = tmp_path / "degrees.tif"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(source) as file, rasterio.vrt.WarpedVRT(file, crs="EPSG:4326", add_alpha=True) as turned:
            profile = {**turned.profile, "driver": "GTiff"}
            values = turned.read()
        with rasterio.open(warped, "w", **profile) as file:
            file.write(values)
    scene = assemble([Source(str(terrain(tmp_path / "dem.tif"))), Source(str(warped))])
    mean, _, count = apart(scene, "terrain")
    assert count > 2 * 37 * 37
    assert mean < 4


def test_sixteen_bits_palettes_and_nodata_are_pictures_too(tmp_path: Path) -> None:
    dem = Source(str(terrain(tmp_path / "dem.tif")))
    deep = ortho(tmp_path / "deep.tif", dtype="uint16", change=lambda bands: bands * 40)
    mesh = assemble([dem, Source(str(deep))]).layers["terrain"].batches[0].finest()
    plan, colours = shown(mesh)
    assert np.corrcoef(plan[:, 0], colours[:, 0])[0, 1] > 0.98
    assert np.ptp(colours[:, 0]) > 200
    palette = {value: (value, 255 - value, 7, 255) for value in range(256)}
    few = ortho(tmp_path / "few.tif", change=lambda bands: bands[:1], extra={"palette": palette}, photometric="palette")
    _, colours = shown(assemble([dem, Source(str(few))]).layers["terrain"].batches[0].finest())
    assert np.abs(colours[:, 0] + colours[:, 1] - 255).max() < 30

    def holed(bands: np.ndarray) -> np.ndarray:
        bands[:, 100:200, 100:300] = 0
        return bands

    gap = ortho(tmp_path / "gap.tif", nodata=0, change=holed)
    mesh = assemble([dem, Source(str(gap))]).layers["terrain"].batches[0].finest()
    _, colours = shown(mesh)
    assert mesh.images[0].mime == "image/png"
    assert 0.05 < (colours[:, 3] == 0).mean() < 0.2


def test_pictures_and_heights_are_told_apart_and_the_layer_settles_it(tmp_path: Path) -> None:
    dem, photo = Source(str(terrain(tmp_path / "dem.tif"))), Source(str(ortho(tmp_path / "photo.tif")))
    grey = Source(str(ortho(tmp_path / "grey.tif", change=lambda bands: bands[:1])))
    assert [is_imagery(each) for each in (dem, photo, grey)] == [False, True, False]
    assert is_imagery(Source(grey.path, layer="imagery"))
    assert is_imagery(Source(grey.path, layer="Orthophoto"))
    assert not is_imagery(Source(photo.path, layer="terrain"))
    assert gis.read(grey.path, layer="ortho").layers["ortho"].batches[0].finest().has_images
    for options in ({"compress": "jpeg"}, {"tiled": True, "bigtiff": "yes"}, {"interleave": "pixel"}):
        with ortho(tmp_path / "kind.tif", **options).open("rb") as file:
            assert is_picture(file)


def test_a_jpeg_with_a_world_file_needs_a_system(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (200, 200), (10, 200, 60)).save(path)
    assert not is_imagery(Source(str(path)))
    path.with_suffix(".jgw").write_text(f"2\n0\n0\n-2\n{WEST + 1}\n{SOUTH + 399}\n")
    source = Source(str(path), crs="EPSG:32651")
    scene = assemble([Source(str(terrain(tmp_path / "dem.tif"))), source])
    _, colours = shown(scene.layers["terrain"].batches[0].finest())
    assert np.abs(colours[:, :3] - [10, 200, 60]).max() < 6
    outcome = gather([Source(str(terrain(tmp_path / "dem.tif"))), Source(str(path))], keep_going=True).outcomes[1]
    assert "--crs" in str(outcome.error)


def test_a_picture_elsewhere_or_broken_is_one_sentence(tmp_path: Path) -> None:
    cut = tmp_path / "cut.tif"
    cut.write_bytes(ortho(tmp_path / "whole.tif", compress="deflate").read_bytes()[:2_000])
    with pytest.raises(CityTwinError, match="cannot be read"):
        assemble([Source(str(terrain(tmp_path / "dem.tif"))), Source(str(cut))])
