"""Heights of city models come into the vertical system of the scene, or it is said that they cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from gis.modelframe import ModelFrame
from scenes import Georeference, Problems
from scenes.loading import LoadContext
from scenes.sources import Source
from scenes.vertical import Geoid

if TYPE_CHECKING:
    from pathlib import Path

DELFT = np.array([[84_500.0, 447_400.0, 1.5], [84_520.0, 447_420.0, 9.0]])
SOURCE = Source("delft.city.json")


def test_a_compound_name_gives_the_place_and_its_heights() -> None:
    location = ModelFrame.of(SOURCE, "EPSG:7415", DELFT).location(DELFT)
    assert location is not None
    assert (location.crs, location.vertical) == ("EPSG:28992", "EPSG:5709")


def test_plateau_writes_latitude_first_and_heights_above_tokyo_bay() -> None:
    points = np.array([[35.68, 139.76, 3.0], [35.69, 139.77, 40.0]])
    frame = ModelFrame.of(SOURCE, "EPSG:6697", points)
    assert (frame.crs, frame.vertical, frame.swapped) == ("EPSG:6668", "EPSG:6695", True)
    local = frame.to_local(points, Georeference.around(139.76, 35.68))
    assert local[:, 2].tolist() == [3.0, 40.0]


def test_an_offset_between_two_national_levels_is_used_and_said() -> None:
    scene = Georeference("EPSG:28992", 84_000.0, 447_000.0, vertical_datum="EPSG:5710")
    frame, context = ModelFrame.of(SOURCE, "EPSG:7415", DELFT), LoadContext(scene)
    frame.report(DELFT, context)
    assert [problem.rule for problem in context.problems.listed()] == ["vertical-datum"]
    assert frame.to_local(DELFT, scene)[:, 2] == pytest.approx(DELFT[:, 2] + 2.3, abs=0.1)


def test_a_difference_that_nobody_knows_is_a_warning_and_moves_nothing() -> None:
    scene = Georeference("EPSG:28992", 84_000.0, 447_000.0, vertical_datum="ellipsoidal")
    problems = Problems()
    frame = ModelFrame.of(SOURCE, "EPSG:28992+5773", DELFT)
    frame.report(DELFT, LoadContext(scene, problems=problems))
    assert [problem.rule for problem in problems.listed()] == ["vertical-datum-differs"]
    assert "--geoid" in problems.last.advice
    assert frame.to_local(DELFT, scene)[:, 2].tolist() == [1.5, 9.0]


@pytest.mark.real_data
def test_a_geoid_grid_takes_heights_above_the_ellipsoid_down(real_data: Path) -> None:
    grid = str(real_data / "terrain/geoid/us_nga_egm96_15.tif")
    points = np.array([[121.47, 31.23, 15.0], [121.471, 31.231, 20.0]])
    frame = ModelFrame.of(SOURCE, "EPSG:4979", points)
    assert frame.vertical == "ellipsoidal"
    scene = Georeference("EPSG:32651", 354_000.0, 3_457_000.0, vertical_datum="EPSG:5773", geoid=grid)
    undulation = float(Geoid(grid).undulations(121.47, 31.23))
    local = frame.to_local(points[:, [1, 0, 2]] if frame.swapped else points, scene)
    assert local[:, 2] == pytest.approx(points[:, 2] - undulation, abs=0.02)
