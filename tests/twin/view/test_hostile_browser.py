"""A city whose every text tries to be script: on the served page and in the single file it is shown as text."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from playwright.sync_api import Page, expect

import scenes
from scenes import Batch, Georeference, Layer, MeshSet, Scene
from scenes.schema import object_table
from twin.app import ServerOptions, start_in_thread
from twin.view import to_html

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.browser

WAIT_MS = 120_000
IMAGE = '<img src=x onerror="window.__broken = true">'
SCRIPT = "</script><script>window.__broken = true</script>"
QUOTES = "\"'`><svg/onload=window.__broken=true>${window.__broken = true}{{constructor}}"
LINK = "javascript:window.__broken=true"
WORDS = (IMAGE, SCRIPT, QUOTES, LINK, "\u2028\u202e<!-- ]]> --><style>*{display:none}</style>")


def _hostile_city(folder: Path) -> Scene:
    """Return a package of five buildings, opened again, with hostile words wherever a file can put words."""
    corners = np.array([[x, y, z] for z in (0, 20) for y in (0, 20) for x in (0, 20)], float)
    faces = np.array([[0, 2, 3], [0, 3, 1], [4, 5, 7], [4, 7, 6], [0, 1, 5], [0, 5, 4]], np.uint32)
    count = len(WORDS)
    mesh = MeshSet.from_parts(
        range(count), [corners + np.array([40.0 * row, 0, 0]) for row in range(count)], [faces] * count
    )
    table = object_table(
        {
            "uid": [f"urn:uuid:h{row}" for row in range(count)],
            "kind": ["Building"] * count,
            "name": list(WORDS),
            "source": list(WORDS),
            "source_id": list(WORDS),
            "height_m": [20.0] * count,
            "function": list(WORDS),
            IMAGE: list(WORDS),
            SCRIPT: [float(row) for row in range(count)],
            "website": [LINK] * count,
            "properties": [json.dumps({word: {word: word, "url": LINK}}) for word in WORDS],
        },
        {"height_m": IMAGE, SCRIPT: SCRIPT},
    )
    schema = pa.schema([("scheme", pa.string()), ("value", pa.string()), ("row", pa.uint32())])
    aliases = pa.table({"scheme": list(WORDS), "value": list(WORDS), "row": list(range(count))}, schema=schema)
    batch = Batch(table, {"1": mesh}, aliases).with_bounds()
    layer = Layer("buildings", (batch,), "buildings", {"en": IMAGE, "zh": SCRIPT})
    said = {"titles": {"en": SCRIPT, "zh": IMAGE}, "attribution": list(WORDS)}
    scene = Scene(Georeference("EPSG:32651", 354_000.0, 3_457_000.0), {"buildings": layer}, name=SCRIPT, metadata=said)
    return scenes.open(scenes.save(scene, folder / "hostile.city"))


def _open(page: Page, url: str) -> None:
    page.set_default_timeout(WAIT_MS)
    page.goto(url)
    deadline = time.monotonic() + WAIT_MS / 1000
    while not page.evaluate("() => Boolean(window.__citytwin && window.__citytwin.ready)"):
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)


def _shows_text_only(page: Page, scene: Scene) -> None:
    expect(page.locator("h1")).to_have_text(SCRIPT)
    expect(page.locator(".layer-name").first).to_have_text(IMAGE)
    for row, word in enumerate(WORDS[:4]):
        page.evaluate(f"() => {{ window.__citytwin.select({scene.handle(f'urn:uuid:h{row}')}); }}")
        expect(page.locator(".inspector h2")).to_have_text(word)
    page.locator("input[type=search]").fill("onerror")
    expect(page.locator(".results li .grow").first).to_contain_text("onerror")
    for radio in page.get_by_role("radio").all():
        radio.check(force=True)
    page.wait_for_timeout(200)
    assert page.evaluate("() => window.__broken === undefined")
    assert page.locator("img[src=x], .app script, svg[onload], a[href^='javascript:' i], .app style *").count() == 0


def test_no_word_of_a_package_becomes_script_on_the_page(page: Page, tmp_path: Path) -> None:
    scene = _hostile_city(tmp_path)
    with start_in_thread(scene, options=ServerOptions(language="en")) as server:
        _open(page, server.url)
        _shows_text_only(page, scene)


def test_no_word_of_a_package_becomes_script_in_a_single_file(page: Page, tmp_path: Path) -> None:
    scene = _hostile_city(tmp_path)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    _open(page, to_html(scene, tmp_path / "hostile.html", language="en").as_uri())
    _shows_text_only(page, scene)
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
