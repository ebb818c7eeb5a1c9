"""The scenarios of a city, where several people may add edits: in its package, or in memory where there is none."""

from __future__ import annotations

import logging
import re
import threading
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakMethod

from scenes import CityTwinError, SimulationError
from twin.whatif.scenario import Scenario
from twin.whatif.scenario_files import load_scenario, save_scenario, scenario_stamps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scenes import Scene
    from twin.whatif.edits import Edit

LONGEST_TITLE = 120
_SPARE = "variant"
_log = logging.getLogger(__name__)


class ScenarioShelf:
    """Gives the scenarios of a city, and takes edits.

    Parameters
    ----------
    scene
        The city.
    package
        Folder of the city package; None = edits live as long as this object.
    first
        Scenarios at first where there is no package, by name.

    Examples
    --------
    >>> from scenes import Georeference, Scene
    >>> shelf = ScenarioShelf(Scene(Georeference("EPSG:32651", 354_000.0, 3_457_000.0)))
    >>> shelf.new("A taller tower").name
    'a-taller-tower'
    """

    def __init__(
        self, scene: Scene, package: str | Path | None = None, first: Mapping[str, Scenario] | None = None
    ) -> None:
        self.scene = scene
        self.package = None if package is None else Path(package)
        self._memory = dict(first or {})
        self._lock = threading.Lock()
        self._watchers: list[WeakMethod[Callable[[Mapping[str, Scenario]], object]]] = []
        self._seen = self._stamp()

    def all(self) -> dict[str, Scenario]:
        """Return the scenarios as they are now, by name; those that do not fit the city (any more) are left out."""
        if self.package is None:
            return dict(self._memory)
        found = {}
        for name, _, _ in sorted(scenario_stamps(self.package)):
            try:
                found[name] = load_scenario(self.package, name, self.scene)
            except CityTwinError as error:
                _log.warning("a scenario is left out: %s", error)
        return found

    def new(self, title: str, parent: str = "") -> Scenario:
        """Return a scenario without edits; its name is made of the title and is not taken.

        Raises
        ------
        SimulationError
            When the title is empty or too long, or there is no such parent.
        """
        known = self.all()
        title = title.strip()
        if not 0 < len(title) <= LONGEST_TITLE:
            raise SimulationError("variant", f"its title has {len(title)} characters", f"give 1 to {LONGEST_TITLE}")
        return Scenario(_free_name(title, known), _known(known, parent) if parent else self.scene, title=title)

    def keep(self, name: str, edits: Sequence[Edit], title: str = "", parent: str = "") -> Scenario:
        """Add edits to a scenario and return it as it is then; nothing is kept when they do not fit.

        Parameters
        ----------
        name
            The scenario; empty = a new one.
        edits
            In their order.
        title, parent
            Of a new one: what it is called, and the name of the scenario it branches from (empty = the city).

        Raises
        ------
        SimulationError
            When there is no such scenario, an edit does not fit, or the package cannot be written.
        """
        with self._lock:
            found = _known(self.all(), name) if name else self.new(title, parent)
            edited = found.edit(*edits)
            _ = edited.scene  # what cannot be built is not kept
            if self.package is None:
                self._memory[edited.name] = edited
                self._rebase(edited)
            else:
                self._save(edited)
            self._seen = self._stamp()
        self._tell()
        return edited

    def watch(self, heard: Callable[[Mapping[str, Scenario]], object]) -> None:
        """Call a method with all scenarios after each change of one, for as long as its object lives."""
        with self._lock:
            self._watchers = [each for each in self._watchers if each() is not None] + [WeakMethod(heard)]

    def look(self) -> bool:
        """Say whether somebody else has changed scenarios of the package, after telling those who watch."""
        with self._lock:
            stamp = self._stamp()
            changed, self._seen = stamp != self._seen, stamp
        if changed:
            self._tell()
        return changed

    def _stamp(self) -> frozenset[tuple[str, int, int]]:
        """Return what changes whenever a scenario of the package is written or removed."""
        return frozenset() if self.package is None else scenario_stamps(self.package)

    def _tell(self) -> None:
        with self._lock:
            watchers = [each() for each in self._watchers]
        found = self.all() if watchers else {}
        for heard in watchers:
            if heard is None:
                continue
            try:
                heard(found)
            except Exception:  # noqa: BLE001 - a page that was just closed must not keep the others from hearing of it
                _log.info("a page that is gone was not told of a scenario", exc_info=True)

    def _save(self, scenario: Scenario) -> None:
        try:
            save_scenario(self.package or "", scenario)
        except OSError as error:
            why = error.strerror or str(error)
            advice = "make the city package writable, or serve a copy of it"
            raise SimulationError(scenario.name, f"cannot be written into {self.package} ({why})", advice) from error

    def _rebase(self, parent: Scenario) -> None:
        """Let scenarios in memory that build on a changed one build on what it is now."""
        for name, each in list(self._memory.items()):
            if isinstance(each.parent, Scenario) and each.parent.name == parent.name and each.parent is not parent:
                child = Scenario(each.name, parent, each.author, each.title, each.note).edit(*each.edits)
                self._memory[name] = child
                self._rebase(child)


def _known(scenarios: Mapping[str, Scenario], name: str) -> Scenario:
    found = scenarios.get(name)
    if found is None:
        raise SimulationError(name, "there is no such scenario", f"there are {', '.join(scenarios) or 'none'}")
    return found


def _free_name(title: str, known: Mapping[str, Scenario]) -> str:
    """Return a name of lower case letters, digits and dashes that is like the title and not taken."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48] or _SPARE
    tries = (stem, *(f"{stem}-{number}" for number in range(2, len(known) + 3)))
    return next(name for name in tries if name not in known)
