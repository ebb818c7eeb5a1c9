"""Shapefiles: which characters their table is in, and companions that are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gis import gdal
from gis.encodings import report
from scenes.encodings import encoding_of
from scenes.scratch import scratch_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gis.features import TableStream
    from scenes.problems import Problems
    from scenes.sources import Source

_LANGUAGE_BYTE = 29
_SAMPLE = 200_000
_COMPANIONS = (".dbf", ".prj", ".cpg")


def tables(source: Source, problems: Problems) -> Iterator[TableStream]:
    """Yield the one table of a shapefile, its text in the encoding that it says or that makes most sense."""
    table = companion(source.file, ".dbf")
    options: dict[str, Any] = {}
    if table is None:
        problems.add("warning", source.title, "table-missing", "has no .dbf: its shapes have no attributes")
    else:
        encoding = _encoding(source, table, problems)
        options = {"encoding": encoding} if encoding else {}
    path = _whole(source)
    for layer, _ in gdal.layers_of(source, path):
        yield gdal.stream(source, path, layer, source.title, **options)


def companion(path: Path, suffix: str) -> Path | None:
    """Return the file that lies beside another under the same name, whatever the case of its ending."""
    found = (path.with_suffix(each) for each in (suffix, suffix.upper(), suffix.capitalize()))
    return next((each for each in found if each.is_file()), None)


def _encoding(source: Source, table: Path, problems: Problems) -> str:
    """Return the encoding to read with, empty where GDAL finds it itself."""
    page = companion(source.file, ".cpg")
    said = page.read_text(encoding="ascii", errors="replace").strip()[:40].lower() if page else ""
    with table.open("rb") as file:
        head = file.read(32)
        rows = file.read(_SAMPLE)
    language = head[_LANGUAGE_BYTE] if len(head) > _LANGUAGE_BYTE else 0
    if rows.isascii():
        return ""
    unicode = said.replace("-", "") in {"utf8", "65001"}
    if (said and not unicode) or (not said and language not in {0, 0x57, 0x03}):
        return ""
    guess = encoding_of(rows)
    if guess == "utf-8":
        return "" if unicode else "UTF-8"
    report(source, guess, problems)
    return _NAMES.get(guess, guess)


_NAMES = {"gb18030": "GB18030", "cp932": "CP932", "cp949": "CP949", "big5": "BIG5", "cp1252": "CP1252",
          "cp1251": "CP1251"}  # fmt: skip


def _whole(source: Source) -> str:
    """Return the path to open; where the index is missing, links in a scratch folder where GDAL can make one."""
    path = source.file.resolve()
    if companion(path, ".shx") is not None:
        return str(path)
    folder = scratch_file("-shapefile")
    folder.mkdir()
    (folder / "shapes.shp").symlink_to(path)
    for suffix in _COMPANIONS:
        found = companion(path, suffix)
        if found is not None:
            (folder / f"shapes{suffix}").symlink_to(found)
    return str(folder / "shapes.shp")
