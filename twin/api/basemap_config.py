"""Which base maps a server has: those of its options, of its configuration file, and of the city's own manifest."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis.basemaps import Basemap, basemap_of_table, basemap_of_text
from scenes import CityTwinError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scenes import Scene


def configured(options: Sequence[str], config: str | Path | None, scene: Scene) -> list[Basemap]:
    """Return the base maps of a server, those that stand nearest to the user first.

    Parameters
    ----------
    options
        As in ``twin serve --basemap``.
    config
        A TOML file with tables ``[[basemap]]``; paths in it start at its folder.
    scene
        A city, whose metadata may hold ``basemaps``: tables too, but without keys and files, since a city may come
        from anybody.

    Raises
    ------
    CityTwinError
        When one of them is wrong.
    """
    found = [basemap_of_text(text) for text in options]
    if config is not None:
        path = Path(config)
        found += [basemap_of_table(table, folder=path.parent) for table in _tables(path)]
    given = scene.metadata.get("basemaps", [])
    if not isinstance(given, list) or not all(isinstance(table, dict) for table in given):
        raise CityTwinError(scene.name, "its basemaps are no list of tables", "correct them in its manifest")
    return [*found, *(basemap_of_table(table, trusted=False) for table in given)]


def _tables(path: Path) -> list[Mapping[str, Any]]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("basemap", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CityTwinError(path, f"cannot be read ({error})", "write a TOML file with tables [[basemap]]") from error
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise CityTwinError(path, "its basemap is no list of tables", "write [[basemap]]")
    return tables
