/**
 * Where a thing is between its reports: it goes steadily from where it was drawn to where it was reported, in the time
 * that its reports usually take; when the next one is late it rolls on a little and comes to rest.
 */

/** Reports come at least and at most so far apart; seconds. */
export const QUICKEST_S = 0.2;
export const SLOWEST_S = 30;
/** A late thing rolls on by what it goes in this time at most; seconds. */
export const COAST_S = 2;
/** Faster than this nothing goes: it appears at its new place; m/s, and metres that are never a jump. */
export const FASTEST_M_S = 350;
export const NEAR_M = 60;
/** A new report counts so much for the usual time between reports. */
const LEARNING = 0.3;

/** Numbers of one thing in `steps`: from x, y, z, heading; to the same; beginning, duration and coast in seconds. */
export const STEP = 11;

/** Writes x, y, z and heading (degrees) at an instant in seconds. The shader does the same. */
export function placeAt(steps: Float32Array, row: number, now_s: number, out: Float32Array | Float64Array): void {
  const at = row * STEP;
  const begun = now_s - (steps[at + 8] as number);
  const lasts = steps[at + 9] as number;
  const coast = steps[at + 10] as number;
  let share = Math.max(0, begun / lasts);
  if (share > 1) share = 1 + (coast > 0 ? (coast * (1 - Math.exp(-(begun - lasts) / coast))) / lasts : 0);
  for (let axis = 0; axis < 3; axis++) out[axis] = (steps[at + axis] as number) + ((steps[at + 4 + axis] as number) - (steps[at + axis] as number)) * share;
  out[3] = (steps[at + 3] as number) + (steps[at + 7] as number) * Math.min(share, 1);
}

/** The usual time between reports of a thing after another one came. */
export function learned(usual_s: number, since_s: number): number {
  const bounded = Math.min(SLOWEST_S, Math.max(QUICKEST_S, since_s));
  return usual_s > 0 ? usual_s + (bounded - usual_s) * LEARNING : bounded;
}

/** Begins the way from where a thing is drawn to a report; `heading` in degrees, kept as a turn from the present one. */
export function begin(steps: Float32Array, row: number, here: ArrayLike<number>, to: ArrayLike<number>, heading: number, now_s: number, usual_s: number): void {
  const at = row * STEP;
  const away = Math.hypot((to[0] as number) - (here[0] as number), (to[1] as number) - (here[1] as number), (to[2] as number) - (here[2] as number));
  const jumps = away > NEAR_M && away > FASTEST_M_S * usual_s;
  for (let axis = 0; axis < 3; axis++) {
    steps[at + axis] = (jumps ? to[axis] : here[axis]) as number;
    steps[at + 4 + axis] = to[axis] as number;
  }
  const from = here[3] as number;
  steps[at + 3] = jumps ? heading : from;
  steps[at + 7] = jumps ? 0 : ((((heading - from + 180) % 360) + 360) % 360) - 180;
  steps[at + 8] = now_s;
  steps[at + 9] = Math.max(QUICKEST_S, usual_s);
  steps[at + 10] = jumps ? 0 : Math.min(COAST_S, usual_s);
}
