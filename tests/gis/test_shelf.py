"""Nothing outside of a model's folder or archive is read, and nothing unpacks without end."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from gis.shelf import Shelf, lines_of
from scenes.errors import LoadError


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    inner = tmp_path / "model"
    (inner / "pictures").mkdir(parents=True)
    (inner / "city.gml").write_bytes(b"<a/>")
    (inner / "pictures" / "a.png").write_bytes(b"png")
    (tmp_path / "secret.txt").write_bytes(b"secret")
    (inner / "way.txt").symlink_to(tmp_path / "secret.txt")
    return Shelf.of(inner / "city.gml")


@pytest.mark.parametrize(
    "reference",
    ["../secret.txt", "pictures/../../secret.txt", "/etc/passwd", "file:///etc/passwd", "http://example.org/a",
     "C:\\windows\\a", "\\\\server\\a", "..\\secret.txt", "way.txt", "pictures", "none.png", "",
     "a\0b", "%2e%2e/secret.txt"],
)  # fmt: skip
def test_ways_out_lead_nowhere(shelf, reference) -> None:
    assert shelf.beside("city.gml", reference) is None


def test_what_lies_beside_is_read(shelf) -> None:
    for reference in ("pictures/a.png", "./pictures/../pictures/a.png", "pictures\\a.png"):
        found = shelf.beside("city.gml", reference)
        assert found == "pictures/a.png"
        assert shelf.read(found) == b"png"
    with pytest.raises(LoadError, match="more than 2 bytes"):
        shelf.read("pictures/a.png", 2)


def test_a_delivery_is_one_tree(tmp_path) -> None:
    (tmp_path / "town" / "udx" / "bldg").mkdir(parents=True)
    (tmp_path / "town" / "codelists").mkdir()
    model = tmp_path / "town" / "udx" / "bldg" / "a.gml"
    model.write_bytes(b"<a/>")
    (tmp_path / "town" / "codelists" / "u.xml").write_bytes(b"<u/>")
    shelf = Shelf.of(model)
    assert shelf.documents([".gml"]) == ["udx/bldg/a.gml"]
    assert shelf.beside("udx/bldg/a.gml", "../../codelists/u.xml") == "codelists/u.xml"
    assert shelf.beside("udx/bldg/a.gml", "../../../town/codelists/u.xml") is None


def test_names_in_an_archive_stay_in_it(tmp_path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("m/city.gml", "../out.gml", "/root.gml", "m\\win.gml"):
            archive.writestr(name, b"<a/>")
    shelf = Shelf.of(path)
    assert shelf.documents([".gml"]) == ["m/city.gml", "m/win.gml"]
    assert shelf.beside("m/city.gml", "../../etc/passwd") is None
    assert shelf.beside("m/city.gml", "win.gml") == "m/win.gml"


def test_what_unpacks_to_far_more_than_it_should_is_refused(tmp_path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("city.gml", bytes(40_000_000))
    with pytest.raises(LoadError, match="far more"):
        Shelf.of(path).read("city.gml")
    packed = tmp_path / "a.gml.gz"
    packed.write_bytes(gzip.compress(bytes(40_000_000)))
    with pytest.raises(LoadError, match="far more"):
        Shelf.of(packed).read("a.gml.gz")
    packed.write_bytes(b"no gzip")
    with pytest.raises(LoadError, match="cannot be"):
        Shelf.of(packed).read("a.gml.gz")
    path.write_bytes(b"no zip")
    with pytest.raises(LoadError, match="unpacked"):
        Shelf.of(path).documents([".gml"])


def test_a_line_without_end_is_refused() -> None:
    assert list(lines_of(io.BytesIO(b"a\n\nbc"))) == [b"a", b"", b"bc"]
    with pytest.raises(ValueError, match="a line"):
        list(lines_of(io.BytesIO(b"x" * 100), 50))
