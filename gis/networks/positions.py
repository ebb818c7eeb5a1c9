"""Vehicle positions of a GTFS-realtime message as columns, for feeds that follow them."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gis.fetching import Fetcher
from gis.networks.live_feed import is_posix, read_live_feed
from gis.networks.realtime import vehicles_of
from gis.webfetch import without_secrets
from scenes.errors import MissingSourceError
from scenes.sources import Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_MOST_BYTES = 64_000_000
_MOST_S = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class VehiclePositions:
    """One row a vehicle: id, route, WGS 84 degrees, bearing (NaN = not said), speed in m/s, and ms of its report."""

    ids: list[str]
    routes: list[str]
    lonlat: Floats
    bearing_deg: Floats
    speed_m_s: Floats
    time_ms: NDArray[np.int64]


def read_positions(address: str) -> VehiclePositions:
    """Return the vehicles of a GTFS-realtime message: a file (``.pb`` or ``.json``), or a web address.

    A vehicle without a place, or at 0, 0, is left out; one without a time of its own has that of the message.

    Raises
    ------
    MissingSourceError, ConnectionLostError, LoadError
        When it is not there, does not answer, or is no such message.
    """
    if not address.lower().startswith(("http://", "https://")):
        if not Path(address).is_file():
            raise MissingSourceError(address, "there is no such file", "check the path")
        return _positions(Source(address))
    body = Fetcher(_MOST_BYTES, _MOST_S).get(address, without_secrets(address))
    ending = ".json" if body.lstrip()[:1] == b"{" else ".pb"
    with tempfile.NamedTemporaryFile(suffix=ending) as file:
        file.write(body)
        file.flush()
        return _positions(Source(file.name))


def _positions(source: Source) -> VehiclePositions:
    feed = read_live_feed(source)
    found = [each for each in vehicles_of(feed) if each.vehicle.HasField("position")]
    vehicles = [each.vehicle for each in found]
    lonlat = np.array([(each.position.longitude, each.position.latitude) for each in vehicles], float).reshape(-1, 2)
    good = (np.abs(lonlat) <= (180.0, 90.0)).all(axis=1) & (lonlat != 0.0).any(axis=1)
    seconds = [each.timestamp if is_posix(each.timestamp) else feed.header.timestamp for each in vehicles]
    keep = np.flatnonzero(good).tolist()
    return VehiclePositions(
        [vehicles[row].vehicle.id or vehicles[row].vehicle.label or found[row].id for row in keep],
        [vehicles[row].trip.route_id for row in keep],
        lonlat[good],
        np.array([_said(vehicles[row].position, "bearing") for row in keep], np.float64),
        np.array([_said(vehicles[row].position, "speed") for row in keep], np.float64),
        np.array([seconds[row] * 1000 for row in keep], np.int64),
    )


def _said(position: object, name: str) -> float:
    return float(getattr(position, name)) if position.HasField(name) else float("nan")  # type: ignore[attr-defined]
