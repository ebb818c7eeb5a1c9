"""The sun stands where the standards and almanacs say."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenes import SimulationError
from twin.whatif.sunlight.rules import RULES, residential_standard
from twin.whatif.sunlight.sun import standard_day, sun_at, sun_path

SHANGHAI = (31.2304, 121.4737)


def test_nrel_spa_example_comes_out_to_the_last_digit() -> None:
    # NREL TP-560-34302, appendix A.5; the table's zenith is the refracted one.
    import pvlib

    instant = pd.DatetimeIndex(["2003-10-17 12:30:30-07:00"])
    found = pvlib.solarposition.get_solarposition(
        instant, 39.742476, -105.1786, altitude=1830.14, pressure=82000, temperature=11, delta_t=67
    ).iloc[0]
    assert found["apparent_zenith"] == pytest.approx(50.11162, abs=1e-5)
    assert found["azimuth"] == pytest.approx(194.34024, abs=1e-5)
    altitude, azimuth, _ = sun_at(np.array([instant[0].timestamp()]), 39.742476, -105.1786)
    assert altitude[0] == pytest.approx(90 - found["zenith"], abs=1e-4)
    assert azimuth[0] == pytest.approx(194.34024, abs=1e-4)


@pytest.mark.parametrize(
    ("date", "altitude_deg", "shadow"), [("2024-12-21", 35.329, 1.4108), ("2025-01-20", 38.691, 1.2486)]
)
def test_noon_in_shanghai_on_the_standard_days(date: str, altitude_deg: float, shadow: float) -> None:
    path = sun_path(dt.date.fromisoformat(date), *SHANGHAI, np.array([12.0]))
    assert path.altitude_deg[0] == pytest.approx(altitude_deg, abs=0.01)
    assert 1 / np.tan(np.radians(path.altitude_deg[0])) == pytest.approx(shadow, abs=1e-3)


def test_true_noon_of_the_solstice_is_at_1152_china_standard_time() -> None:
    path = sun_path(dt.date(2024, 12, 21), *SHANGHAI, np.array([12.0]))
    clock = dt.datetime.fromtimestamp(path.utc_s[0], tz=dt.timezone(dt.timedelta(hours=8)))
    assert clock.strftime("%Y-%m-%d %H:%M") == "2024-12-21 11:52"


@given(
    day=st.dates(dt.date(1980, 1, 1), dt.date(2040, 12, 31)),
    latitude=st.floats(-60, 60),
    longitude=st.floats(-179, 179),
)
def test_the_sun_is_on_the_meridian_at_twelve_true_solar_time(day: dt.date, latitude: float, longitude: float) -> None:
    east = sun_path(day, latitude, longitude, np.array([12.0])).directions()[0, 0]
    assert abs(np.degrees(np.arcsin(east))) < 0.01


def test_clock_time_in_urumqi_is_far_from_true_solar_time() -> None:
    path = sun_path(dt.date(2025, 1, 20), 43.8, 87.6, np.array([8.0]))
    clock = dt.datetime.fromtimestamp(path.utc_s[0], tz=dt.timezone(dt.timedelta(hours=8)))
    assert clock.strftime("%H:%M") == "10:20"


def test_standard_days_follow_the_solar_terms() -> None:
    assert standard_day(RULES["GB50180-dahan"], 2001) == dt.date(2001, 1, 20)
    # The solstice was at 19:21 UTC on the 21st, which is the 22nd in China.
    assert standard_day(RULES["GB50180-dongzhi"], 2001) == dt.date(2001, 12, 22)
    assert standard_day(RULES["GB50180-dongzhi"], 2024) == dt.date(2024, 12, 21)


def test_directions_turn_with_the_grid() -> None:
    path = sun_path(dt.date(2025, 1, 20), *SHANGHAI, np.array([12.0]))
    north_east = path.directions(convergence_deg=10.0)[0]
    # Grid north lies 10 degrees clockwise of true north, so the south sun is seen 10 degrees east of grid south.
    assert np.degrees(np.arctan2(north_east[0], -north_east[1])) == pytest.approx(10.0, abs=0.01)


@pytest.mark.parametrize(
    ("zone", "inhabitants", "rule", "hours"),
    [
        ("III", 24e6, "GB50180-dahan", 2.0),
        ("II", 3e5, "GB50180-dahan", 3.0),
        ("IV", 18e6, "GB50180-dahan", 3.0),
        ("IV", 2e5, "GB50180-dongzhi", 1.0),
        ("V", 4e6, "GB50180-dongzhi", 1.0),
    ],
)
def test_table_4_0_9(zone: str, inhabitants: float, rule: str, hours: float) -> None:
    found, required = residential_standard(zone, inhabitants)  # type: ignore[arg-type]
    assert (found.id, required) == (rule, hours)


def test_an_unknown_climate_zone_is_refused() -> None:
    with pytest.raises(SimulationError, match="climate zone"):
        residential_standard("VIII", 1e6)  # type: ignore[arg-type]
