"""Names while one walks, in a real browser: what stands before a place hides its name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from playwright.sync_api import Page, expect

from scenes import Layer
from tests.twin.whatif.conftest import city_of, with_terrain
from twin.app import ServerOptions, start_in_thread

from .pages import ask, opened_above, spot, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.browser

WALL, TOWER = "Long Wall", "Small Tower"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A long wall of 30 m, and behind it, to the north, a tower that is lower."""
    blocks = city_of([(shapely.box(-60, -5, 60, 5), 30.0), (shapely.box(60, 60, 80, 80), 25.0)])
    (batch,) = blocks.layers["buildings"].batches
    table = batch.table.set_column(batch.table.column_names.index("name"), "name", [[WALL, TOWER]])
    named = Layer("buildings", (replace(batch, table=table),), "buildings")
    city = with_terrain(blocks.with_layer(named), 0.0)
    with start_in_thread(city, options=ServerOptions(language="en")) as server:
        yield server.url


def test_a_name_behind_a_wall_is_hidden_while_one_walks(page: Page, address: str) -> None:
    opened_above(page, address)
    ask(page, "app.engine.setCamera({position: [0, -300, 200], target: [0, 0, 0]}, 0)")
    wall, tower = (page.locator(".label.shown", has_text=name) for name in (WALL, TOWER))
    expect(wall).to_have_count(1)
    expect(tower).to_have_count(1)
    page.keyboard.press("w")
    page.mouse.click(*spot(page, (0.0, -120.0, 0.0)))
    until(page, "window.__citytwin.shell.tools.walk.walking")
    expect(tower).to_have_count(0)
    expect(wall).to_have_count(1)
    gaps = ask(page, "app.engine.covering(new Float32Array([70, 70, 25, 0, 0, 30, 0, -300, 0])).then((g) => [...g])")
    assert gaps[0] == pytest.approx(np.hypot(70, 190) * (1 - 115 / 190), abs=4), "the face of the wall is at y = -5"
    assert gaps[1] < 10, "the middle of a roof is behind its own wall"
    assert gaps[2] == 0, "what is behind one's back is not in the picture"
    ask(page, "app.engine.walkFrom([-20, 120, 0])")
    ask(page, "app.engine.lookAround(120, 0)")
    expect(tower).to_have_count(1)
    page.keyboard.press("Escape")
    until(page, "window.__citytwin.engine.camera().position[2] > 190")
    expect(wall).to_have_count(1)
    expect(tower).to_have_count(1)
