"""A city changes while a page is open: the page fetches what changed, and keeps its view, selection and overlay."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import scenes
from scenes import Batch, Layer, MeshSet, Scene
from scenes.georeference import Georeference
from scenes.identity import derive_uids
from scenes.saving import save, tile_counts
from scenes.schema import object_table
from tests.twin.view.pages import ask, heard, listen, opened, picture, settled, spot
from twin.app import start_in_thread
from twin.whatif import RemoveObject, Scenario, SetAttribute, save_scenario

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from twin.app.server import RunningServer

pytestmark = pytest.mark.browser

SIDE = 70
CUBE = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)], float)
FACES = np.array(
    [[0, 1, 5], [0, 5, 4], [1, 3, 7], [1, 7, 5], [3, 2, 6], [3, 6, 7], [2, 0, 4], [2, 4, 6], [4, 5, 7], [4, 7, 6]]
)


def town() -> Scene:
    """Return a town of 4,900 houses of 10 to 14 m on a grid."""
    count = SIDE * SIDE
    x, y = np.divmod(np.arange(count), SIDE)
    feet = np.column_stack([x * 30.0, y * 30.0, np.zeros(count)])
    heights = 10.0 + np.arange(count) % 5
    boxes = CUBE[None] * np.column_stack([np.full((count, 2), 14.0), heights])[:, None] + feet[:, None]
    mesh = MeshSet.from_parts(list(range(count)), list(boxes), [FACES] * count)
    table = object_table(
        {
            "uid": derive_uids("town", [str(i) for i in range(count)]),
            "kind": ["Building"] * count,
            "name": [f"House {i}" for i in range(count)],
            "height_m": heights,
        },
        {"height_m": "m"},
    )
    frame = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)
    return Scene(frame, {"buildings": Layer("buildings", (Batch(table, {"1": mesh}).with_bounds(),), "buildings")})


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Give the town as a package with tiles."""
    return save(town(), tmp_path / "town.city", tiles=True)


@pytest.fixture
def server(package: Path) -> Iterator[RunningServer]:
    """Serve the town."""
    with start_in_thread(package) as running:
        yield running


def near(page: Page, uid: str, scene: Scene) -> None:
    """Look at a house from nearby, and wait until everything is there."""
    bounds = scene[uid].bounds
    assert bounds is not None
    x, y = (bounds[0] + bounds[3]) / 2, (bounds[1] + bounds[4]) / 2
    ask(page, f"app.engine.setCamera({{position: [{x - 60}, {y - 130}, 90], target: [{x}, {y}, 10]}}, 0)")
    settled(page)


def told(page: Page) -> dict[str, Any]:
    """Return what the page must keep."""
    return {
        "camera": ask(page, "app.engine.camera()"),
        "overlay": ask(page, "app.overlay && app.overlay.name"),
        "mark": page.evaluate("window.__mark"),
    }


def changed_page(page: Page, server: RunningServer, package: Path, change: Any) -> tuple[list[str], np.ndarray]:
    """Change the package, wait until the page shows it, and return the tiles that were asked for, and the picture."""
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    version = scenes.open(package).version
    listen(page)
    change()
    heard(page, "shows it as it is now")
    settled(page)
    assert server.context.scene.version > version
    return [url.removeprefix(server.url) for url in requested if "/tiles/" in url], picture(page)


def test_a_merged_scenario_is_seen_without_a_reload(page: Page, server: RunningServer, package: Path) -> None:
    scene = scenes.open(package)
    uid = scene.at(SIDE * 35 + 35).uid
    save_scenario(package, Scenario("tower", scene).edit(SetAttribute(uid, "height_m", 60.0)))
    opened(page, f"{server.url}?lang=en")
    page.evaluate("window.__mark = 7")
    near(page, uid, scene)
    ask(page, f"app.select({scene.handle(uid)})")
    ask(page, "app.setOverlay('height_m')")
    page.locator(".inspector h2").wait_for()
    settled(page)
    before, picture_before = told(page), picture(page)
    x, y = spot(page, (scene[uid].bounds[0] + 7, scene[uid].bounds[1] + 7, 50.0))  # type: ignore[index]

    def merge() -> None:
        code = "import sys; from twin.commands import main; sys.exit(main())"
        command = [sys.executable, "-c", code, "scenario", str(package), "merge", "tower", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)["tiles"] == tile_counts(package)

    tiles, after = changed_page(page, server, package, merge)
    assert told(page) == before
    assert ask(page, "app.selection.handles") == [scene.handle(uid)]
    assert 1 <= len([url for url in tiles if url.endswith(".glb")]) <= 3, tiles
    assert len(tiles) <= 4
    box = ask(
        page, "(({left, top, width, height}) => [left, top, width, height])(app.engine.canvas.getBoundingClientRect())"
    )
    row, column = int((y - box[1]) / box[3] * after.shape[0]), int((x - box[0]) / box[2] * after.shape[1])
    patch = np.s_[row - 4 : row + 5, column - 4 : column + 5]
    assert np.abs(after[patch] - picture_before[patch]).mean() > 10  # the tower stands where the sky or the street was


def test_objects_and_layers_that_come_and_go_keep_the_page_as_it_is(
    page: Page, server: RunningServer, package: Path
) -> None:
    scene = scenes.open(package)
    kept = scene.at(SIDE * 35 + 35).uid
    hidden = scene.at(SIDE * 35 + 36).uid
    opened(page, f"{server.url}?lang=en")
    page.evaluate("window.__mark = 8")
    near(page, kept, scene)
    ask(page, f"app.engine.hide([{scene.handle(hidden)}], true)")
    ask(page, f"app.select({scene.handle(kept)})")
    ask(page, "app.setOverlay('height_m')")
    page.locator(".inspector h2").wait_for()
    settled(page)
    before = told(page)
    smaller = Scenario("smaller", scene).edit(RemoveObject(scene.at(3).uid), RemoveObject(scene.at(4).uid)).scene
    corner = MeshSet.of_one([[0, 0, 40], [60, 0, 40], [0, 60, 40]], [[0, 1, 2]])
    sail = Batch(object_table({"uid": ["urn:uuid:sail"], "kind": ["CityFurniture"]}), {"1": corner}).with_bounds()
    first = Layer("a-sail", (sail,), "generic")
    larger = Scene(scene.georeference, {"a-sail": first, **smaller.layers}, scene.name, scene.version + 1)
    tiles, _ = changed_page(page, server, package, lambda: larger.save(package))
    assert told(page) == before
    assert ask(page, "app.selection.handles") == [larger.handle(kept)]
    assert larger.handle(kept) == scene.handle(kept) - 1
    assert page.locator(".inspector h2").inner_text() == scene[kept].name
    assert ask(page, f"app.engine.objects.has({larger.handle(hidden)}, 1)") is True
    assert ask(page, f"app.engine.objects.has({scene.handle(hidden)}, 1)") is False
    assert [url for url in tiles if "/a-sail/" in url]
    assert len([url for url in tiles if url.endswith(".glb")]) <= 5, tiles
    x, y = spot(page, tuple(np.array(larger[kept].bounds)[[0, 1, 5]] + [7, 7, 0]))  # type: ignore[arg-type]
    picked = page.evaluate(f"window.__citytwin.engine.pickAt({x}, {y})")
    assert picked["handle"] == larger.handle(kept)
