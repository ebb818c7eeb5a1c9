"""The report as a page: complete, in both languages, and harmless whatever a file is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lxml import html

from scenes import PackageError, Problem
from scenes.checking import Report, Verdict
from twin.view.check_page import write_check_page

if TYPE_CHECKING:
    from pathlib import Path

EVIL = "<script>alert('x')</script>"


def report() -> Report:
    finding = Problem("error", EVIL, "geometry-302", f"a shell is not closed {EVIL}", "mend it", "121.5, 31.2")
    return Report([Verdict(f"{EVIL}.gml", "citygml", 3, {"buildings": 3}, [finding]), Verdict("good.json", objects=1)])


@pytest.mark.parametrize(("language", "title"), [("en", "Verification report"), ("zh", "数据核查报告")])
def test_the_page_has_every_finding_and_no_script(tmp_path: Path, language: str, title: str) -> None:
    path = write_check_page(report(), tmp_path / "report.html", language)
    page = html.fromstring(path.read_bytes().decode())
    assert page.findtext(".//title") == title
    assert not page.findall(".//script")
    texts = [cell.text_content() for cell in page.iter("td")]
    assert EVIL in texts
    assert "121.5, 31.2" in texts
    assert len(page.findall(".//details")) == 2


def test_a_page_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="cannot be written"):
        write_check_page(report(), tmp_path / "none" / "report.html")
