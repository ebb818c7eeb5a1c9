/** Footprints in plan: sides, areas, and what makes a ring no footprint. Nothing here knows a picture. */

/** Local metres: x east, y north. */
export type Point = [number, number];

/** Why a ring is no footprint. */
export type Fault = "few" | "short" | "small" | "crossing";

/** Least length of a side, metres, and least area, square metres. */
export const LEAST_SIDE_M = 0.1;
export const LEAST_AREA_M2 = 1;

const RAD = Math.PI / 180;

/** Twice the signed area of a triangle; above 0 when it turns left. */
function turn(a: Point, b: Point, c: Point): number {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

export function distance(a: Point, b: Point): number {
  return Math.hypot(b[0] - a[0], b[1] - a[1]);
}

/** Area within a ring, square metres; above 0 when it goes anticlockwise. */
export function signedArea(ring: Point[]): number {
  return ring.reduce((sum, [x, y], i) => {
    const [nx, ny] = ring[(i + 1) % ring.length] as Point;
    return sum + (x * ny - nx * y) / 2;
  }, 0);
}

export function perimeter(ring: Point[]): number {
  return ring.reduce((sum, point, i) => sum + distance(point, ring[(i + 1) % ring.length] as Point), 0);
}

export function middleOf(ring: Point[]): Point {
  const xs = ring.map(([x]) => x);
  const ys = ring.map(([, y]) => y);
  return [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
}

/** Whether two stretches share a point. */
function meet(a: Point, b: Point, c: Point, d: Point): boolean {
  const [abc, abd, cda, cdb] = [turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b)];
  if (((abc > 0 && abd < 0) || (abc < 0 && abd > 0)) && ((cda > 0 && cdb < 0) || (cda < 0 && cdb > 0))) return true;
  return (abc === 0 && on(a, b, c)) || (abd === 0 && on(a, b, d)) || (cda === 0 && on(c, d, a)) || (cdb === 0 && on(c, d, b));
}

/** Whether a point of the line through a and b lies between them. */
function on(a: Point, b: Point, point: Point): boolean {
  return [0, 1].every((i) => Math.min(a[i] as number, b[i] as number) <= (point[i] as number) && (point[i] as number) <= Math.max(a[i] as number, b[i] as number));
}

/** Whether sides that are no neighbours meet, or neighbours fold back onto each other. */
export function crosses(ring: Point[]): boolean {
  const count = ring.length;
  const at = (i: number): Point => ring[i % count] as Point;
  for (let i = 0; i < count; i++) {
    const back = turn(at(i), at(i + 1), at(i + 2)) === 0 && (at(i + 1)[0] - at(i)[0]) * (at(i + 2)[0] - at(i + 1)[0]) + (at(i + 1)[1] - at(i)[1]) * (at(i + 2)[1] - at(i + 1)[1]) < 0;
    if (back) return true;
    for (let j = i + 2; j < count; j++) {
      if (i === 0 && j === count - 1) continue;
      if (meet(at(i), at(i + 1), at(j), at(j + 1))) return true;
    }
  }
  return false;
}

/** What is wrong with a ring as a footprint; null = nothing. */
export function faultOf(ring: Point[]): Fault | null {
  if (ring.length < 3) return "few";
  if (ring.some((point, i) => distance(point, ring[(i + 1) % ring.length] as Point) < LEAST_SIDE_M)) return "short";
  if (crosses(ring)) return "crossing";
  return Math.abs(signedArea(ring)) < LEAST_AREA_M2 ? "small" : null;
}

/** A rectangle: one side, and how far the pointer is beside it. */
export function rectangle(a: Point, b: Point, beside: Point): Point[] {
  const length = distance(a, b) || 1;
  const normal: Point = [-(b[1] - a[1]) / length, (b[0] - a[0]) / length];
  const width = (beside[0] - a[0]) * normal[0] + (beside[1] - a[1]) * normal[1];
  const shift: Point = [normal[0] * width, normal[1] * width];
  return [a, b, [b[0] + shift[0], b[1] + shift[1]], [a[0] + shift[0], a[1] + shift[1]]];
}

/** Length in metres and direction in degrees, anticlockwise from east, of a side. */
export function sideOf(from: Point, to: Point): { length_m: number; angle_deg: number } {
  const angle = Math.atan2(to[1] - from[1], to[0] - from[0]) / RAD;
  return { length_m: distance(from, to), angle_deg: (angle + 360) % 360 };
}

/** Where a side ends that begins at a point. */
export function ended(from: Point, length_m: number, angle_deg: number): Point {
  return [from[0] + length_m * Math.cos(angle_deg * RAD), from[1] + length_m * Math.sin(angle_deg * RAD)];
}

/**
 * A typed side: "24<90" is 24 m long at 90° from east, "24" keeps the direction of the pointer and "<90" its length;
 * a comma is a point, as on many keyboards. Null = it is none of these.
 */
export function readSide(text: string): { length_m: number | null; angle_deg: number | null } | null {
  const plain = text.trim().replaceAll(",", ".").replaceAll("＜", "<").replace(/[m°]/g, "");
  const found = /^\s*(\d+(?:\.\d*)?|\.\d+)?\s*(?:<\s*(-?(?:\d+(?:\.\d*)?|\.\d+)))?\s*$/.exec(plain);
  if (!found || (found[1] === undefined && found[2] === undefined)) return null;
  const length_m = found[1] === undefined ? null : Number(found[1]);
  return length_m === 0 ? null : { length_m, angle_deg: found[2] === undefined ? null : Number(found[2]) };
}

/** Point of a stretch that is nearest to another point. */
export function nearestOn(a: Point, b: Point, point: Point): Point {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const square = dx * dx + dy * dy;
  const share = square === 0 ? 0 : Math.min(1, Math.max(0, ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / square));
  return [a[0] + dx * share, a[1] + dy * share];
}
