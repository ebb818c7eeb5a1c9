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

/** A trench along a line on the ground, open from above. */
export interface Trench {
  from: Vec3;
  to: Vec3;
  width_m: number;
  depth_m: number;
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

/** What stands highest in every direction, from an eye; all lists of one length. */
export interface Skyline {
  eye: Vec3;
  /** Where the first direction begins, degrees clockwise, and how far one is from the next. */
  start_deg: number;
  step_deg: number;
  /** Above the level of the eye, degrees; 0 where there is only the sky. */
  elevations: number[];
  /** In plan, metres. */
  distances: number[];
  /** -1 = the ground, or nobody. */
  handles: number[];
}

/** What stands out of a body of limited height. */
export interface HeightLimit {
  /** Local height of the limit, at its first edge where it slopes. */
  top_m: number;
  /** Objects that are higher, ascending. */
  handles: Uint32Array;
  /** Plan of what is higher, square metres, and by how much at most. */
  over_m2: number;
  most_m: number;
}

/** A solid that is drawn or edited, as its picture. */
export interface DraftSolid {
  key: string;
  look: "add" | "change" | "remove";
  chosen: boolean;
  /** Footprint in local metres, for a block; or a mesh relative to the pivot, x, y, z after each other. */
  rings: [number, number][][];
  mesh: { positions: Float32Array; triangles: Uint32Array } | null;
  pivot: Vec3;
  tall_m: number;
  /** Column-major, from places relative to the pivot to local metres. */
  matrix: number[];
}

/** An outline that is being drawn. */
export interface Sketch {
  /** Corners, the last one at the pointer; of them `set` are set. */
  path: Vec3[];
  set: number;
  /** Whether the way back to the first corner is shown. */
  closing: boolean;
  wrong: boolean;
  guide: [Vec3, Vec3] | null;
  snap: Vec3 | null;
  labels: { at: Vec3; text: string; hint?: boolean }[];
}

/** Takes what the pointer does in place of picking and measuring; places are those of the page. */
export interface PointerTool {
  move(clientX: number, clientY: number): void;
  /** `time_ms` = of the click by the page's clock; a busy page hears of it later. */
  click(clientX: number, clientY: number, time_ms: number): void;
  double(clientX: number, clientY: number, time_ms: number): void;
}

export type HandleLook = "move" | "turn" | "up" | "scale" | "face";

export interface HandleSpec {
  name: string;
  at: Vec3;
  look: HandleLook;
  /** Line that it is dragged along; left out = over its level. */
  along?: Vec3;
}

/** Handles that are dragged; `from` is where the pointer took hold, on the line or level of the handle. */
export interface HandleSet {
  handles: HandleSpec[];
  start?(name: string): void;
  drag(name: string, from: Vec3, to: Vec3, free: boolean): void;
  end?(name: string): void;
}

/** What drawing and editing ask of the engine. */
export interface Drafting {
  /** Whether snapping is switched off by a key that is held. */
  readonly free: boolean;
  /** The ground at a place of the page, through whatever stands on it. */
  groundAt(clientX: number, clientY: number): Vec3 | null;
  /** A level at a place of the page. */
  levelAt(clientX: number, clientY: number, z: number): Vec3 | null;
  /** Metres above a foot, on its upright, that are nearest to a place of the page. */
  uprightAt(clientX: number, clientY: number, foot: Vec3): number | null;
  /** Heights of the ground below places in plan. */
  groundHeights(places: [number, number][]): number[];
  metresPerPixel(at: Vec3): number;
  setTool(tool: PointerTool | null): void;
  showSolids(solids: DraftSolid[]): void;
  showSketch(sketch: Sketch | null): void;
  setHandles(owner: string, set: HandleSet | null): void;
  handlePlaces(): { owner: string; name: string; x: number; y: number }[];
}
