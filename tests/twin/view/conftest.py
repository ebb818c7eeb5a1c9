"""A little city with everything the page shows: a spatial tree, property sets, aliases, texts that try to be markup."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from scenes import Batch, Georeference, Layer, MeshSet, Scene
from scenes.schema import object_table

# Software drawing on a shared machine: a page that is slow is not a page that is wrong.
expect.set_options(timeout=180_000)

SCRIPT_NAME = '<img src=x onerror="window.__broken = true"><b>bold</b>'
CHROMIUM = [
    *("--headless=new", "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
    *("--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"),
    "--disable-sync",
]
_SCHEMA = pa.schema([("scheme", pa.string()), ("value", pa.string()), ("row", pa.uint32())])


def _box(x: float, y: float, width: float, height: float) -> tuple[np.ndarray, np.ndarray]:
    corners = np.array([[i, j, k] for k in (0, height) for j in (y, y + width) for i in (x, x + width)], float)
    quads = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    faces = [(a, b, c) for a, b, c, _ in quads] + [(a, c, d) for a, _, c, d in quads]
    return corners, np.array(faces, np.uint32)


def _buildings() -> Layer:
    parts = [_box(60.0 * (row % 3) - 80.0, 60.0 * (row // 3) - 50.0, 40.0, 20.0 + 15.0 * row) for row in range(6)]
    mesh = MeshSet.from_parts(range(6), [part[0] for part in parts], [part[1] for part in parts])
    sets = json.dumps({"Pset_BuildingCommon": {"YearOfConstruction": 1998, "IsLandmarked": True}})
    table = object_table(
        {
            "uid": [f"urn:uuid:b{row}" for row in range(6)],
            "kind": ["Building"] * 6,
            "name": ["Library", "图书馆东楼", SCRIPT_NAME, "Hall", "Tower", None],
            "parent": ["urn:uuid:d0"] * 6,
            "source": ["test.geojson"] * 6,
            "source_id": [f"way/{row}" for row in range(6)],
            "height_m": [20.0 + 15.0 * row for row in range(6)],
            "function": ["library", "library", "office", "hall", "office", None],
            "properties": [sets] * 6,
        },
        {"height_m": "m"},
    )
    aliases = pa.table({"scheme": ["gml:id"], "value": ["g-1"], "row": pa.array([0], pa.uint32())}, schema=_SCHEMA)
    return Layer("buildings", (Batch(table, {"1": mesh}, aliases).with_bounds(),), "buildings")


def _district() -> Layer:
    table = object_table({"uid": ["urn:uuid:d0"], "kind": ["District"], "name": ["North"]})
    return Layer("districts", (Batch(table),), "districts", {"en": "Districts", "zh": "区划"})


@pytest.fixture(scope="session")
def little_city() -> Scene:
    """Six buildings of one district near the Huangpu; the district has no shape of its own."""
    frame = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)
    layers = {"buildings": _buildings(), "districts": _district()}
    titles = {"titles": {"en": "Little City", "zh": "小城"}, "attribution": ["Test data, CC0"]}
    return Scene(frame, layers, name="little", metadata=titles)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser that draws in software."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of its own in which no script fails."""
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="en-GB")
    made = context.new_page()
    failures: list[str] = []
    made.on("pageerror", lambda error: failures.append(str(error)))
    yield made
    context.close()
    assert failures == []
