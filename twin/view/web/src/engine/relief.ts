/** Heights of the city seen straight from above, drawn by the graphics card: volumes, profiles, viewsheds. */

import { OrthographicCamera, Vector2, Vector3 } from "three";
import type { Profile, Volume } from "./tool_api";
import type { Probe } from "./probe";

/** Cells along the longer side of a footprint. */
const CELLS = 640;
/** Samples of a profile. */
const SAMPLES = 400;
/** Metres kept above the highest and below the lowest thing. */
const ROOM_M = 50;

/** A rectangle of ground: its middle, the unit vector of its columns, its size in metres and in cells. */
export interface Frame {
  middle: Vector2;
  right: Vector2;
  width: number;
  height: number;
  columns: number;
  rows: number;
}

/** Which layers are looked at. */
export type Wanted = "ground" | "all";

export interface ReliefHost {
  probe: Probe;
  /** Shows only what is wanted; the answer puts the rest back. */
  only(wanted: Wanted): () => void;
  /** Lowest and highest height of the city. */
  range(): [number, number];
  /** Height of the wide ground where nothing else is. */
  level(): number;
}

export class Relief {
  constructor(private readonly host: ReliefHost) {}

  /** Height of the highest surface in the middle of each cell, row by row from below. */
  heights(frame: Frame, wanted: Wanted = "all"): Float32Array {
    return this.look(frame, wanted).heights;
  }

  /** The same, and whose surface it is; -1 = nobody's. */
  look(frame: Frame, wanted: Wanted): { heights: Float32Array; handles: Int32Array } {
    const [low, high] = this.host.range();
    const camera = new OrthographicCamera(-frame.width / 2, frame.width / 2, frame.height / 2, -frame.height / 2, 1, high - low + 2 * ROOM_M + 2);
    const eye = high + ROOM_M + 1;
    camera.position.set(frame.middle.x, frame.middle.y, eye);
    camera.up.set(-frame.right.y, frame.right.x, 0);
    camera.lookAt(new Vector3(frame.middle.x, frame.middle.y, low));
    camera.updateMatrixWorld(true);
    const restore = this.host.only(wanted);
    const { distances, handles } = this.host.probe.look(camera, frame.columns, frame.rows);
    restore();
    const level = this.host.level();
    return { heights: distances.map((distance) => (distance > 0 ? eye - distance : level)), handles };
  }

  /** What stands above, and is hollow below, a base plane within a footprint (x, y of its corners). */
  volume(corners: Vector3[], base_m: number): Volume {
    const frame = around(corners);
    const heights = this.heights(frame);
    const found: Volume = { base_m, low_m: Infinity, high_m: -Infinity, above_m3: 0, below_m3: 0 };
    const shape = corners.map((corner) => new Vector2(corner.x, corner.y));
    for (let row = 0; row < frame.rows; row++) {
      const y = frame.middle.y + ((row + 0.5) / frame.rows - 0.5) * frame.height;
      for (const [from, to] of inside(shape, y)) {
        const first = Math.max(0, Math.ceil(((from - frame.middle.x) / frame.width + 0.5) * frame.columns - 0.5));
        const last = Math.min(frame.columns - 1, Math.floor(((to - frame.middle.x) / frame.width + 0.5) * frame.columns - 0.5));
        // The cells of a stretch share its length, so that edges between two cells count for what they are.
        const cell = ((to - from) / Math.max(1, last - first + 1)) * (frame.height / frame.rows);
        for (let column = first; column <= last; column++) {
          const height = heights[row * frame.columns + column] as number;
          found.low_m = Math.min(found.low_m, height);
          found.high_m = Math.max(found.high_m, height);
          if (height > base_m) found.above_m3 += (height - base_m) * cell;
          else found.below_m3 += (base_m - height) * cell;
        }
      }
    }
    return found;
  }

  /** Ground and highest surface along a line of points. */
  profile(points: Vector3[]): Profile {
    const legs = points.slice(1).map((to, i) => ({ from: points[i] as Vector3, to, length: Math.hypot(to.x - (points[i] as Vector3).x, to.y - (points[i] as Vector3).y) }));
    const total = legs.reduce((sum, leg) => sum + leg.length, 0);
    const profile: Profile = { along: [], ground: [], top: [] };
    let begun = 0;
    for (const { from, to, length } of legs) {
      if (length < 1e-3) continue;
      const count = Math.max(2, Math.round((SAMPLES * length) / total));
      const step = length / count;
      const right = new Vector2(to.x - from.x, to.y - from.y).divideScalar(length);
      const frame = { middle: new Vector2((from.x + to.x) / 2, (from.y + to.y) / 2), right, width: length, height: step, columns: count, rows: 1 };
      profile.top.push(...this.heights(frame, "all"));
      profile.ground.push(...this.heights(frame, "ground"));
      profile.along.push(...Array.from({ length: count }, (_, i) => begun + (i + 0.5) * step));
      begun += length;
    }
    return profile;
  }
}

/** The smallest upright frame around some corners. */
export function around(corners: Vector3[]): Frame {
  const xs = corners.map((corner) => corner.x);
  const ys = corners.map((corner) => corner.y);
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const width = Math.max(x1 - x0, 0.01);
  const height = Math.max(y1 - y0, 0.01);
  const cell = Math.max(width, height) / CELLS;
  const columns = Math.max(1, Math.round(width / cell));
  const rows = Math.max(1, Math.round(height / cell));
  return { middle: new Vector2((x0 + x1) / 2, (y0 + y1) / 2), right: new Vector2(1, 0), width, height, columns, rows };
}

/** Stretches of a horizontal line that lie within a closed shape. */
export function inside(shape: Vector2[], y: number): [number, number][] {
  const crossings: number[] = [];
  shape.forEach((a, i) => {
    const b = shape[(i + 1) % shape.length] as Vector2;
    if (a.y <= y !== b.y <= y) crossings.push(a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x));
  });
  crossings.sort((p, q) => p - q);
  return Array.from({ length: crossings.length >> 1 }, (_, i) => [crossings[2 * i] as number, crossings[2 * i + 1] as number]);
}
