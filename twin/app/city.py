"""A city that is ready to be served: its scene, its tiles, and what is live in it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

import scenes
from scenes import Scene
from scenes.scratch import scratch_folder
from scenes.store import fetched, is_address, mirrored
from twin.app.live import LivePlan, LiveService

if TYPE_CHECKING:
    from collections.abc import Callable

    from twin.live import Feed
    from twin.view.component import CityView
    from twin.view.results import ResultShelf
    from twin.whatif import Scenario, ScenarioShelf

LiveChoice = LivePlan | str | Sequence[str] | None
"""A plan, or addresses of feeds for the datastreams of the package; None = the datastreams without a feed."""


@dataclass(eq=False)
class ServedCity:
    """A scene, the folder with its tiles, and its live service.

    Parameters
    ----------
    scene
        What is served.
    tiles
        Folder with one tileset a layer.
    service
        Live data; None = there is none.
    package
        Folder of the city package; None for a scene that is only in memory.
    pages
        Those that are open.
    """

    scene: Scene
    tiles: Path
    service: LiveService | None = None
    package: Path | None = None
    _temporary: tempfile.TemporaryDirectory[str] | None = None
    pages: WeakSet[CityView] = field(default_factory=WeakSet)

    @cached_property
    def shelf(self) -> ScenarioShelf:
        """The scenarios of the package, to which pages add edits; in memory for a scene without a package."""
        from twin.whatif import ScenarioShelf  # noqa: PLC0415  # only when a page opens

        return ScenarioShelf(self.scene, self.package)

    @cached_property
    def results(self) -> ResultShelf:
        """The results of simulations that the pages share."""
        from twin.view.results import ResultShelf  # noqa: PLC0415  # only when a page opens

        return ResultShelf()

    def renew(self, scene: Scene) -> None:
        """Take another version of the city; live data go on, on the objects that it has."""
        self.scene = scene
        self.__dict__.pop("shelf", None)
        if self.service is not None:
            self.service.rebind(scene)

    def scenarios(self) -> dict[str, Scenario]:
        """Return the scenarios that there are now, by name."""
        return self.shelf.all()

    def close(self) -> None:
        """Remove tiles that were made for this run only."""
        if self._temporary is not None:
            self._temporary.cleanup()


def prepare(
    source: Scene | str | Path,
    live: LiveChoice = None,
    progress: Callable[[str, float], None] | None = None,
) -> ServedCity:
    """Open a city, publish its tiles where they are missing, and bind its datastreams.

    Parameters
    ----------
    source
        A scene, or the path of a city package, or its address in object storage.
    live
        What is live in it.
    progress
        Called with a text and a share 0..1 while tiles are made.

    Raises
    ------
    CityTwinError
        When the package cannot be opened, or a feed's address is wrong.
    """
    if isinstance(source, Scene):
        scene, package = source, None
    else:
        package = mirrored(str(source)) if is_address(source) else Path(source)
        scene = scenes.open(package)
    plan = _plan(package, live)
    service = None if plan is None else LiveService(scene, plan, package)
    temporary = None
    if package is not None and (is_tiled(scene, package / "tiles") or os.access(package, os.W_OK)):
        folder = package / "tiles"
    else:
        temporary = tempfile.TemporaryDirectory(prefix="tiles-", dir=scratch_folder())  # swept if this is killed
        folder = Path(temporary.name) / "tiles"
    if not is_tiled(scene, folder):
        from scenes.tiles import publish  # noqa: PLC0415  # only when there is something to tile

        publish(scene, folder, progress=progress, renewable=package is not None)
    return ServedCity(scene, folder, service, package, temporary)


def _plan(package: Path | None, live: LiveChoice) -> LivePlan | None:
    if isinstance(live, LivePlan):
        return live
    feeds: tuple[str | Feed, ...] = (live,) if isinstance(live, str) else tuple(live or ())
    plan = None if package is None else LivePlan.of_package(package, feeds)
    if plan is None and feeds:
        raise scenes.PackageError(
            package or "the scene", "has no table of datastreams", "give a LivePlan, or write streams.parquet into it"
        )
    return plan


def is_tiled(scene: Scene, folder: Path) -> bool:
    """Say whether a folder has tiles of every layer."""
    return all(fetched(folder / name / "tileset.json").is_file() for name in scene.layers)
