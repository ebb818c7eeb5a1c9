"""The titles in the layer panel: a long one is cut, the mark at its end is not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page

from twin.app import ServerOptions, start_in_thread

from .pages import ask, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenes import Scene

pytestmark = pytest.mark.browser

LONG = "A very long name of a building model that nobody has placed so far, second revision"
LONG_ZH = "一个很长的建筑模型名称，尚未有人为其定位，第二次修订，附带说明与编号以及更多文字"


@pytest.fixture
def address(little_city: Scene) -> Iterator[str]:
    titles = {"en": f"{LONG} (place unknown)", "zh": f"{LONG_ZH}（位置未知）"}
    layer = replace(little_city.layers["buildings"], titles=titles)
    with start_in_thread(little_city.with_layer(layer), options=ServerOptions(language="en")) as server:
        yield server.url


def test_the_mark_of_a_long_title_stays_visible(page: Page, address: str) -> None:
    opened(page, address)
    for name, mark in ((LONG, "(place unknown)"), (LONG_ZH, "（位置未知）")):
        row = page.locator(".layer[data-layer=buildings]")
        found = row.evaluate("""(row) => {
          const [name, mark] = row.querySelectorAll('.layer-name, .layer-mark');
          const box = mark.getBoundingClientRect();
          const count = row.querySelector('.count').getBoundingClientRect();
          const seen = row.getRootNode().elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
          return {name: name.textContent, mark: mark.textContent.trim(), cut: name.scrollWidth > name.clientWidth,
            whole: mark.scrollWidth <= Math.ceil(box.width) && box.width > 40, beside: box.right <= count.left + 1,
            seen: seen === mark, title: row.title};
        }""")
        assert found == {
            "name": name,
            "mark": mark,
            "cut": True,
            "whole": True,
            "beside": True,
            "seen": True,
            "title": found["title"],
        }
        assert name in found["title"]
        assert mark in found["title"]
        ask(page, "app.setLanguage('zh')")
