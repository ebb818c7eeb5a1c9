/** Position of the sun, after the NOAA solar calculator (Meeus, Astronomical Algorithms, ch. 25); good to 0.02 degrees. */

const RAD = Math.PI / 180;

export interface SunPosition {
  /** Degrees clockwise from true north. */
  azimuth_deg: number;
  /** Degrees above the horizon, without refraction. */
  elevation_deg: number;
}

const turn = (degrees: number): number => ((degrees % 360) + 360) % 360;

/** Declination (degrees) and equation of time (minutes) at a Julian century from J2000. */
function declination(century: number): { declination_deg: number; equation_min: number } {
  const meanLongitude = turn(280.46646 + century * (36000.76983 + century * 0.0003032));
  const anomaly = (357.52911 + century * (35999.05029 - 0.0001537 * century)) * RAD;
  const eccentricity = 0.016708634 - century * (0.000042037 + 0.0000001267 * century);
  const centre =
    Math.sin(anomaly) * (1.914602 - century * (0.004817 + 0.000014 * century)) +
    Math.sin(2 * anomaly) * (0.019993 - 0.000101 * century) +
    Math.sin(3 * anomaly) * 0.000289;
  const node = (125.04 - 1934.136 * century) * RAD;
  const apparent = (meanLongitude + centre - 0.00569 - 0.00478 * Math.sin(node)) * RAD;
  const meanObliquity = 23 + (26 + (21.448 - century * (46.815 + century * (0.00059 - century * 0.001813))) / 60) / 60;
  const obliquity = (meanObliquity + 0.00256 * Math.cos(node)) * RAD;
  const y = Math.tan(obliquity / 2) ** 2;
  const twice = 2 * meanLongitude * RAD;
  const equation =
    y * Math.sin(twice) -
    2 * eccentricity * Math.sin(anomaly) +
    4 * eccentricity * y * Math.sin(anomaly) * Math.cos(twice) -
    0.5 * y * y * Math.sin(2 * twice) -
    1.25 * eccentricity * eccentricity * Math.sin(2 * anomaly);
  return {
    declination_deg: Math.asin(Math.sin(obliquity) * Math.sin(apparent)) / RAD,
    equation_min: (4 * equation) / RAD,
  };
}

/** Sun over a place (WGS 84 degrees, east and north positive) at an instant (milliseconds since 1970, UTC). */
export function sunPosition(time_ms: number, longitude_deg: number, latitude_deg: number): SunPosition {
  const day = time_ms / 86_400_000 + 2440587.5;
  const { declination_deg, equation_min } = declination((day - 2451545) / 36525);
  const minutes = (((time_ms / 60_000) % 1440) + 1440) % 1440;
  const hour = (turn((minutes + equation_min + 4 * longitude_deg) / 4) - 180) * RAD;
  const latitude = latitude_deg * RAD;
  const angle = declination_deg * RAD;
  const up = Math.sin(latitude) * Math.sin(angle) + Math.cos(latitude) * Math.cos(angle) * Math.cos(hour);
  const east = -Math.cos(angle) * Math.sin(hour);
  const north = Math.cos(latitude) * Math.sin(angle) - Math.sin(latitude) * Math.cos(angle) * Math.cos(hour);
  return { azimuth_deg: turn(Math.atan2(east, north) / RAD), elevation_deg: Math.asin(Math.min(1, Math.max(-1, up))) / RAD };
}
