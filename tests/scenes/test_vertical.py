"""Heights of one system become heights of another only where somebody knows how."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from scenes import Georeference, GeoreferenceError
from scenes.vertical import ELLIPSOIDAL, Geoid, parse_vertical, raised

if TYPE_CHECKING:
    from pathlib import Path

# Test points that NGA publishes with its EGM96 programme: latitude, longitude, undulation in metres.
NGA = (
    (38.6281550, 269.7791550, -31.628),
    (-14.6212170, 305.0211140, -2.969),
    (46.8743190, 102.4487290, -43.575),
    (-23.6174460, 133.8747120, 15.871),
    (38.6254730, 359.9995000, 50.066),
    (-0.4667440, 0.0023000, 17.329),
)


@pytest.mark.real_data
def test_the_grid_gives_the_published_undulations(real_data: Path) -> None:
    geoid = Geoid(str(real_data / "terrain/geoid/us_nga_egm96_15.tif"))
    lat, lon, published = np.array(NGA).T
    assert np.abs(geoid.undulations((lon + 180) % 360 - 180, lat) - published).max() < 0.5
    assert 10 < float(geoid.undulations(121.47, 31.23)) < 12


@pytest.mark.real_data
def test_there_and_back_over_the_geoid_is_the_same_height(real_data: Path) -> None:
    geoid = Geoid(str(real_data / "terrain/geoid/us_nga_egm96_15.tif"))
    down = raised(ELLIPSOIDAL, "EPSG:5773", (8.44, 49.1), geoid)
    up = raised("EPSG:5773", ELLIPSOIDAL, (8.44, 49.1), geoid)
    assert (down.how, up.how) == ("geoid", "geoid")
    assert down.by_m == -up.by_m == pytest.approx(-48.1, abs=0.5)


def test_without_a_grid_nothing_is_guessed() -> None:
    assert raised(ELLIPSOIDAL, "EPSG:5773", (8.4, 49.0)).how == "unknown"
    assert raised("EPSG:5736", "EPSG:5737", (121.0, 31.0)).how == "unknown"
    assert raised("", "EPSG:5773", (8.4, 49.0)).how == "same"


def test_offsets_that_need_no_grid_are_used() -> None:
    ostend = raised("EPSG:5709", "EPSG:5710", (5.0, 51.0))  # TAW lies 2.3 m below NAP
    assert ostend.how == "proj"
    assert ostend.by_m == pytest.approx(2.3, abs=0.1)


def test_a_compound_system_is_taken_apart() -> None:
    frame = Georeference("EPSG:7415", 84_000.0, 447_000.0)
    assert (frame.crs, frame.vertical_datum) == ("EPSG:28992", "EPSG:5709")
    kept = Georeference("EPSG:7415", 84_000.0, 447_000.0, vertical_datum="EPSG:5773")
    assert kept.vertical_datum == "EPSG:5773"


@pytest.mark.parametrize("text", ["", "DHHN nonsense", "EPSG:99999", "EPSG:25832"])
def test_what_names_no_heights_names_none(text: str) -> None:
    assert parse_vertical(text) == ""


def test_a_file_that_is_no_grid_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "no.gtx"
    path.write_bytes(b"hello")
    with pytest.raises(GeoreferenceError, match="not a geoid grid"):
        Geoid(str(path))
    with pytest.raises(GeoreferenceError, match="no such geoid"):
        Geoid(str(tmp_path / "none.tif"))
