"""Objects that only a scenario has, or has otherwise: handles after those of the city let pages pick them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes import UnknownObjectError
from twin.view.rpc import SceneService

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scenes import CityObject
    from twin.whatif.scenario import Scenario

SPARE_HANDLES = 8_192
"""Handles after those of the city for which a page holds room (``engine/objects.ts``)."""


class VariantObjects:
    """Answers ``properties``, ``bounds`` and ``table`` of a page for objects of scenarios as well.

    Parameters
    ----------
    service
        Answers for the city; its methods are wrapped.
    find
        Returns the scenario that has an object of a uid, and gives its objects slots; None when there is none. A page
        that is opened by a link asks for a uid before it asks for the scenario.
    """

    def __init__(self, service: SceneService, find: Callable[[str], Scenario | None]) -> None:
        self._service = service
        self._find = find
        self._first = len(service.scene)
        self._owners: list[tuple[Scenario, str]] = []
        self._slots: dict[tuple[str, str], int] = {}
        self._latest: dict[str, int] = {}
        self._lock = threading.Lock()
        self._of_city = {name: service.methods[name] for name in ("properties", "bounds")}
        service.register("properties", self._properties)
        service.register("bounds", self._bounds)

    def slots(self, scenario: Scenario, uids: Sequence[str]) -> list[int]:
        """Return the slot of each object of a scenario; its handle is so many after those of the city.

        An object keeps its slot when its scenario is edited. Where no room is left the slots count from 0 past the
        room, so that nothing can be picked by them.
        """
        with self._lock:
            new = [uid for uid in uids if (scenario.name, uid) not in self._slots]
            if len(self._owners) + len(new) > SPARE_HANDLES:
                return [SPARE_HANDLES + place for place in range(len(uids))]
            for uid in new:
                self._slots[scenario.name, uid] = len(self._owners)
                self._owners.append((scenario, uid))
            found = [self._slots[scenario.name, uid] for uid in uids]
            for uid, slot in zip(uids, found, strict=True):
                self._owners[slot] = (scenario, uid)
                self._latest[uid] = self._first + slot
            return found

    def item(self, handle: int) -> CityObject:
        """Return the object behind any handle that a page may name.

        Raises
        ------
        UnknownObjectError
            When nothing has the handle.
        """
        if handle < self._first:
            return self._service.scene.at(handle)
        scenario, uid = self.owner(handle)
        return scenario.scene[uid]

    def owner(self, handle: int) -> tuple[Scenario, str]:
        """Return the scenario and the uid behind a handle that is not the city's.

        Raises
        ------
        UnknownObjectError
            When nothing has the handle.
        """
        place = handle - self._first
        if not 0 <= place < len(self._owners):
            raise UnknownObjectError(f"handle {handle}", "no scenario has such an object", "show the scenario again")
        return self._owners[place]

    def is_of_city(self, handle: int) -> bool:
        """Say whether a handle is one of the city's own."""
        return handle < self._first

    def _properties(self, params: Mapping[str, Any]) -> Any:
        if "uid" in params:
            uid = str(params["uid"])
            known = uid in self._service.scene or (uid not in self._latest and self._find(uid) is None)
            return self._of_city["properties"](params) if known else self._told(self._latest[uid])
        handle = int(params["handle"])
        return self._of_city["properties"](params) if self.is_of_city(handle) else self._told(handle)

    def _told(self, handle: int) -> dict[str, Any]:
        """Return the properties of a scenario's object; its links are those that a page can show."""
        scenario, uid = self.owner(handle)
        told = SceneService(scenario.scene).properties(scenario.scene.handle(uid))
        path = self._links(told["path"])
        groups = [group | {"items": self._links(group["items"])} for group in told["relations"]]
        return told | {
            "handle": handle,
            "scenario": scenario.name,
            "path": path,
            "parent": path[-1] if path else None,
            "children": self._links(told["children"]),
            "relations": [group for group in groups if group["items"]],
        }

    def _links(self, links: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return links with the page's handles, without those to what only the scenario has and nobody has shown."""
        scene = self._service.scene
        found = []
        for link in links:
            uid = str(link["uid"])
            handle = self._latest.get(uid, scene.handle(uid) if uid in scene else None)
            if handle is not None:
                found.append(link | {"handle": handle})
        return found

    def _bounds(self, params: Mapping[str, Any]) -> Any:
        handles = [int(handle) for handle in params["handles"]]
        own = [handle for handle in handles if self.is_of_city(handle)]
        boxes = [self.item(handle).bounds for handle in handles if not self.is_of_city(handle)]
        found = [box for box in (*boxes, self._of_city["bounds"]({"handles": own}) if own else None) if box is not None]
        if not found:
            return None
        array = np.array(found, np.float64)
        return [*array[:, :3].min(axis=0).tolist(), *array[:, 3:].max(axis=0).tolist()]
