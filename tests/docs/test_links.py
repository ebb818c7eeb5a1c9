"""Every page can be reached, every link leads somewhere, every picture is shown and light."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.docs.pages import DOCS, ROOT, all_pages, anchors, links

PICTURES = sorted((DOCS / "images").iterdir())
MOST_BYTES = 300_000


@pytest.mark.parametrize("page", all_pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_to_files_and_headings(page: Path) -> None:
    dead = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            dead.append(target)
    assert dead == []


def test_every_page_can_be_reached_from_the_list_of_pages() -> None:
    seen: set[Path] = set()
    waiting = [DOCS / "README.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        waiting += [page.parent / target.partition("#")[0] for target in links(page) if not target.startswith("#")]
    assert [page for page in DOCS.rglob("*.md") if page not in seen] == []


def test_the_list_of_pages_names_each_of_them() -> None:
    named = {(DOCS / target.partition("#")[0]).resolve() for target in links(DOCS / "README.md")}
    folders = ("tutorial", "how-to", "explanation", "reference")
    missing = [page for folder in folders for page in (DOCS / folder).glob("*.md") if page not in named]
    assert missing == []


def test_every_picture_is_on_a_page() -> None:
    shown = {(page.parent / target).resolve() for page in all_pages() for target in links(page)}
    assert [picture.name for picture in PICTURES if picture not in shown] == []


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_opens_and_is_light(picture: Path) -> None:
    assert picture.stat().st_size < MOST_BYTES
    with Image.open(picture) as image:
        image.load()
        assert min(image.size) > 300
