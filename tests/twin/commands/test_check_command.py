"""`twin check` in the language of the reader; JSON is the same for all."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from scenes.checking import Report, Verdict
from scenes.problems import Problem, Severity
from twin.commands import check, main


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    path = tmp_path / "空.geojson"
    path.write_text("")
    return path


@pytest.fixture
def house(tmp_path: Path) -> Path:
    ring = [[121.5, 31.2], [121.5001, 31.2], [121.5001, 31.2001], [121.5, 31.2001], [121.5, 31.2]]
    feature = {
        "type": "Feature",
        "properties": {"building": "yes"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    path = tmp_path / "house.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


def locale(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("LANG", name)


def test_the_locale_chooses_the_language_and_the_option_overrules_it(
    empty: Path, house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["check", str(empty), str(house)]
    locale(monkeypatch, "zh_CN.UTF-8")
    assert main(files) == 1
    chinese = capsys.readouterr().out
    assert f"无法读取    {empty} (未加载)" in chinese
    assert "文件为空" in chinese
    assert "没有高度或层数：按常见高度绘制；用 --height 指定高度所在的列 [height-missing]" in chinese
    assert chinese.rstrip().endswith("1 个有警告，1 个无法读取")
    assert main([*files, "--lang", "en"]) == 1
    english = capsys.readouterr().out
    assert "has no height or storeys: a usual one is drawn; name the column with --height [height-missing]" in english
    assert english.rstrip().endswith("1 warnings, 1 unreadable")
    locale(monkeypatch, "de_DE.UTF-8")
    main(files)
    assert capsys.readouterr().out == english


def test_json_is_the_same_in_every_language(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for language in ("en", "zh"):
        main(["check", str(house), "--json", "--lang", language])
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert {problem["rule"] for problem in json.loads(printed[0])["problems"]} == {"height-missing"}


def test_the_page_is_chinese_throughout(empty: Path, house: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    main(["check", str(empty), str(house), "--html", str(page), "--lang", "zh", "-q"])
    text = page.read_text("utf-8")
    assert 'lang="zh-CN"' in text
    assert "<td>建筑没有高度</td>" in text
    assert "usual one" not in text


@pytest.mark.parametrize("length", ["-1", "nan", "inf", "coarse"])
def test_an_error_that_is_no_length_is_wrong_usage(house: Path, length: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", str(house), f"--max-error={length}"])
    assert ended.value.code == 2


def test_a_file_that_is_placed_and_shifted_is_refused(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(house), "--place", f"{house.name}=1,2,3,4", "--gcj02", house.name]) == 1
    assert "leave out --place or --gcj02" in capsys.readouterr().err


def test_the_worst_stands_first_for_readers_and_json_keeps_the_order(
    house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    severities: list[Severity] = ["info", "warning", "error", "info", "error"]
    problems = [Problem(severity, f"object-{n}", "rule", "text") for n, severity in enumerate(severities)]
    monkeypatch.setattr(check, "check", lambda *_, **__: Report([Verdict(str(house), "vector", 1, {}, problems)]))
    page = tmp_path / "check.html"
    main(["check", str(house), "--lang", "en", "--html", str(page)])
    expected = ["object-2", "object-4", "object-1", "object-0", "object-3"]
    assert re.findall(r"object-\d", capsys.readouterr().out) == expected
    assert re.findall(r"object-\d", page.read_text("utf-8")) == expected
    main(["check", str(house), "--json"])
    (source,) = json.loads(capsys.readouterr().out)["sources"]
    assert [each["object"] for each in source["problems"]] == [problem.object for problem in problems]
