"""What cannot be read is refused before it is opened, in one sentence."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from bim.files import is_ifc, plain_file
from scenes import LoadError, MissingSourceError, SourceError, UnsupportedError

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION((''),'2;1');\nFILE_SCHEMA(('{}'));\nENDSEC;\nDATA;\n"
TAIL = "ENDSEC;\nEND-ISO-10303-21;\n"


def written(path: Path, schema: str = "IFC4", tail: str = TAIL) -> Path:
    path.write_text(HEAD.format(schema) + "#1=IFCWALL();\n" * 500 + tail)
    return path


def refusal(path: Path) -> SourceError:
    with pytest.raises(SourceError) as caught, plain_file(path):
        pass
    return caught.value


@pytest.mark.parametrize("schema", ["IFC4X1", "IFC4X3_RC2", "IFC4X3_RC4", "IFC2X_FINAL", "IFC5"])
def test_an_unsupported_schema_is_named_with_what_to_export(tmp_path: Path, schema: str) -> None:
    error = refusal(written(tmp_path / "a.ifc", schema))
    assert isinstance(error, UnsupportedError)
    assert f"schema {schema} is not supported" in str(error)
    assert "IFC4X3_ADD2" in str(error)


@pytest.mark.parametrize("schema", ["IFC2X3", "IFC4", "IFC4_ADD2", "IFC4X3", "IFC4X3_ADD2"])
def test_supported_schemas_pass(tmp_path: Path, schema: str) -> None:
    with plain_file(written(tmp_path / "a.ifc", schema)) as path:
        assert path.exists()


def test_a_missing_an_empty_a_foreign_and_a_cut_file_are_told_apart(tmp_path: Path) -> None:
    assert isinstance(refusal(tmp_path / "none.ifc"), MissingSourceError)
    (tmp_path / "empty.ifc").touch()
    assert "is empty" in str(refusal(tmp_path / "empty.ifc"))
    (tmp_path / "foreign.ifc").write_bytes(b"\x00\x01\x02" * 100)
    assert "is not an IFC file" in str(refusal(tmp_path / "foreign.ifc"))
    assert "cut off" in str(refusal(written(tmp_path / "cut.ifc", tail="")))
    (tmp_path / "x.ifc").write_text("<?xml version='1.0'?><ifcXML/>")
    assert isinstance(refusal(tmp_path / "x.ifc"), UnsupportedError)
    assert "ifcXML" in str(refusal(tmp_path / "x.ifc"))
    (tmp_path / "map.json").write_text('{"type": "FeatureCollection", "features": []}')
    assert "gis.read" in str(refusal(tmp_path / "map.json"))


def test_a_zip_is_unpacked_and_removed_again(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.ifczip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(written(tmp_path / "model.ifc"), "folder/model.ifc")
    assert is_ifc(tmp_path / "a.ifczip")
    with plain_file(tmp_path / "a.ifczip") as path:
        assert path.read_bytes() == (tmp_path / "model.ifc").read_bytes()
    assert not path.exists()


def test_a_zip_with_two_models_or_a_bomb_or_cut_off_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.ifc", "x")
        archive.writestr("b.ifc", "x")
    assert "holds 2 IFC files" in str(refusal(tmp_path / "two.zip"))
    with (
        zipfile.ZipFile(tmp_path / "bomb.ifczip", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.ifc", "w") as member,
    ):
        for _ in range(80):
            member.write(bytes(1 << 20))
    assert "zip bomb" in str(refusal(tmp_path / "bomb.ifczip"))
    cut = (tmp_path / "two.zip").read_bytes()[:-30]
    (tmp_path / "cut.ifczip").write_bytes(cut)
    assert isinstance(refusal(tmp_path / "cut.ifczip"), LoadError)


def test_other_zips_are_not_taken_for_models(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "shapes.zip", "w") as archive:
        archive.writestr("roads.shp", "x")
    assert not is_ifc(tmp_path / "shapes.zip")
