"""Tiles that a view sends over its message channel, where no server gives them out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scenes import UnknownObjectError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


def tiles_of(folder: Path) -> Callable[[Mapping[str, Any]], dict[str, bytes]]:
    """Return what answers for the files of a folder of tiles, and for nothing outside it."""
    root = folder.resolve()

    def tile(params: Mapping[str, Any]) -> dict[str, bytes]:
        path = (root / str(params["path"])).resolve()
        if not (path.is_relative_to(root) and path.is_file()):
            raise UnknownObjectError(str(params["path"]), "there is no such tile")
        return {"data": path.read_bytes()}

    return tile


def no_tiles(params: Mapping[str, Any]) -> dict[str, bytes]:
    """Refuse: the page gets its tiles elsewhere."""
    raise UnknownObjectError(str(params["path"]), "tiles of this view come over HTTP")
