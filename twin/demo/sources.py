"""Writes the town as the ordinary files that a planning office has: GeoJSON layers, a height grid, an IFC model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from bim.authoring import write_library
from scenes.georeference import Georeference
from scenes.sources import Source
from twin.demo import land
from twin.demo.massing import Massing, build

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

    from twin.demo.plan import Plan

FRAME = Georeference("EPSG:32651", easting_m=395_000.0, northing_m=3_419_000.0, vertical_datum="EPSG:5737")
LIBRARY_PLACE = (588.0, -64.0)
LIBRARY_ANGLE_DEG = 90.0
_USE_OSM = {
    "office": "office", "retail": "retail", "mixed": "apartments", "residential": "apartments", "house": "house",
    "industrial": "industrial", "school": "school", "civic": "government", "culture": "civic",
}  # fmt: skip
_LANDUSE = {
    "commercial": "commercial",
    "mixed": "residential",
    "residential-high": "residential",
    "residential-mid": "residential",
    "residential-low": "residential",
    "industrial": "industrial",
    "school": "education",
    "civic": "institutional",
}


def write(plan: Plan, folder: Path) -> list[Source]:
    """Write every source file into `folder` and return them in the order they should be loaded."""
    folder.mkdir(parents=True, exist_ok=True)
    origin = FRAME.easting_m, FRAME.northing_m
    bodies = build(plan)
    site = shapely.Point(LIBRARY_PLACE[0] - 13, LIBRARY_PLACE[1] + 21).buffer(40)
    bodies = [body for body in bodies if not body.polygon.intersects(site)]
    land.write_terrain(plan, folder / "terrain.asc", origin)
    _write(folder / "districts.geojson", _district_features(plan))
    _write(folder / "water.geojson", _water_features(plan))
    _write(folder / "landuse.geojson", _landuse_features(plan))
    _write(folder / "roads.geojson", _road_features(plan))
    _write(folder / "buildings.geojson", _building_features(plan, bodies))
    _write(folder / "trees.geojson", _tree_features(plan, bodies))
    x, y = LIBRARY_PLACE
    floor = float(land.height_at(plan, np.array([x]), np.array([y]))[0]) + 0.4
    write_library(
        folder / "library.ifc",
        crs=FRAME.crs,
        place_m=(origin[0] + x, origin[1] + y, floor),
        angle_deg=LIBRARY_ANGLE_DEG,
    )
    return sources(folder)


def sources(folder: Path) -> list[Source]:
    """Return the written files as sources; their dataset names keep the uids the same wherever they lie."""
    names = (
        "terrain.asc",
        "landuse.geojson",
        "water.geojson",
        "roads.geojson",
        "buildings.geojson",
        "trees.geojson",
        "districts.geojson",
        "library.ifc",
    )
    return [
        Source(
            str(folder / name),
            layer=name.split(".")[0],
            dataset=f"demo-{name}",
            crs="" if name.endswith("ifc") else FRAME.crs,
        )
        for name in names
    ]


def _feature(geometry: BaseGeometry, identifier: str, **properties: Any) -> dict[str, Any]:
    moved = shapely.transform(geometry, lambda xy: xy + FRAME.origin_m[:2])
    shape = json.loads(shapely.to_geojson(shapely.set_precision(moved, 0.01, mode="pointwise")))
    return {"type": "Feature", "id": identifier, "geometry": shape, "properties": {"id": identifier, **properties}}


def _write(path: Path, features: Iterable[dict[str, Any]]) -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32651"}}
    text = json.dumps({"type": "FeatureCollection", "crs": crs, "features": list(features)}, ensure_ascii=False)
    path.write_text(text, encoding="utf-8")


def _building_features(plan: Plan, bodies: list[Massing]) -> Iterable[dict[str, Any]]:
    addresses = _addresses(plan, bodies)
    for number, body in enumerate(bodies):
        english, chinese = (body.name_en, body.name_zh) if body.name_en else addresses[number]
        yield _feature(
            body.polygon,
            f"B{number:05d}",
            building=_USE_OSM[body.use],
            height=round(body.height_m, 1),
            min_height=round(body.base_m, 1),
            levels=body.levels,
            use=body.use,
            year_built=1996 + (number * 7919) % 30,
            name=chinese,
            **{"name:en": english, "name:zh": chinese},
        )


def _addresses(plan: Plan, bodies: list[Massing]) -> list[tuple[str, str]]:
    """Return (English, Chinese) addresses: the nearest street, and a number counted along it, odd on its left."""
    streets = [street for street in plan.streets if not street.bridge]
    places = [body.polygon.representative_point() for body in bodies]
    nearest = shapely.STRtree([street.line for street in streets]).nearest(places)
    found = []
    for place, index in zip(places, nearest, strict=True):
        street = streets[int(index)]
        along = street.line.project(place)
        foot, ahead = street.line.interpolate(along), street.line.interpolate(along + 1.0)
        left = (ahead.x - foot.x) * (place.y - foot.y) - (ahead.y - foot.y) * (place.x - foot.x) > 0
        number = 2 * int(along // 12) + (1 if left else 2)
        found.append((f"{number} {street.name_en}", f"{street.name_zh}{number}号"))
    return found


def _road_features(plan: Plan) -> Iterable[dict[str, Any]]:
    for number, street in enumerate(plan.streets):
        if street.bridge:
            continue  # decks, pylons and cables are made in `twin.demo.bridges`
        yield _feature(
            street.line,
            f"R{number:04d}",
            highway=street.highway,
            name=street.name_zh,
            **{"name:en": street.name_en, "name:zh": street.name_zh},
            width=street.width_m,
            lanes=round(street.width_m / 3.6),
        )


def _water_features(plan: Plan) -> Iterable[dict[str, Any]]:
    waters = (
        ("W1", plan.river, "river", "Pearl River", "明珠江"), ("W2", plan.lake, "lake", "Moon Lake", "月湖"),
        ("W3", plan.canals.difference(shapely.union_all([plan.river, plan.lake])), "canal", "Town Canal", "城河"),
    )  # fmt: skip
    for identifier, shape, kind, english, chinese in waters:
        clipped = shape.intersection(shapely.box(-3990, -3690, 3990, 3690))
        yield _feature(
            clipped, identifier, natural="water", water=kind, name=chinese, **{"name:en": english, "name:zh": chinese}
        )


def _landuse_features(plan: Plan) -> Iterable[dict[str, Any]]:
    for number, (kind, polygon) in enumerate(land.fields(plan)):
        yield _feature(polygon, f"F{number:04d}", landuse=kind)
    for number, park in enumerate(plan.parks):
        yield _feature(park, f"P{number:04d}", leisure="park", landuse="grass")
    for number, block in enumerate(plan.blocks):
        if block.use in _LANDUSE:
            yield _feature(block.polygon, f"L{number:04d}", landuse=_LANDUSE[block.use], plan_use=block.use)


def _tree_features(plan: Plan, bodies: list[Massing]) -> Iterable[dict[str, Any]]:
    for number, point in enumerate(np.asarray(shapely.points(land.trees(plan, bodies)))):
        yield _feature(point, f"T{number:05d}", natural="tree")


def _district_features(plan: Plan) -> Iterable[dict[str, Any]]:
    for code, english, chinese, polygon in plan.districts:
        yield _feature(
            polygon,
            code,
            boundary="administrative",
            admin_level=6,
            name=chinese,
            **{"name:en": english, "name:zh": chinese},
            adcode=code,
        )
    for code, district, english, chinese, part in plan.subdistricts:
        yield _feature(
            part,
            code,
            boundary="administrative",
            admin_level=8,
            name=chinese,
            **{"name:en": english, "name:zh": chinese},
            adcode=code,
            district=district,
        )
