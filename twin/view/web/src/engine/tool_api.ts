/** What the tools of the engine take and give: measurements, cuts, profiles, lines of sight. */

import type { Vec3 } from "./api";

/**
 * "point" ends with one click; "sight" goes from an eye to a target; "outline" is a closed shape that is not measured;
 * "profile" is a line under which the ground and the roofs are sampled.
 */
export type MeasureKind = "distance" | "height" | "area" | "volume" | "angle" | "profile" | "sight" | "point" | "outline";

export interface Measurement {
  kind: MeasureKind;
  /** Number of a finished measurement, by which it is removed; 0 while it goes on. */
  id: number;
  points: Vec3[];
  /**
   * Metres; square metres for an area (true surface in 3D); cubic metres for a volume; degrees for an angle in space;
   * for a sight the metres that are seen free.
   */
  value: number;
  /** The same in plan; for a volume the area of its footprint. */
  horizontal: number;
  vertical: number;
  done: boolean;
  volume?: Volume;
  profile?: Profile;
  sight?: Sight;
}

/** What lies between a base plane and the highest surfaces within a footprint, cubic metres. */
export interface Volume {
  base_m: number;
  /** Lowest and highest surface within the footprint, metres. */
  low_m: number;
  high_m: number;
  above_m3: number;
  /** Of the hollow below the base. */
  below_m3: number;
}

/** Heights along a line, all of one length. */
export interface Profile {
  /** Metres from the first point, in plan. */
  along: number[];
  /** Local heights of the ground and of the highest surface; NaN where there is none. */
  ground: number[];
  top: number[];
}

export interface Sight {
  clear: boolean;
  /** What stands in the way first. */
  blocked: Vec3 | null;
  handle: number;
}

/** A box whose inside is kept: half sizes across (east before turning), along and up, turned clockwise from above. */
export interface SectionBox {
  centre: Vec3;
  half: Vec3;
  azimuth_deg: number;
}

export interface Viewshed {
  /** Eye of the observer. */
  eye: Vec3;
  radius_m: number;
  /** Square metres of surface, in plan, that were looked at, and how many of them are seen. */
  area_m2: number;
  seen_m2: number;
  /** Cells along each side of the square around the observer, row by row from the south-west: 0 = outside, 1 = seen, 2 = hidden. */
  side: number;
  cells: Uint8Array;
}

/** What stands out of a body of limited height. */
export interface HeightLimit {
  /** Local height of the limit. */
  top_m: number;
  /** Objects that are higher, ascending. */
  handles: Uint32Array;
  /** Plan of what is higher, square metres, and by how much at most. */
  over_m2: number;
  most_m: number;
}
