"""Results of simulations that the pages of a city share; after a change of the city they keep what still holds."""

from __future__ import annotations

import itertools
import logging
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

from twin.view.unchanged import Changes, changes_between

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from scenes import MeshSet, Scene
    from twin.view.rpc import OverlayData
    from twin.whatif.scenario import Scenario

    Heard = Callable[["SharedResult", object], object]

FIRST_NUMBER = 100_001
MOST_RESULTS = 40
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class SharedResult:
    """A finished simulation as pages show it.

    Parameters
    ----------
    scene
        The city whose handles the overlays have.
    card
        What a page is told of it; ``id`` is its number, ``stale`` is ``city`` when that has become another one since.
    overlays
        Its colours.
    surfaces
        Coloured meshes behind the surfaces of overlays, by the overlay's number.
    scenario_hash
        Of the scenario that was simulated; empty = the city.
    """

    scene: Scene
    card: Mapping[str, Any]
    overlays: tuple[OverlayData, ...]
    surfaces: Mapping[int, MeshSet] = field(default_factory=dict)
    scenario_hash: str = ""

    def card_with(self, scenarios: Mapping[str, Scenario]) -> dict[str, Any]:
        """Return what a page is told, given the scenarios of now: ``stale`` is ``scenario`` when its own is another."""
        card = dict(self.card)
        scenario = scenarios.get(str(card["scenario"]))
        if not card["stale"] and self.scenario_hash != (scenario.hash if scenario else ""):
            card["stale"] = "scenario"
        return card


class ResultShelf:
    """Keeps results for all pages of a city, the oldest first, and tells the pages of new ones.

    Examples
    --------
    >>> shelf = ResultShelf()
    >>> shelf.number(), shelf.number(), shelf.all()
    (100001, 100002, [])
    """

    def __init__(self) -> None:
        self._results: list[SharedResult] = []
        self._scene: Scene | None = None
        self._numbers = itertools.count(FIRST_NUMBER)
        self._watchers: list[WeakMethod[Heard]] = []
        self._lock = threading.Lock()

    def number(self) -> int:
        """Return a number that no overlay of the city's results has yet."""
        return next(self._numbers)

    def all(self) -> list[SharedResult]:
        """Return the results, the oldest first."""
        with self._lock:
            return list(self._results)

    def add(self, made: SharedResult, author: object = None, replaces: int | None = None) -> SharedResult:
        """Keep a result and return it with its ``id``; pages hear of it.

        Parameters
        ----------
        made
            The result, for the city as it was when it was asked for.
        author
            Who tells of it; passed on to those who watch.
        replaces
            ``id`` of a result that goes in its favour.
        """
        with self._lock:
            if self._scene is not None and self._scene is not made.scene:
                made = renewed(made, self._scene)
            made = replace(made, card={**made.card, "id": self.number(), "replaces": replaces})
            others = [each for each in self._results if each.card["id"] != replaces]
            self._results = [*others, made][-MOST_RESULTS:]
        self._tell(made, author)
        return made

    def renew(self, scene: Scene) -> None:
        """Keep what the results say of objects that are in another version of the city as they were."""
        with self._lock:
            known: dict[int, Changes] = {}
            self._scene = scene
            self._results = [renewed(each, scene, known) for each in self._results]

    def watch(self, heard: Heard) -> None:
        """Call a method with each new result and its author, for as long as its object lives."""
        with self._lock:
            self._watchers = [each for each in self._watchers if each() is not None] + [WeakMethod(heard)]

    def _tell(self, made: SharedResult, author: object) -> None:
        with self._lock:
            watchers = [each() for each in self._watchers]
        for heard in watchers:
            if heard is None:
                continue
            try:
                heard(made, author)
            except Exception:  # noqa: BLE001 - a page that was just closed must not keep the others from hearing of it
                _log.info("a page that is gone was not told of a result", exc_info=True)


def renewed(result: SharedResult, scene: Scene, known: dict[int, Changes] | None = None) -> SharedResult:
    """Return a result for another version of its city: its values of unchanged objects, marked ``stale``.

    Parameters
    ----------
    scene
        The version that is meant.
    known
        Changes that were found already, by the id of the scene they lead from.
    """
    if result.scene is scene:
        return result
    known = {} if known is None else known
    changes = known.setdefault(id(result.scene), changes_between(result.scene, scene))
    if not changes:
        return replace(result, scene=scene)
    surfaces = {number: changes.kept(mesh) for number, mesh in result.surfaces.items()}
    overlays = tuple(_carried(each, changes, surfaces) for each in result.overlays)
    return replace(result, scene=scene, overlays=overlays, surfaces=surfaces, card={**result.card, "stale": "city"})


def carried(overlay: OverlayData, changes: Changes) -> OverlayData:
    """Return an overlay with the handles of the other version; only unchanged objects keep their colour."""
    codes: NDArray[np.uint8] = changes.carried(overlay.codes())
    return replace(overlay, codes=lambda: codes)


def _carried(overlay: OverlayData, changes: Changes, surfaces: Mapping[int, MeshSet]) -> OverlayData:
    from scenes.tiles import surface_glb  # noqa: PLC0415 - only when the city changes

    mesh = surfaces.get(int(overlay.spec["id"]))
    surface = overlay.surface if mesh is None else surface_glb(mesh) if mesh.triangle_count else b""
    return replace(carried(overlay, changes), surface=surface)
