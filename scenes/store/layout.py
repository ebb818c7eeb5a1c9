"""The names inside a city package, and its manifest ``city.json``."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenes.errors import PackageError

if TYPE_CHECKING:
    import os

FORMAT = "citytwin"
FORMAT_VERSION = 1
MANIFEST = "city.json"
OBJECTS = "objects"
MESHES = "meshes"
ALIASES = "aliases.parquet"
RELATIONS = "relations.parquet"
TILES = "tiles"
TILESET = "tileset.json"
FIELDS = "fields"
# What `save` writes anew; everything else in the folder is carried over.
OWNED = frozenset({MANIFEST, OBJECTS, MESHES, ALIASES, RELATIONS})

_LAYER_NAME = re.compile(r"[a-z0-9_-]+")
_FILE_NAME = re.compile(r"\d{4,}\.parquet")


def manifest(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the manifest of a city package, its format and version checked.

    Raises
    ------
    PackageError
        When there is no package, or one that is broken or of a newer format.
    """
    file = Path(path) / MANIFEST
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PackageError(path, *_missing(Path(path))) from error
    except (OSError, UnicodeDecodeError) as error:
        raise PackageError(
            file, f"cannot be read ({error})", "check the permissions, or build the city again"
        ) from error
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PackageError(file, f"is not JSON ({error})", "restore it from a copy or build the city again") from error
    return checked(file, content)


def checked(file: Path, content: object) -> dict[str, Any]:
    """Return a parsed manifest after checking format, version and the names of layers and files."""
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise PackageError(file, "is not the manifest of a city package", "name a folder that twin build made")
    version = content.get("format_version")
    if not isinstance(version, int) or version < 1:
        raise PackageError(file, f"has no valid format version ({version!r})", "build the city again")
    if version > FORMAT_VERSION:
        raise PackageError(
            file, f"is of format version {version}, this citytwin reads up to {FORMAT_VERSION}", "upgrade citytwin"
        )
    try:
        for layer in content["layers"]:
            check_layer_name(file, layer["name"])
            for batch in layer["batches"]:
                if not _FILE_NAME.fullmatch(batch["file"]):
                    raise PackageError(file, f"names the file {batch['file']!r}", "build the city again")
    except (KeyError, TypeError) as error:
        raise PackageError(
            file, f"is incomplete ({error})", "restore it from a copy or build the city again"
        ) from error
    return content


def check_layer_name(where: object, name: str) -> None:
    """Refuse a layer name that cannot be a folder and an address.

    Raises
    ------
    PackageError
        When it has other characters than a-z, 0-9, ``-`` and ``_``.
    """
    if not _LAYER_NAME.fullmatch(name):
        raise PackageError(
            where, f"the layer name {name!r} cannot be a folder", "use lower-case letters, digits, - and _"
        )


def is_package(path: Path) -> bool:
    """Say whether a folder looks like a city package."""
    return (path / MANIFEST).is_file()


def _missing(path: Path) -> tuple[str, str]:
    if not path.exists():
        return "there is no such city package", "check the path, or make one with twin build"
    return f"is not a city package (no {MANIFEST})", "name a folder that twin build made"
