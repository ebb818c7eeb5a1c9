"""A page in Chinese says the same as the English one: the same code, links to each other, no picture less."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, all_pages, blocks, links

CHINESE = [page for page in all_pages() if page.name.endswith(".zh.md")]


def english(page: Path) -> Path:
    return page.with_name(page.name.replace(".zh.md", ".md"))


def code(page: Path) -> list[str]:
    """Return the blocks of a page without their comments."""
    return [re.sub(r"(^|[ \t])[ \t]*# .*$", "", block.text, flags=re.MULTILINE) for block in blocks(page)]


def test_some_pages_are_in_both_languages() -> None:
    assert {page.relative_to(ROOT).as_posix() for page in CHINESE} >= {"README.zh.md", "docs/tutorial/first-city.zh.md"}


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: str(page.relative_to(ROOT)))
def test_both_languages_show_the_same_code(page: Path) -> None:
    assert code(page) == code(english(page))


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: str(page.relative_to(ROOT)))
def test_both_languages_lead_to_each_other_and_to_the_same_pages(page: Path) -> None:
    ours, theirs = set(links(page)), set(links(english(page)))
    assert english(page).name in ours
    assert page.name in theirs
    pages = {target.partition("#")[0] for target in theirs if target.endswith(".md") and ".zh." not in target}
    assert pages - {target.replace(".zh.", ".") for target in ours} == set()


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_chinese_page_is_chinese(page: Path) -> None:
    text = page.read_text("utf-8")
    han = len(re.findall(r"[\u4e00-\u9fff]", text))
    assert han > len(re.findall(r"\b[a-z]{4,}\b", re.sub(r"`[^`]*`|\([^)]*\)", "", text)))
