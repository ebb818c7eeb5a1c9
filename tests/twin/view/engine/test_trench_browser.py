"""A trench opens the ground along a line: what lies in it is seen and picked, what lies beside it is not."""

from __future__ import annotations

import numpy as np
import pytest

from .conftest import City

pytestmark = pytest.mark.browser

ABOVE = {"position": [0, 90, 70], "target": [0, 41, 0]}
ON_THE_PIPE, BESIDE_IT, BESIDE_THE_TRENCH = (0.0, 41.0, -4.0), (0.0, 38.2, -5.0), (0.0, 52.0, 0.0)
FURTHER_ALONG = (36.0, 41.0, -4.0)
"""Of the pipe, where no trench is dug."""
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
    assert city.pick(ON_THE_PIPE) is None, "the floor hides the pipe"
    _dig(city, None)


def test_the_ground_hides_what_is_beside_the_trench(city: City) -> None:
    city.look(ABOVE)
    _dig(city, 5.0)
    assert city.pick(ON_THE_PIPE) is not None
    assert city.pick(FURTHER_ALONG) is None
    _dig(city, None)


def test_one_measures_on_the_ground_beside_the_trench_and_on_its_floor_and_pipes_within(city: City) -> None:
    city.look(ABOVE)
    _dig(city, 5.0)
    found = city.run(
        """const told = []; const off = e.on('measure', (m) => m && m.done && told.push(m.points[0]));
        const box = e.canvas.getBoundingClientRect();
        for (const point of a) {
          const [x, y] = e.project(new Float32Array(point));
          e.startMeasure('point');
          await e.pointing.point(box.left + x, box.top + y);
        }
        e.stopMeasure(); off(); return told;""",
        [ON_THE_PIPE, BESIDE_IT, FURTHER_ALONG, BESIDE_THE_TRENCH],
    )
    heights = [point[2] for point in found]
    assert heights == pytest.approx([-4.0, -5.0, 0.0, 0.0], abs=0.1)
    assert found[1][:2] == pytest.approx(BESIDE_IT[:2], abs=0.2)
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
