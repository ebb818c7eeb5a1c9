"""Maps across the antimeridian are in one piece, whichever way their file writes the crossing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from scenes.assembly import assemble
from scenes.loading import loader_for
from scenes.sources import Source

ROAD = [[179.99, -16.8], [-179.99, -16.8]]  # Taveuni, Fiji: 2.1 km over the 180th meridian
SPLIT = [[[179.99, -16.8], [180.0, -16.8]], [[-180.0, -16.8], [-179.99, -16.8]]]
FIELD = [[179.995, -16.81], [-179.995, -16.81], [-179.995, -16.805], [179.995, -16.805], [179.995, -16.81]]
PARTS = [
    [[[179.995, -16.81], [180, -16.81], [180, -16.805], [179.995, -16.805], [179.995, -16.81]]],
    [[[-180, -16.81], [-179.995, -16.81], [-179.995, -16.805], [-180, -16.805], [-180, -16.81]]],
]


def write(folder: Path, road: Any, field: Any) -> Path:
    shapes = [
        ("road", {"type": "LineString" if isinstance(road[0][0], float) else "MultiLineString", "coordinates": road}),
        (
            "field",
            {
                "type": "Polygon" if field is FIELD else "MultiPolygon",
                "coordinates": [FIELD] if field is FIELD else field,
            },
        ),
        ("hut", {"type": "Point", "coordinates": [-179.992, -16.802]}),
    ]
    features = [
        {
            "type": "Feature",
            "properties": {"name": name, "highway": "road"} if name == "road" else {"name": name},
            "geometry": shape,
        }
        for name, shape in shapes
    ]
    path = folder / "fiji.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


@pytest.mark.parametrize(("road", "field"), [(ROAD, FIELD), (SPLIT, PARTS)], ids=["jumping", "split"])
def test_a_map_across_the_antimeridian_is_in_one_piece(tmp_path: Path, road: Any, field: Any) -> None:
    path = write(tmp_path, road, field)
    location = loader_for(Source(str(path))).locate(Source(str(path)))
    assert location is not None
    assert abs(abs(location.longitude_deg) - 180.0) < 1.1
    scene = assemble([Source(str(path))])
    boxes = np.array([layer.bounds() for layer in scene.layers.values()])
    assert np.ptp(boxes[:, [0, 3]]) < 2_500
    rows = {row["name"]: row for layer in scene.layers.values() for row in layer.table.to_pylist()}
    assert shapely.length(shapely.from_wkb(rows["road"]["footprint"])) == pytest.approx(2_131, abs=5)
    assert shapely.area(shapely.from_wkb(rows["field"]["footprint"])) == pytest.approx(1_065.5 * 553.3, rel=0.01)
    lon, _ = scene.georeference.lonlat(rows["hut"]["min_x"], rows["hut"]["min_y"])
    assert float(lon) % 360 == pytest.approx(180.008, abs=1e-4)


def test_a_map_of_the_whole_earth_is_no_crossing(tmp_path: Path) -> None:
    points = [{"type": "Point", "coordinates": [lon, 10.0]} for lon in range(-180, 180, 30)]
    path = tmp_path / "world.geojson"
    features = [{"type": "Feature", "properties": {}, "geometry": point} for point in points]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    location = loader_for(Source(str(path))).locate(Source(str(path)))
    assert location is not None
    assert location.longitude_deg == pytest.approx(-15.0)
