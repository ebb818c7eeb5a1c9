"""A map of the demo city that its planning office might have printed, as a GeoTIFF to lay under the city."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas
import numpy as np
import rasterio
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

CRS = "EPSG:32651"
WEST, NORTH, SIDE_M, SIDE = 392_000.0, 3_422_000.0, 6_000.0, 4_800
PAPER, LINE = (246, 238, 220), (120, 84, 52)
FILLS = {
    "grass": (203, 214, 160),
    "forest": (170, 196, 140),
    "residential": (236, 214, 188),
    "commercial": (226, 178, 158),
}
OTHER = (232, 222, 198)
TABLE = """[[basemap]]
name = "plan"
address = "{file}"
title = {{ en = "Master plan 1:5000", zh = "总体规划图 1:5000" }}
attribution = "© Moon Lake Planning Office 月湖规划局"
"""


def plan(sources: Path, folder: Path) -> Path:
    """Draw the map from the files of the demo and return the configuration that offers it."""
    file, config = folder / "plan.tif", folder / "plan.toml"
    config.write_text(TABLE.format(file=file), "utf-8")
    if file.is_file():
        return config
    image = Image.new("RGB", (SIDE, SIDE), PAPER)
    pen = ImageDraw.Draw(image)
    for name, colour in (("landuse", None), ("water", (150, 186, 206))):
        frame = geopandas.read_file(sources / f"{name}.geojson").to_crs(CRS)
        uses = frame["landuse"] if "landuse" in frame else ["" for _ in range(len(frame))]
        for use, shape in zip(uses, frame.geometry, strict=True):
            _fill(pen, shape, colour or FILLS.get(str(use), OTHER))
    roads = geopandas.read_file(sources / "roads.geojson").to_crs(CRS)
    for wide, colour in ((12, LINE), (8, (255, 252, 240))):
        for shape in roads.geometry.explode():
            if shape.geom_type == "LineString":
                pen.line(_pixels(np.array(shape.coords)), fill=colour, width=wide, joint="curve")
    houses = geopandas.read_file(sources / "buildings.geojson").to_crs(CRS)
    for shape in houses.geometry:
        _fill(pen, shape, (176, 132, 108))
    size = SIDE_M / SIDE
    at = rasterio.Affine(size, 0.0, WEST, 0.0, -size, NORTH)
    shape = {"driver": "GTiff", "height": SIDE, "width": SIDE, "count": 3, "dtype": "uint8", "compress": "deflate"}
    with rasterio.open(file, "w", crs=CRS, transform=at, tiled=True, **shape) as out:
        out.write(np.moveaxis(np.asarray(image), 2, 0))
    return config


def _pixels(coordinates: np.ndarray) -> list[tuple[float, float]]:
    scale = SIDE / SIDE_M
    return [((x - WEST) * scale, (NORTH - y) * scale) for x, y in coordinates[:, :2]]


def _fill(pen: ImageDraw.ImageDraw, shape: BaseGeometry, colour: tuple[int, int, int]) -> None:
    for part in getattr(shape, "geoms", [shape]):
        if part.geom_type == "Polygon":
            pen.polygon(_pixels(np.array(part.exterior.coords)), fill=colour, outline=LINE)
