/** The skyline from a point: the highest thing in every direction, found by the graphics card, in degrees. */

import { PerspectiveCamera, Vector3 } from "three";
import type { Probe } from "./probe";
import type { Skyline } from "./tool_api";

const RAD = Math.PI / 180;
/** Widest part of the round that is drawn at once, degrees. */
const SECTOR_DEG = 30;
/** Directions a degree, and rows of pixels of a part. */
const PER_DEG = 10;
const ROWS = 1400;
const COARSE = { columns: 160, rows: 700 };
/** Where looking up and down ends, degrees. */
const HIGHEST_DEG = 84;
const LOWEST_DEG = -40;
const NEAR_M = 0.5;
const FAR_M = 60_000;

/**
 * What stands highest in every direction, from an eye.
 *
 * A pixel at (x, y) of a level picture at unit distance lies atan x beside its middle, and y / sqrt(1 + x x) is the
 * tangent of its elevation. `start_deg` is clockwise from the y axis; `only` hides what is not looked at.
 */
export function skyline(probe: Probe, only: () => () => void, eye: Vector3, start_deg: number, span_deg: number): Skyline {
  const found: Skyline = { eye: eye.toArray(), start_deg, step_deg: 1 / PER_DEG, elevations: [], distances: [], handles: [] };
  const parts = Math.max(1, Math.ceil(span_deg / SECTOR_DEG - 1e-6));
  const wide = span_deg / parts;
  const restore = only();
  for (let part = 0; part < parts; part++) sector(probe, eye, start_deg + part * wide, wide, found);
  restore();
  return found;
}

/** Adds the directions of one part. */
function sector(probe: Probe, eye: Vector3, from_deg: number, wide_deg: number, found: Skyline): void {
  const half = Math.tan((wide_deg / 2) * RAD);
  const middle = from_deg + wide_deg / 2;
  const highest = Math.tan(HIGHEST_DEG * RAD);
  const lowest = Math.tan(LOWEST_DEG * RAD);
  // First how high it gets, and then just that, as fine as it can be drawn.
  const rough = tops(probe, camera(eye, middle, half, lowest, highest), COARSE.columns, COARSE.rows);
  const step = (highest - lowest) / COARSE.rows;
  const top = Math.min(highest, lowest + (rough.rows.reduce((most, row) => Math.max(most, row), 0) + 3) * step);
  const bottom = Math.max(lowest, lowest + (rough.rows.reduce((least, row) => Math.min(least, row), COARSE.rows) - 3) * step);
  const directions = Math.max(1, Math.round(wide_deg * PER_DEG));
  const columns = Math.min(2048, directions * 3);
  const fine = tops(probe, camera(eye, middle, half, bottom, top), columns, ROWS);
  for (let i = 0; i < directions; i++) {
    const x = Math.tan((((i + 0.5) / directions) * wide_deg - wide_deg / 2) * RAD);
    const column = Math.min(columns - 1, Math.floor(((x / half + 1) / 2) * columns));
    const row = fine.rows[column] as number;
    const sight = Math.hypot(1, x);
    const y = bottom + ((row + 0.5) / ROWS) * (top - bottom);
    found.elevations.push(row < 0 ? 0 : Math.atan2(y, sight) / RAD);
    found.distances.push(row < 0 ? 0 : (fine.distances[column] as number) * Math.cos(Math.atan2(y, sight)));
    found.handles.push(row < 0 ? -1 : (fine.handles[column] as number));
  }
}

/** A level look whose picture reaches from `bottom` to `top` and `half` to each side, at unit distance. */
function camera(eye: Vector3, azimuth_deg: number, half: number, bottom: number, top: number): PerspectiveCamera {
  const found = new PerspectiveCamera(90, 1, NEAR_M, FAR_M);
  found.position.copy(eye);
  found.up.set(0, 0, 1);
  found.lookAt(eye.x + Math.sin(azimuth_deg * RAD), eye.y + Math.cos(azimuth_deg * RAD), eye.z);
  found.updateMatrixWorld(true);
  found.projectionMatrix.makePerspective(-half * NEAR_M, half * NEAR_M, top * NEAR_M, bottom * NEAR_M, NEAR_M, FAR_M);
  found.projectionMatrixInverse.copy(found.projectionMatrix).invert();
  return found;
}

/** The highest row of each column in which there is something; -1 = nothing but the sky. */
function tops(probe: Probe, from: PerspectiveCamera, columns: number, rows: number): { rows: Int32Array; distances: Float32Array; handles: Int32Array } {
  const seen = probe.look(from, columns, rows);
  const found = { rows: new Int32Array(columns).fill(-1), distances: new Float32Array(columns), handles: new Int32Array(columns).fill(-1) };
  for (let column = 0; column < columns; column++) {
    for (let row = rows - 1; row >= 0; row--) {
      const distance = seen.distances[row * columns + column] as number;
      if (!(distance > 0)) continue;
      found.rows[column] = row;
      found.distances[column] = distance;
      found.handles[column] = seen.handles[row * columns + column] as number;
      break;
    }
  }
  return found;
}
