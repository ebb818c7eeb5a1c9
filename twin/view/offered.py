"""The overlays that one view offers: those of the scene's attributes, and those that programs and live data add."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scenes import UnknownObjectError
from twin.view.attributes import FIRST_NUMBER, overlay_by_attribute, usual_columns
from twin.view.rpc import OverlayData

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from scenes import Scene
    from twin.view.rpc import SceneService

ADDED_NUMBER = 3001


class OfferedOverlays:
    """What a page may colour the city by, and who knows the codes.

    Parameters
    ----------
    scene
        Whose objects have codes.
    service
        Answers for the codes.
    specs
        Of overlays whose codes come over ``/live`` or by `set_codes`; its numbers are kept.
    """

    def __init__(self, scene: Scene, service: SceneService, specs: Iterable[Mapping[str, Any]]) -> None:
        """Offer the specs and the scene's usual attributes."""
        self._scene = scene
        self._service = service
        self._specs = {int(spec["id"]): dict(spec) for spec in specs}
        for number, column in enumerate(usual_columns(scene), FIRST_NUMBER):
            made = overlay_by_attribute(scene, column)
            self.offer(OverlayData(made.spec(number), lambda made=made: made.codes))  # type: ignore[misc]

    @property
    def specs(self) -> list[dict[str, Any]]:
        """What the page is told of each."""
        return list(self._specs.values())

    @property
    def names(self) -> set[str]:
        """Their names."""
        return {str(spec["name"]) for spec in self._specs.values()}

    def offer(self, overlay: OverlayData) -> dict[str, Any]:
        """Add one, or take the place of the one of its number; returns what the page is told of it."""
        spec = dict(overlay.spec)
        self._specs[int(spec["id"])] = spec
        self._service.add_overlay(overlay)
        return spec

    def keep(self, added: Mapping[int, OverlayData]) -> None:
        """Take over what an earlier version of the view had, where no number is taken."""
        for number, overlay in added.items():
            if number not in self._specs:
                self.offer(overlay)

    def free_number(self, name: str) -> int:
        """Return the number of an overlay that has the name, or one that nobody has."""
        used = [number for number, spec in self._specs.items() if spec["name"] == name]
        return used[0] if used else max([ADDED_NUMBER - 1, *self._specs]) + 1

    def number(self, overlay: str | int) -> int:
        """Return the number of an overlay by its number or name.

        Raises
        ------
        UnknownObjectError
            If there is no such overlay.
        """
        for number, spec in self._specs.items():
            if overlay in (number, spec["name"]):
                return number
        known = ", ".join(str(spec["name"]) for spec in self._specs.values()) or "none"
        raise UnknownObjectError(str(overlay), "there is no such overlay", f"there are {known}")

    def set_codes(self, overlay: str | int, codes: NDArray[np.uint8]) -> tuple[int, bytes]:
        """Keep one code for each handle, shape (n,) uint8; returns number and codes for the page.

        Raises
        ------
        ValueError
            If there is not one code for each object.
        """
        number = self.number(overlay)
        own = np.array(codes, np.uint8, order="C")
        if own.shape != (len(self._scene),):
            raise ValueError(f"{overlay}: {own.shape} codes for {len(self._scene)} objects")
        self._service.add_overlay(OverlayData(self._specs[number], lambda: own))
        return number, own.tobytes()

    def set_codes_of(
        self, overlay: str | int, handles: NDArray[np.uint32], codes: NDArray[np.uint8]
    ) -> tuple[int, bytes, bytes]:
        """Keep codes of some objects: (m,) handles and codes; returns number, handles and codes for the page.

        Raises
        ------
        ValueError
            If there is not one code for each handle.
        """
        number = self.number(overlay)
        places = np.ascontiguousarray(handles, np.uint32)
        changed = np.ascontiguousarray(codes, np.uint8)
        if places.shape != changed.shape:
            raise ValueError(f"{overlay}: {changed.shape} codes for {places.shape} handles")
        known = self._service.overlays.get(number)
        every = known.codes().copy() if known else np.zeros(len(self._scene), np.uint8)
        every[places] = changed
        self._service.add_overlay(OverlayData(self._specs[number], lambda: every))
        return number, places.tobytes(), changed.tobytes()
