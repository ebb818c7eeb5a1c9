from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest
import shapely

import gis
from gis.postgis import connection_of, quoted
from scenes.assembly import assemble
from scenes.errors import ConnectionLostError, LoadError
from scenes.georeference import Georeference
from scenes.loading import LoadContext
from scenes.problems import Problems
from scenes.sources import Source
from tests.gis import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FRAME = Georeference("EPSG:32651", 357_000.0, 3_457_000.0)
TABLES = """
CREATE SCHEMA plans;
CREATE TABLE plans.buildings (gid serial PRIMARY KEY, name text, height numeric(6, 2), built date, floor_kinds text[],
    geom geometry(Polygon, 32651));
INSERT INTO plans.buildings (name, height, built, floor_kinds, geom)
SELECT 'house ' || i, 5 + i % 40 + 0.25, '2001-02-03', ARRAY['shop', 'flat'],
    ST_Translate(ST_MakeEnvelope(357000, 3457000, 357010, 3457010, 32651), (i % 100) * 20, (i / 100) * 20)
FROM generate_series(1, 3000) AS i;
CREATE TABLE "odd ""name" (id int, road geometry(CompoundCurve, 32651), place geography(Point, 4326));
INSERT INTO "odd ""name" VALUES (1,
    ST_GeomFromText('COMPOUNDCURVE(CIRCULARSTRING(357000 3457000, 357100 3457100, 357200 3457000),
        (357200 3457000, 357300 3457000))', 32651), 'POINT(121.5 31.2)');
CREATE VIEW plans.tall AS SELECT gid, height, geom FROM plans.buildings WHERE height > 40;
CREATE TABLE notes (id int, words text);
"""


@pytest.fixture(scope="module")
def city() -> Iterator[str]:
    with postgres.server() as address:
        postgres.sql(address, TABLES)
        yield address


def test_a_table_gives_the_same_objects_as_a_file_of_the_same_rows(city: str, tmp_path: Path) -> None:
    scene = gis.read(f"{city}#plans.buildings", georeference=FRAME)
    shapes = [
        shapely.box(
            357_000 + (i % 100) * 20, 3_457_000 + i // 100 * 20, 357_010 + (i % 100) * 20, 3_457_010 + i // 100 * 20
        )
        for i in range(1, 3001)
    ]
    columns = {"gid": range(1, 3001), "height": [5.25 + i % 40 for i in range(1, 3001)]}
    gpd.GeoDataFrame(columns, geometry=shapes, crs=32651).to_file(tmp_path / "buildings.gpkg")
    file = gis.read(tmp_path / "buildings.gpkg", georeference=FRAME)
    mine, other = (each.layers["buildings"].table.sort_by("source_id") for each in (scene, file))
    for column in ("source_id", "height_m", "min_x", "max_y", "max_z"):
        assert mine[column].to_pylist() == other[column].to_pylist()
    outlines = [shapely.normalize(shapely.from_wkb(each["footprint"].to_pylist())) for each in (mine, other)]
    assert (outlines[0] == outlines[1]).all()
    row = scene.resolve("gid:7").attributes
    assert str(row["built"])[:10] == "2001-02-03"
    assert row["floor_kinds"] == "{shop,flat}"


def test_without_a_name_every_table_with_geometry_comes_and_arcs_are_straightened(city: str) -> None:
    problems = Problems()
    scene = gis.read(city, georeference=FRAME, problems=problems)
    assert {name: len(layer) for name, layer in scene.layers.items()} == {"buildings": 3_000 + 75 * 5, "lines": 1}
    line = shapely.from_wkb(scene.layers["lines"].table["footprint"][0].as_py())
    assert line.length == pytest.approx(np.pi * 100 + 100, rel=1e-4)
    assert problems.count("second-geometry") == 1


def test_what_an_address_names_is_found_with_or_without_its_schema(city: str) -> None:
    assert len(gis.read(f"{city}?table=tall", georeference=FRAME)) == 375
    assert len(gis.read(f'{city}#public.odd%20"name', georeference=FRAME)) == 1
    with pytest.raises(LoadError, match=r"no table nothing.*plans\.buildings"):
        gis.read(f"{city}#nothing")


def test_windows_give_the_same_uids_as_one_reading(city: str) -> None:
    source = Source(f"{city}#plans.buildings")
    found = [
        [
            uid
            for _, batch in gis.VectorLoader(rows).load(source, LoadContext(FRAME))
            for uid in batch.table["uid"].to_pylist()
        ]
        for rows in (700, 1 << 17)
    ]
    assert sorted(found[0]) == sorted(found[1])


def test_a_password_is_never_said_or_stored(city: str, tmp_path: Path) -> None:
    scene = gis.read(f"{city}#plans.tall", georeference=FRAME)
    scene.save(tmp_path / "x.city")
    told = [
        path
        for path in (tmp_path / "x.city").rglob("*")
        if path.is_file() and postgres.PASSWORD.encode() in path.read_bytes()
    ]
    assert told == []
    for wrong in (city.replace(postgres.PASSWORD, "pass word%21".replace(" ", "%20")), f"{city}#nothing"):
        with pytest.raises((ConnectionLostError, LoadError)) as caught:
            gis.read(wrong)
        assert not any(word in str(caught.value) for word in (postgres.PASSWORD, "pass%20word", "pass word!"))


def test_the_connection_cannot_write(city: str) -> None:
    from gis.postgis import _query

    with pytest.raises(ConnectionLostError, match="read-only"):
        _query(Source(city), "INSERT INTO notes VALUES (1, 'x') RETURNING id")
    assert postgres.sql(city, "SELECT count(*) FROM notes").strip() == "0"


def test_a_server_that_does_not_answer_is_one_sentence() -> None:
    with pytest.raises(ConnectionLostError) as caught:
        assemble([Source("postgresql://me:pw@127.0.0.1:9/city#a")])
    assert "pw@" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_names_are_quoted_and_other_options_kept() -> None:
    assert quoted('a"; DROP TABLE b; --') == '"a""; DROP TABLE b; --"'
    address, table = connection_of("postgresql://me@host:5433/city?sslmode=require&table=a.b")
    assert table == "a.b"
    assert "sslmode=require" in address
    assert "table=" not in address
