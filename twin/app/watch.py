"""Notice that a city package became another version, and open it; and that somebody edited its scenarios."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import scenes
from scenes import CityTwinError, Scene
from scenes.store.layout import MANIFEST, TILES
from scenes.tiles import publish
from twin.app.city import is_tiled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from twin.app.city import ServedCity

LOOK_S = 1.0
_log = logging.getLogger(__name__)


async def watching(city: ServedCity, on_change: Callable[[Scene], object], look_s: float = LOOK_S) -> None:
    """Look at a package until cancelled, and call back with the scene of each new version.

    Scenarios that another program wrote into the package are told to those who watch `ServedCity.shelf`.

    Parameters
    ----------
    city
        What is served from a package.
    on_change
        Called in this event loop.
    look_s
        Seconds between two looks; a look costs one system call, and one for each scenario.
    """
    package = city.package
    if package is None:
        return
    loop = asyncio.get_running_loop()
    known = _stamp(package)
    while True:
        await asyncio.sleep(look_s)
        await loop.run_in_executor(None, _look_at_scenarios, city)
        stamp = _stamp(package)
        if stamp in {known, None}:
            continue
        try:
            scene = await loop.run_in_executor(None, _opened, package, city.tiles)
            await loop.run_in_executor(None, city.results.renew, scene)
        except CityTwinError as error:
            _log.warning("the new version of the city is not shown: %s", error)
            continue
        known = stamp
        try:
            on_change(scene)
        except CityTwinError as error:
            _log.warning("the new version of the city is shown in part: %s", error)


def _look_at_scenarios(city: ServedCity) -> None:
    try:
        city.shelf.look()
    except (CityTwinError, OSError) as error:
        _log.warning("changed scenarios are not shown: %s", error)


def _stamp(package: Path) -> tuple[int, int] | None:
    """Return what changes whenever the package becomes another version, None while it is not there."""
    try:
        facts = (package / MANIFEST).stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns


def _opened(package: Path, tiles: Path) -> Scene:
    """Open the package; where it has no tiles, or they lie elsewhere, make those that are missing."""
    scene = scenes.open(package)
    if tiles != package / TILES or not is_tiled(scene, tiles):
        publish(scene, tiles, renewable=True)
    return scene
