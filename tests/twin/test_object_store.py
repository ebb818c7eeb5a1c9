"""twin build writes a city to a real S3-compatible store, and the app serves it from there."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import geopandas as gpd
import pytest
import shapely

from scenes.store.remote import forget_mirrors
from tests.objectstore import bucket, server
from twin.api.tiles import FolderTiles
from twin.app.city import prepare
from twin.commands import main

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["bucket", "server"]  # fixtures


@pytest.mark.slow
def test_a_city_is_built_to_and_served_from_object_storage(
    bucket: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "buildings.geojson"
    houses = [shapely.box(x, 0, x + 12, 9) for x in range(357_000, 357_400, 40)]
    houses = [shapely.affinity.translate(house, yoff=3_457_000) for house in houses]
    gpd.GeoDataFrame({"id": range(10), "height": 12.0}, geometry=houses, crs=32651).to_crs(4326).to_file(file)
    address = f"{bucket}/street.city"
    assert main(["build", address, str(file), "--workers", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["objects"] == 10
    forget_mirrors()
    assert main(["info", address, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["objects"] == 10
    city = prepare(address)
    assert len(city.scene) == 10
    tiles = FolderTiles(city.tiles)
    tileset = json.loads(tiles.read(PurePosixPath("buildings/tileset.json")))
    content = tileset["root"]["content"]["uri"]
    assert not (city.tiles / "buildings" / content).exists()
    assert tiles.stamp(PurePosixPath("buildings") / content) is not None
    assert tiles.read(PurePosixPath("buildings") / content)[:4] == b"glTF"
