"""Virtual rasters: a list of other files, which may only lie in the folder of the list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gis.sniffing import head_of, refuse_entities
from scenes.errors import LoadError, UnsupportedError

if TYPE_CHECKING:
    from scenes.sources import Source

_MOST_BYTES = 20_000_000
_PLAIN = frozenset({".tif", ".tiff", ".asc", ".img", ".hgt", ".dem", ".png", ".jpg", ".jpeg", ".jp2"})
_NAMING = frozenset({"SourceFilename", "SourceDataset"})
_RECIPES = frozenset(
    {"PixelFunctionCode", "PixelFunctionType", "GDALWarpOptions", "VRTDerivedRasterBand", "OverviewFile"}
)


def refuse_strays(source: Source, path: str) -> None:
    """Refuse a virtual raster that points outside its folder, to an address, to another list, or holds a program.

    Raises
    ------
    LoadError, UnsupportedError
        When it does, or is no XML.
    """
    file = Path(path)
    if b"<VRTDataset" not in head_of(file, 4_096) and file.suffix.lower() != ".vrt":
        return
    from lxml import etree  # noqa: PLC0415 - needed for these files only

    if file.stat().st_size > _MOST_BYTES:
        raise LoadError(source.shown, "is a virtual raster of more than 20 MB", "name the rasters themselves")
    refuse_entities(file)
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        root = etree.parse(str(file), parser).getroot()
    except etree.XMLSyntaxError as error:
        raise LoadError(source.shown, "is no virtual raster", "export it again") from error
    for element in root.iter():
        name = etree.QName(element).localname if isinstance(element.tag, str) else ""
        if name in _RECIPES or element.get("subClass") not in (None, "VRTRasterBand"):
            raise UnsupportedError(source.shown, f"is a virtual raster that computes ({name})", "export it as GeoTIFF")
        if name in _NAMING and not _inside(file.resolve().parent, (element.text or "").strip()):
            raise UnsupportedError(
                source.shown,
                f"points at {(element.text or '').strip()[:80]!r}, which is no raster in its folder",
                "name the rasters themselves",
            )


def _inside(folder: Path, name: str) -> bool:
    """Say whether a name is that of a plain raster below a folder, links followed."""
    if not name or ":" in name.replace(":\\", "", 1) or name.startswith(("/vsi", "<", "{")):
        return False
    path = (folder / name).resolve()
    return path.is_relative_to(folder) and path.suffix.lower() in _PLAIN and b"<VRTDataset" not in head_of(path, 4_096)
