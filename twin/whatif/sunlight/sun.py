"""Where the sun stands: pvlib's solar position algorithm, in true solar time and in the grid of the scene."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes import MissingLibraryError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.whatif.sunlight.rules import Rule

    Floats = NDArray[np.float64]

_HOUR = 3600.0
# China has kept one civil time since 1949; the standard days are days of that calendar.
_CHINA_UTC_OFFSET_H = 8.0


@dataclass(frozen=True, eq=False)
class SunPath:
    """Sun positions of one day.

    Parameters
    ----------
    utc_s
        (n,) seconds since 1970-01-01 UTC.
    solar_h
        (n,) true solar time in hours; 12 = the sun on the meridian.
    altitude_deg, azimuth_deg
        (n,) geometric altitude of the sun's centre (no refraction) and azimuth clockwise from true north.
    """

    utc_s: Floats
    solar_h: Floats
    altitude_deg: Floats
    azimuth_deg: Floats

    def directions(self, convergence_deg: float = 0.0) -> Floats:
        """Return (n, 3) unit vectors to the sun: x grid east, y grid north, z up."""
        altitude = np.radians(self.altitude_deg)
        azimuth = np.radians(self.azimuth_deg - convergence_deg)
        flat = np.cos(altitude)
        return np.column_stack([flat * np.sin(azimuth), flat * np.cos(azimuth), np.sin(altitude)])


def sun_at(utc_s: Floats, latitude_deg: float, longitude_deg: float) -> tuple[Floats, Floats, Floats]:
    """Return geometric altitude, azimuth (degrees) and the equation of time (minutes) at instants.

    Source: NREL SPA, TP-560-34302, as pvlib implements it.
    """
    found = _table(utc_s, latitude_deg, longitude_deg)
    return 90.0 - found["zenith"].to_numpy(), found["azimuth"].to_numpy(), found["equation_of_time"].to_numpy()


def sun_path(date: dt.date, latitude_deg: float, longitude_deg: float, solar_h: NDArray[np.float64]) -> SunPath:
    """Return the sun at given hours of true solar time on a civil date.

    True solar time = UTC + longitude / 15 + equation of time; the equation of time is taken at the instant
    itself by iteration, so that solar_h = 12 is the meridian passage to a fraction of a second.
    """
    midnight = dt.datetime(date.year, date.month, date.day, tzinfo=dt.UTC).timestamp()
    hours = np.asarray(solar_h, dtype=np.float64)
    mean = midnight + (hours - longitude_deg / 15.0) * _HOUR
    utc_s = mean
    for _ in range(3):
        _, _, equation_min = sun_at(utc_s, latitude_deg, longitude_deg)
        utc_s = mean - equation_min * 60.0
    altitude, azimuth, _ = sun_at(utc_s, latitude_deg, longitude_deg)
    return SunPath(utc_s, hours, altitude, azimuth)


def standard_day(rule: Rule, year: int) -> dt.date:
    """Return the civil date in China on which the sun reaches the longitude of the rule's solar term.

    Examples
    --------
    >>> from twin.whatif.sunlight.rules import RULES
    >>> standard_day(RULES["GB50180-dahan"], 2025).isoformat()
    '2025-01-20'
    """
    start = dt.datetime(year, 1, 1, tzinfo=dt.UTC).timestamp()
    utc_s = start + np.arange(0.0, 366 * 24) * _HOUR
    behind = (_apparent_longitude(utc_s) - rule.solar_longitude_deg + 180.0) % 360.0 - 180.0
    crossing = np.flatnonzero((behind[:-1] < 0) & (behind[1:] >= 0))[0]
    share = -behind[crossing] / (behind[crossing + 1] - behind[crossing])
    instant = utc_s[crossing] + share * _HOUR + _CHINA_UTC_OFFSET_H * _HOUR
    return dt.datetime.fromtimestamp(float(instant), tz=dt.UTC).date()


def _apparent_longitude(utc_s: Floats) -> Floats:
    """Return the apparent ecliptic longitude of the sun in degrees (SPA, equations 9 to 27)."""
    spa = _pvlib().spa
    delta_t = spa.calculate_deltat(2000, 1)
    century = spa.julian_ephemeris_century(spa.julian_ephemeris_day(spa.julian_day(utc_s), delta_t))
    millennium = spa.julian_ephemeris_millennium(century)
    heliocentric = spa.heliocentric_longitude(millennium)
    x = (spa.mean_elongation(century), spa.mean_anomaly_sun(century), spa.mean_anomaly_moon(century))
    moon = (spa.moon_argument_latitude(century), spa.moon_ascending_longitude(century))
    nutation = np.zeros((2, len(utc_s)))
    spa.longitude_obliquity_nutation(century, *x, *moon, nutation)
    aberration = spa.aberration_correction(spa.heliocentric_radius_vector(millennium))
    longitude: Floats = (heliocentric + 180.0 + nutation[0] + aberration) % 360.0
    return longitude


def _table(utc_s: Floats, latitude_deg: float, longitude_deg: float) -> Any:
    import pandas as pd  # noqa: PLC0415 - heavy, and only needed when something runs

    # pvlib takes a naive index for UTC without saying so: always give it the zone.
    instants = pd.to_datetime(np.round(utc_s * 1e6).astype("int64"), unit="us", utc=True)
    return _pvlib().solarposition.get_solarposition(
        pd.DatetimeIndex(instants), latitude_deg, longitude_deg, method="nrel_numpy"
    )


def _pvlib() -> Any:
    try:
        import pvlib  # noqa: PLC0415 - optional
    except ImportError as error:
        raise MissingLibraryError("pvlib", "is needed for sun positions", "pip install 'citytwin[sim]'") from error
    return pvlib
