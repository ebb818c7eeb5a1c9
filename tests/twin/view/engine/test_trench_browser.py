"""A trench opens the ground along a line: what lies in it is seen and picked, what lies beside it is not."""

from __future__ import annotations

import numpy as np
import pytest

from .conftest import City

pytestmark = pytest.mark.browser

ABOVE = {"position": [0, 90, 70], "target": [0, 41, 0]}
ON_THE_PIPE, BESIDE_IT, BESIDE_THE_TRENCH = (0.0, 41.0, -4.0), (0.0, 38.2, -5.0), (0.0, 52.0, 0.0)
PIPE_HANDLE = 3


def _dig(city: City, depth_m: float | None) -> None:
    city.run("e.setTrench(a && {from: [-30, 41, 0], to: [30, 41, 0], width_m: 8, depth_m: a})", depth_m)
    city.settle()


def test_a_trench_shows_the_pipe_and_soil_beside_it(city: City) -> None:
    city.look(ABOVE)
    before = city.picture()
    assert city.pick(ON_THE_PIPE) is None
    _dig(city, 5.0)
    pick = city.pick(ON_THE_PIPE)
    assert pick is not None
    assert pick["handle"] == PIPE_HANDLE
    assert pick["point"][2] == pytest.approx(-4.0, abs=0.05)
    red, _, blue = city.colour(BESIDE_IT)
    assert red > 1.15 * blue, "the floor is soil"
    blueish = city.colour(ON_THE_PIPE)
    assert blueish[2] > blueish[0], "the pipe is blue"
    x, y = (round(value) for value in city.at(BESIDE_THE_TRENCH))
    assert np.abs(city.picture()[y, x] - before[y, x]).max() <= 3
    _dig(city, None)
    assert np.abs(city.picture() - before).max() <= 3
    assert city.pick(ON_THE_PIPE) is None


def test_a_shallow_trench_ends_above_the_pipe(city: City) -> None:
    city.look(ABOVE)
    _dig(city, 2.0)
    red, _, blue = city.colour((0.0, 41.0, -2.0))
    assert red > 1.15 * blue
    _dig(city, None)


def test_a_section_comes_first(city: City) -> None:
    city.look(ABOVE)
    _dig(city, 5.0)
    city.run("e.setSection({axis: 'x', offset: -10, azimuth_deg: 0, flipped: false})")
    city.settle()
    city.run("e.setSection(null)")
    city.settle()
    pick = city.pick(ON_THE_PIPE)
    assert pick is not None
    assert pick["handle"] == PIPE_HANDLE
    _dig(city, None)
