"""`--gcj02` and `--bd09` reach every loader: what carries the shift comes to its true place, or says that it cannot."""

from __future__ import annotations

import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio import Affine

from gis.datum import from_wgs84
from gis.draping_images import Piece
from gis.imagery import RasterCutter
from gis.models3d.tiles3d import Tiles3dLoader
from gis.networks.gtfs import GtfsLoader
from scenes import Georeference, GeoreferenceError
from scenes.assembly import assemble
from scenes.georeference import GEOCENTRIC, transformer
from scenes.loading import LoadContext, loader_for
from scenes.sources import Placement, Source
from tests.gis.models3d import files
from tests.gis.test_imagery import SIDE, SOUTH, WEST, apart, colour_at, terrain

FRAME = Georeference("EPSG:32651", 357_000.0, 3_457_000.0)
HERE = tuple(map(float, FRAME.lonlat(200.0, 100.0)))
SHIFTS = ("gcj02", "bd09")


def shifted(shift: str, *, north_m: float = 0.0) -> tuple[float, float]:
    lon, lat = from_wgs84(shift, *FRAME.lonlat(200.0, 100.0 + north_m))
    return float(lon), float(lat)


def middle(path: Path, shift: str) -> np.ndarray:
    """Return the local middle of everything that a loader makes of a file."""
    source = Source(str(path), datum_shift=shift)
    batches = [batch.with_bounds() for _, batch in loader_for(source).load(source, LoadContext(FRAME))]
    boxes = np.array(
        [[batch.table[name].to_numpy() for name in ("min_x", "min_y", "max_x", "max_y")] for batch in batches]
    )
    low, high = np.nanmin(boxes[:, :2], axis=(0, 2)), np.nanmax(boxes[:, 2:], axis=(0, 2))
    return np.asarray((low + high) / 2)


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("name", ["a.gpx", "a.kml", "a.csv", "a.osm", "a.geojson"])
def test_maps_come_to_their_true_place(tmp_path: Path, shift: str, name: str) -> None:
    lon, lat = shifted(shift)
    texts = {
        "a.gpx": f'<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><wpt lat="{lat}" lon="{lon}"/></gpx>',
        "a.kml": '<kml xmlns="http://www.opengis.net/kml/2.2"><Placemark><name>a</name><Point>'
        f"<coordinates>{lon},{lat}</coordinates></Point></Placemark></kml>",
        "a.csv": f"name,lon,lat\na,{lon},{lat}\n",
        "a.osm": f'<osm version="0.6"><node id="1" lat="{lat}" lon="{lon}"><tag k="amenity" v="cafe"/></node></osm>',
        "a.geojson": json.dumps(
            {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [lon, lat]}}
        ),
    }
    (tmp_path / name).write_text(texts[name])
    assert middle(tmp_path / name, shift) == pytest.approx([200.0, 100.0], abs=0.02)


@pytest.mark.parametrize("shift", SHIFTS)
def test_stops_and_shapes_of_a_schedule_come_to_their_true_place(tmp_path: Path, shift: str) -> None:
    rows = [shifted(shift), shifted(shift, north_m=500.0)]
    tables = {
        "agency": "agency_id,agency_name\nA,Town\n",
        "stops": "stop_id,stop_name,stop_lat,stop_lon\n"
        + "".join(f"S{n},S,{lat},{lon}\n" for n, (lon, lat) in enumerate(rows)),
        "routes": "route_id,agency_id,route_short_name,route_type\nR,A,4,3\n",
        "trips": "route_id,service_id,trip_id,shape_id\nR,D,T,P\n",
        "calendar_dates": "service_id,date,exception_type\nD,20240102,1\n",
        "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        "T,08:00:00,08:00:00,S0,1\nT,08:10:00,08:10:00,S1,2\n",
        "shapes": "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\n"
        + "".join(f"P,{lat},{lon},{n}\n" for n, (lon, lat) in enumerate(rows)),
    }
    path = tmp_path / "feed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in tables.items():
            archive.writestr(f"{name}.txt", text)
    source = Source(str(path), datum_shift=shift)
    found = {layer.name: batch.with_bounds() for layer, batch in GtfsLoader().load(source, LoadContext(FRAME))}
    for layer in ("transit-stops", "transit-routes"):
        table = found[layer].table
        low = [float(np.min(table[name].to_numpy())) for name in ("min_x", "min_y")]
        high = [float(np.max(table[name].to_numpy())) for name in ("max_x", "max_y")]
        assert (np.array(low) + high) / 2 == pytest.approx([200.0, 350.0], abs=0.3)
    location = GtfsLoader().locate(source)
    assert location is not None
    assert (location.longitude_deg, location.latitude_deg) == pytest.approx(
        tuple(map(float, FRAME.lonlat(200.0, 350.0))), abs=1e-6
    )


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
def test_terrain_comes_to_its_true_place(tmp_path: Path, shift: str, crs: str) -> None:
    path = shifted_raster(tmp_path / "dem.tif", shift, crs, lambda x, y: (20 + 0.1 * x + 0.05 * y)[None], "float32")
    source = Source(str(path), datum_shift=shift)
    ground = loader_for(source).surface(source, LoadContext(FRAME))
    assert ground is not None
    x, y = np.array([50.0, 200.0, 350.0]), np.array([60.0, 200.0, 330.0])
    assert ground.heights(x, y) == pytest.approx(20 + 0.1 * x + 0.05 * y, abs=0.06)


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
def test_pictures_come_to_their_true_place(tmp_path: Path, shift: str, crs: str) -> None:
    photo = shifted_raster(
        tmp_path / "photo.tif", shift, crs, lambda x, y: np.moveaxis(colour_at(WEST + x, SOUTH + y), 2, 0), "uint8"
    )
    scene = assemble([Source(str(terrain(tmp_path / "dem.tif"))), Source(str(photo), datum_shift=shift)])
    mean, greatest, count = apart(scene, "terrain")
    assert count > 2 * 37 * 37
    assert mean < 3
    assert greatest < 16


