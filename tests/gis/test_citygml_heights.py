"""Grids of CityGML whose heights stand in a file beside the document: texts and rasters, never a file elsewhere."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
from affine import Affine

from scenes.problems import Problems
from tests.gis.citymodels import X, Y, building, citygml, polygon, read, square, surfaces

if TYPE_CHECKING:
    from pathlib import Path

    from scenes import Scene

COLUMNS, ROWS = 4, 3
NORTHWARD = np.arange(12, dtype=np.float32).reshape(ROWS, COLUMNS)  # the first row is the southern one
WALLS = f"<bldg:lod1MultiSurface>{surfaces(polygon(square()))}</bldg:lod1MultiSurface>"
HOUSE = building(WALLS)


def document(file: str, step: int = 5, tag: str = "fileName") -> str:
    """Return a model with a relief of 4 x 3 nodes; rows go north with a positive step."""
    grid = (
        '<gml:RectifiedGridCoverage gml:id="g"><gml:domainSet><gml:RectifiedGrid dimension="2"><gml:limits>'
        f"<gml:GridEnvelope><gml:low>0 0</gml:low><gml:high>{COLUMNS - 1} {ROWS - 1}</gml:high></gml:GridEnvelope>"
        f"</gml:limits><gml:origin><gml:Point><gml:pos>{X} {Y}</gml:pos></gml:Point></gml:origin>"
        f"<gml:offsetVector>10 0</gml:offsetVector><gml:offsetVector>0 {step}</gml:offsetVector>"
        "</gml:RectifiedGrid></gml:domainSet><gml:rangeSet><gml:File><gml:rangeParameters/>"
        f"<gml:{tag}>{file}</gml:{tag}><gml:fileStructure>Record Interleaved</gml:fileStructure></gml:File>"
        "</gml:rangeSet></gml:RectifiedGridCoverage>"
    )
    relief = f'<dem:RasterRelief gml:id="t"><dem:lod>1</dem:lod><dem:grid>{grid}</dem:grid></dem:RasterRelief>'
    return citygml(relief, HOUSE)


def saved(folder: Path, text: str) -> Path:
    path = folder / "town" / "city.gml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def nodes(scene: Scene) -> dict[tuple[int, int], float]:
    """Return the heights of the relief by column and row, counted from its south-western node."""
    mesh = scene.resolve("gml:id:t").mesh("1")
    assert mesh is not None
    places = mesh.positions_m
    column, row = (np.rint((places[:, axis] - places[:, axis].min()) / step).astype(int)
                   for axis, step in ((0, 10.0), (1, 5.0)))  # fmt: skip
    return {(int(x), int(y)): round(float(z), 3) for x, y, z in zip(column, row, places[:, 2], strict=True)}


def raster(path: Path, values: np.ndarray, **more: object) -> None:
    """Write a raster whose first row is the northern one, as nearly all are."""
    height, width = values.shape
    with rasterio.open(
        path, "w", driver="GTiff", width=width, height=height, count=1, dtype="float32",
        transform=Affine(10, 0, X - 5, 0, -5, Y + 12.5), **more,
    ) as out:  # fmt: skip
        out.write(values, 1)


EXPECTED = {(column, row): float(NORTHWARD[row, column]) for row in range(ROWS) for column in range(COLUMNS)}


@pytest.mark.parametrize("tag", ["fileName", "fileReference"])
def test_heights_come_from_a_text_beside_the_model(tmp_path: Path, tag: str) -> None:
    path = saved(tmp_path, document("grids/heights.txt", tag=tag))
    (path.parent / "grids").mkdir()
    (path.parent / "grids/heights.txt").write_text("\n".join(" ".join(map(str, row)) for row in NORTHWARD.tolist()))
    problems = Problems()
    assert nodes(read(path, problems=problems)) == EXPECTED
    assert problems.count("relief-in-file") == 0


@pytest.mark.parametrize("step", [5, -5])
def test_a_raster_is_turned_the_way_the_grid_goes(tmp_path: Path, step: int) -> None:
    path = saved(tmp_path, document("heights.tif", step))
    raster(path.parent / "heights.tif", NORTHWARD[::-1])
    assert nodes(read(path)) == EXPECTED


def test_what_a_raster_does_not_know_is_a_hole(tmp_path: Path) -> None:
    path = saved(tmp_path, document("heights.tif"))
    values = NORTHWARD[::-1].copy()
    values[0, 3] = -1.0
    raster(path.parent / "heights.tif", values, nodata=-1.0)
    found = nodes(read(path))
    assert (3, 2) not in found
    assert found[(2, 2)] == EXPECTED[(2, 2)]


def test_heights_come_out_of_the_archive_of_the_model(tmp_path: Path) -> None:
    raster(tmp_path / "heights.tif", NORTHWARD[::-1])
    with zipfile.ZipFile(tmp_path / "town.zip", "w") as archive:
        archive.writestr("models/city.gml", document("../grids/heights.tif"))
        archive.write(tmp_path / "heights.tif", "grids/heights.tif")
    assert nodes(read(tmp_path / "town.zip")) == EXPECTED


@pytest.mark.parametrize(
    "reference",
    ["../secret.txt", "/etc/hostname", "file:///etc/hostname", "http://127.0.0.1:9/heights.txt", "none.txt"],
)
def test_no_file_elsewhere_is_read(tmp_path: Path, reference: str) -> None:
    (tmp_path / "secret.txt").write_text(" ".join(["7"] * 12))
    problems = Problems()
    scene = read(saved(tmp_path, document(reference)), problems=problems)
    assert [key for key in scene if scene[key].mesh("1") is not None and scene[key].kind == "ReliefFeature"] == []
    told = [each.message for each in problems.listed() if each.rule == "relief-in-file"]
    assert told == [f"the heights of g are in the file {reference}, which is not beside the model: left out"]


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    path = saved(tmp_path, document("heights.txt"))
    (tmp_path / "secret.txt").write_text(" ".join(["7"] * 12))
    (path.parent / "heights.txt").symlink_to(tmp_path / "secret.txt")
    problems = Problems()
    read(path, problems=problems)
    assert problems.count("relief-in-file") == 1


@pytest.mark.parametrize(("content", "rule"), [(b"1 2 3", "geometry-broken"), (b"\x00\x01junk" * 40, "relief-in-file")])
def test_a_file_that_does_not_fit_leaves_the_rest_of_the_model(tmp_path: Path, content: bytes, rule: str) -> None:
    path = saved(tmp_path, document("heights.bin"))
    (path.parent / "heights.bin").write_bytes(content)
    problems = Problems()
    scene = read(path, problems=problems)
    assert problems.count(rule) == 1
    assert scene.resolve("gml:id:B").mesh("1") is not None


def test_a_raster_of_another_size_is_left_out(tmp_path: Path) -> None:
    path = saved(tmp_path, document("heights.tif"))
    raster(path.parent / "heights.tif", np.zeros((5, 5), np.float32))
    problems = Problems()
    read(path, problems=problems)
    assert problems.count("geometry-broken") == 1


def test_a_virtual_raster_reaches_no_other_file(tmp_path: Path) -> None:
    path = saved(tmp_path, document("heights.vrt"))
    raster(tmp_path / "secret.tif", NORTHWARD)
    (path.parent / "heights.vrt").write_text(
        '<VRTDataset rasterXSize="4" rasterYSize="3"><VRTRasterBand dataType="Float32" band="1"><SimpleSource>'
        f'<SourceFilename relativeToVRT="0">{tmp_path / "secret.tif"}</SourceFilename><SourceBand>1</SourceBand>'
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )
    problems = Problems()
    read(path, problems=problems)
    assert problems.count("relief-in-file") == 1
