"""Floating car data of SUMO: where every vehicle was at each step of a simulation, read step by step.

Source of the format: SUMO documentation, "FCD Output" (DLR, 2025): ``<fcd-export><timestep time="0.00"><vehicle id x y
angle type speed .../><person .../></timestep></fcd-export>``; positions are metres of the network, or degrees with
``--fcd-output.geo``; ``angle`` is degrees clockwise from north, ``speed`` m/s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gis.networks.inp import number
from gis.networks.sumo_xml import elements, read_document
from gis.sniffing import head_of
from scenes.errors import LoadError, MissingSourceError
from scenes.georeference import WGS84

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_TAGS = {"vehicle", "person", "container"}
_ROOT = re.compile(rb"<fcd-export[\s>]")
_ADVICE = "put the .net.xml into the same folder, or name it with --net"


@dataclass(frozen=True, slots=True, eq=False)
class FcdStep:
    """One step: its time in seconds, and columns with one value a vehicle; x and y are as in the file.

    `types` are the vehicle types of the simulation (``type``), ``person`` for people.
    """

    time_s: float
    ids: list[str]
    types: list[str]
    xy: Floats
    z_m: Floats
    angle_deg: Floats
    speed_m_s: Floats


@dataclass(frozen=True, slots=True)
class FcdPlace:
    """Where the coordinates of a file lie: their system, and what is added to them first."""

    crs: str
    offset: tuple[float, float] = (0.0, 0.0)


def is_fcd(path: Path) -> bool:
    """Say whether a file is floating car data of SUMO (``.xml`` or ``.xml.gz``), by its name and first bytes."""
    name = path.name.lower()
    if not path.is_file() or not name.endswith((".xml", ".xml.gz")):
        return False
    return "fcd" in name if name.endswith(".gz") else bool(_ROOT.search(head_of(path)))


def read_fcd(path: Path) -> Generator[FcdStep]:
    """Yield the steps of a file in its order; a vehicle whose place is no number is left out.

    Raises
    ------
    MissingSourceError, LoadError
        When the file is not there, is no XML, or holds no step.
    """
    if not path.is_file():
        raise MissingSourceError(path, "there is no such file", "check the path")
    cells: list[dict[str, str]] = []
    steps = 0
    for element in elements(path):
        if element.tag in _TAGS:
            cells.append({"tag": str(element.tag), **element.attrib})
        elif element.tag == "timestep":
            steps += 1
            yield _step(number(element.get("time")), cells)
            cells = []
    if not steps:
        raise LoadError(path, "holds no step of floating car data", "write it with sumo --fcd-output")


def place_of(path: Path, net: Path | None = None) -> FcdPlace:
    """Return where the coordinates of a file lie: in degrees, or in metres of the network beside it.

    Parameters
    ----------
    path
        The floating car data.
    net
        The network of the simulation; None = the only ``.net.xml`` in the folder of the file.

    Raises
    ------
    LoadError
        When nobody says where it lies.
    """
    if net is None:
        places = [step.xy for step, _ in zip((each for each in read_fcd(path) if each.ids), range(3), strict=False)]
        if places and _degrees(np.concatenate(places)):
            return FcdPlace(WGS84)
        beside = sorted([*path.parent.glob("*.net.xml"), *path.parent.glob("*.net.xml.gz")])
        if len(beside) != 1:
            what = f"is in metres of a network, and {len(beside)} networks lie beside it"
            raise LoadError(path, what, _ADVICE)
        net = beside[0]
    document = read_document(net)
    if not document.crs:
        raise LoadError(net, "has no projection", "write the floating car data with --fcd-output.geo")
    return FcdPlace(document.crs, document.offset)


def _degrees(xy: Floats) -> bool:
    """Say whether coordinates are degrees: none beyond 180 and 90, and all within a few degrees of each other."""
    xy = xy[np.isfinite(xy).all(axis=1)]
    return len(xy) > 0 and bool((np.abs(xy) <= (180.0, 90.0)).all() and (np.ptp(xy, axis=0) < 5.0).all())


def _step(time_s: float, cells: list[dict[str, str]]) -> FcdStep:
    def column(name: str) -> Floats:
        return np.array([number(each.get(name)) for each in cells], np.float64)

    xy = np.column_stack([column("x"), column("y")])
    good: NDArray[np.bool_] = np.asarray(np.isfinite(xy).all(axis=1))
    kept = [each for each, there in zip(cells, good, strict=True) if there]
    types = [each.get("type", "") if each["tag"] == "vehicle" else each["tag"] for each in kept]
    z, angle, speed = column("z")[good], column("angle")[good], column("speed")[good]
    return FcdStep(time_s, [each.get("id", "") for each in kept], types, xy[good], z, angle, speed)
