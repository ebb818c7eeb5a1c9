"""Texts come out as they were meant, whatever bytes a tool wrote them in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ifcopenshell
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bim.characters import Reading, escaped_text, readable, reading_of
from bim.step import decode_text

if TYPE_CHECKING:
    from pathlib import Path

CHINESE = "一层 承重墙体 结构楼板 钢筋混凝土"
JAPANESE = "1階 コンクリート ソ壁 表示 スラブ"
GERMAN = "Außenwand Geschoßdecke Größe"


def written(path: Path, name: bytes) -> Path:
    head = (
        b"ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION((''),'2;1');\nFILE_NAME('C:\\\\Profile\\\\a','',(''),(''),'','','');\n"
        b"FILE_SCHEMA(('IFC4'));\nENDSEC;\nDATA;\n"
    )
    entity = b"#1=IFCPROJECT('0uNK5SmrzEIvVhFUVO2hMl',$,'" + name + b"','it''s',$,$,$,$,$);\n"
    path.write_bytes(head + entity + b"ENDSEC;\nEND-ISO-10303-21;\n")
    return path


def byte_by_byte(raw: bytes) -> bytes:
    return b"".join(b"\\X\\%02X" % each if each > 127 else b"\\\\" if each == 92 else bytes([each]) for each in raw)


def shifted(raw: bytes) -> bytes:
    return b"".join(b"\\S\\" + bytes([each & 127]) if each > 159 else byte_by_byte(bytes([each])) for each in raw)


@pytest.mark.parametrize("way", [bytes, byte_by_byte, shifted])
@pytest.mark.parametrize(
    ("text", "encoding", "title"),
    [(CHINESE, "gbk", "GBK"), (JAPANESE, "cp932", "Shift-JIS"), ("結構樓板 鋼筋混凝土 許功蓋", "big5", "Big5")],
)
def test_code_pages_are_read_and_told(tmp_path: Path, text: str, encoding: str, title: str, way: type) -> None:
    path, remark = readable(written(tmp_path / "a.ifc", way(text.encode(encoding))), tmp_path)
    project = ifcopenshell.open(str(path)).by_type("IfcProject")[0]
    assert (project.Name, project.Description) == (text, "it's")
    assert title in remark


@pytest.mark.parametrize(
    ("name", "text", "remark"),
    [
        (CHINESE.encode(), CHINESE, ""),  # UTF-8 is allowed since the third edition
        (GERMAN.encode("cp1252"), GERMAN, "Latin-1"),
        (byte_by_byte("MONTAGEPLÅT STÅL".encode("latin-1")), "MONTAGEPLÅT STÅL", ""),
        ("STÅLGLÄTTAD".encode("latin-1"), "STÅLGLÄTTAD", "Latin-1"),
        (byte_by_byte(GERMAN.encode("latin-1")), GERMAN, ""),  # what the standard says
        (shifted(GERMAN.encode("latin-1")), GERMAN, ""),
        (byte_by_byte(CHINESE.encode()), CHINESE, "UTF-8"),
        (b"\\PE\\\\S\\*\\S\\1", "\u040a\u0411", ""),  # the file itself names the part of ISO 8859
        (b"plain", "plain", ""),
    ],
)
def test_what_the_standard_says_is_left_alone(tmp_path: Path, name: bytes, text: str, remark: str) -> None:
    path, told = readable(written(tmp_path / "a.ifc", name), tmp_path)
    assert ifcopenshell.open(str(path)).by_type("IfcProject")[0].Name == text
    assert remark in told
    assert bool(remark) == bool(told)


def test_a_file_in_plain_ascii_is_not_copied(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ifc", b"\\X2\\697C\\X0\\")
    assert readable(path, tmp_path) == (path, "")
    assert reading_of(path) == Reading()


@given(st.text(st.characters(codec="utf-8", exclude_characters="\\'", exclude_categories=["Cc"])))
def test_escapes_come_back_as_the_text(text: str) -> None:
    escaped = escaped_text(text)
    assert escaped.isascii()
    assert decode_text(escaped.decode()) == text


@pytest.mark.real_data
def test_a_real_file_in_shift_jis_has_its_japanese_names(real_data: Path, tmp_path: Path) -> None:
    path, remark = readable(real_data / "ifc/text_encoding/ac16_sjis.ifc", tmp_path)
    model = ifcopenshell.open(str(path))
    assert [each.Name for each in model.by_type("IfcBuildingStorey")][:2] == ["1階", "2階"]
    assert "Shift-JIS" in remark