def test_coarse_pictures_of_many_kilometres_come_to_their_true_place_too(tmp_path: Path) -> None:
    """Ten kilometres are warped by their parts; as one plane they would be off by ten metres and more."""
    side = 12_000.0

    def waves(x: Any, y: Any) -> Any:
        return np.stack([128 + 100 * np.sin(x / 100), 128 + 100 * np.sin(y / 100), 0 * x])

    photo = shifted_raster(tmp_path / "photo.tif", "gcj02", "EPSG:4326", waves, "uint8", side)
    cutter = RasterCutter(Source(str(photo), datum_shift="gcj02"), FRAME)
    pixels = cutter._piece(str(photo), Piece(0.0, 0.0, side, side, 600, 600)).astype(float)
    middle = (np.arange(600) + 0.5) * side / 600
    right = waves(*np.meshgrid(middle, middle[::-1]))
    assert (pixels[..., 3] == 255).all()
    assert np.abs(pixels[..., 0] - right[0]).mean() < 1.5
    assert np.abs(pixels[..., 1] - right[1]).mean() < 1.5


def shifted_raster(path: Path, shift: str, crs: str, values: Any, dtype: str, side: float = SIDE) -> Path:
    """Write (bands, rows, columns) values of true local places on a grid of a shifted map, 440 cells wide."""
    corners = from_wgs84(shift, *FRAME.lonlat([-side / 20, side * 1.05], [-side / 20, side * 1.05]))
    (west, east), (south, north) = transformer("EPSG:4326", crs).transform(*corners)
    count = 440
    own_x = west + (np.arange(count) + 0.5) * (east - west) / count
    own_y = north - (np.arange(count) + 0.5) * (north - south) / count
    lon, lat = transformer(crs, "EPSG:4326").transform(*np.meshgrid(own_x, own_y))
    guess_lon, guess_lat = lon, lat
    for _ in range(30):  # the inverse of the shift, found without the code that is tested
        there = from_wgs84(shift, guess_lon, guess_lat)
        guess_lon, guess_lat = guess_lon + lon - there[0], guess_lat + lat - there[1]
    bands = values(*FRAME.from_lonlat(guess_lon, guess_lat)).clip(0, 255)
    shape = {"height": count, "width": count, "count": len(bands), "dtype": dtype, "crs": crs}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        place = Affine((east - west) / count, 0.0, west, 0.0, (south - north) / count, north)
        with rasterio.open(path, "w", driver="GTiff", transform=place, **shape) as file:
            file.write(np.rint(bands).astype(dtype) if dtype == "uint8" else bands.astype(dtype))
    return path


@pytest.mark.parametrize("shift", SHIFTS)
def test_geocentric_tiles_come_to_their_true_place(tmp_path: Path, shift: str) -> None:
    x, y, z = transformer("EPSG:4979", GEOCENTRIC).transform(*shifted(shift), 12.0)
    matrix = FRAME.to_ecef_matrix()
    matrix[:3, 3] = x, y, z
    (tmp_path / "a.glb").write_bytes(files.square())
    volume = {"box": [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]}
    root = {"content": {"uri": "a.glb"}, "boundingVolume": volume, "transform": matrix.T.ravel().tolist()}
    path = tmp_path / "tileset.json"
    path.write_text(json.dumps({"asset": {"version": "1.1"}, "geometricError": 10, "root": root}))
    source = Source(str(path), datum_shift=shift)
    batch = next(iter(Tiles3dLoader().load(source, LoadContext(FRAME))))[1].with_bounds()
    row = batch.table.to_pylist()[0]
    assert (row["min_x"], row["min_y"], row["min_z"]) == pytest.approx((200.0, 100.0, 12.0), abs=0.02)


def test_metres_carry_no_shift(tmp_path: Path) -> None:
    path = terrain(tmp_path / "dem.tif")
    source = Source(str(path), datum_shift="gcj02")
    with pytest.raises(GeoreferenceError, match="gcj02 shifts degrees, but it is in EPSG:32651; leave the shift out"):
        loader_for(source).surface(source, LoadContext(FRAME))


def test_a_place_by_hand_and_a_shift_contradict_each_other() -> None:
    with pytest.raises(GeoreferenceError, match="leave out --place or --bd09"):
        Source("a.glb", place=Placement(1.0, 2.0), datum_shift="bd09")
