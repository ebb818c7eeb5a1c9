"""What a page may ask of the live past and of what moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scenes import UnknownObjectError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twin.live import Past
    from twin.view.rpc import SceneService


def answer_live(service: SceneService, past: Past) -> None:
    """Let a page's service answer ``span``, ``codes_at``, ``moving_at``, ``vehicle`` and ``vehicles``.

    Parameters
    ----------
    service
        Of one page.
    past
        The live history of the city.
    """
    fleet = past.hub.moving

    def vehicle(params: Mapping[str, Any]) -> dict[str, Any]:
        number = int(params["number"])
        try:
            return fleet.describe(number)
        except KeyError:
            message = "nothing that moves has this number now"
            raise UnknownObjectError(str(number), message, "choose it again in the list") from None

    def codes_at(params: Mapping[str, Any]) -> dict[str, bytes]:
        return {"codes": past.codes(int(params["overlay"]), int(params["time"])).codes.tobytes()}

    def moving_at(params: Mapping[str, Any]) -> dict[str, bytes]:
        return {"frame": past.moving(int(params["time"])).encode()}

    def vehicles(params: Mapping[str, Any]) -> list[dict[str, Any]]:
        return fleet.find(str(params.get("text", "")), min(int(params.get("limit", 20)), 100))

    service.register("span", lambda _: past.span())
    service.register("codes_at", codes_at)
    service.register("moving_at", moving_at)
    service.register("vehicle", vehicle)
    service.register("vehicles", vehicles)
