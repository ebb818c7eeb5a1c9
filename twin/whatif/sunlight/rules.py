"""The residential sunlight rules of GB 50180-2018, table 4.0.9, and the standard days that they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scenes import SimulationError

ClimateZone = Literal["I", "II", "III", "IV", "V", "VI", "VII"]

# GB/T 50947-2014 fixes the year from which the sun positions of the standard days are taken.
REFERENCE_YEAR = 2001


@dataclass(frozen=True, slots=True)
class Rule:
    """A standard day and its effective window.

    Parameters
    ----------
    id
        Name in the inputs of the simulation.
    solar_longitude_deg
        Ecliptic longitude of the sun at the solar term: 300 = Great Cold (大寒), 270 = winter solstice (冬至).
    start_h, end_h
        Effective window in true solar time (有效日照时间带).
    required_hours
        Hours at the ground-floor sill where the caller names none.
    """

    id: str
    solar_longitude_deg: float
    start_h: float
    end_h: float
    required_hours: float


RULES = {
    "GB50180-dahan": Rule("GB50180-dahan", 300.0, 8.0, 16.0, 2.0),
    "GB50180-dongzhi": Rule("GB50180-dongzhi", 270.0, 9.0, 15.0, 1.0),
}


def residential_standard(zone: ClimateZone, inhabitants: float) -> tuple[Rule, float]:
    """Return the rule and the hours that new dwellings need in a climate zone and a city of that size.

    Source: GB 50180-2018, table 4.0.9. Special cases of clause 4.0.9 are the caller's: homes for the elderly
    2 h on the winter solstice; no added facility may bring a neighbour below the standard; new dwellings in
    old districts under renewal at least 1 h on Great Cold.

    Raises
    ------
    SimulationError
        When the zone is not one of I to VII.

    Examples
    --------
    >>> rule, hours = residential_standard("IV", 24_000_000)  # Guangzhou, Shanghai is in zone III
    >>> rule.id, hours
    ('GB50180-dahan', 3.0)
    """
    large = inhabitants >= 500_000
    if zone in {"I", "II", "III", "VII"}:
        return RULES["GB50180-dahan"], 2.0 if large else 3.0
    if zone == "IV" and large:
        return RULES["GB50180-dahan"], 3.0
    if zone in {"IV", "V", "VI"}:
        return RULES["GB50180-dongzhi"], 1.0
    raise SimulationError(zone, "is not a climate zone of GB 50180", "give one of I, II, III, IV, V, VI, VII")
