/** Snapping while a footprint is drawn: to its first corner, to corners and sides of others, to right angles and parallels. */

import { distance, nearestOn, type Point } from "./footprint";

/** Sides that end at nothing else are so many metres long, or a multiple. */
const ROUND_M = 0.1;

export type SnapKind = "close" | "corner" | "edge" | "right" | "parallel";

export interface Snap {
  point: Point;
  /** What it was drawn to; null = nothing was near. */
  kind: SnapKind | null;
  /** A line that shows why. */
  guide: [Point, Point] | null;
}

export interface SnapRequest {
  cursor: Point;
  /** Metres within which something is near. */
  near_m: number;
  /** Corners that are set already. */
  corners: Point[];
  /** Rings of what stands around. */
  outlines: Point[][];
  /** Corners from which the ring may be closed by a click on its first one. */
  closing: boolean;
}

/** A line through a point; the direction has length 1. */
interface Line {
  from: Point;
  way: Point;
  kind: "right" | "parallel";
}

/** Where a click would be: the nearest corner first, then where two lines meet, then one line or one side. */
export function snapped(request: SnapRequest): Snap {
  const { cursor, near_m, corners } = request;
  const first = corners[0];
  if (request.closing && first && distance(first, cursor) <= near_m) return { point: first, kind: "close", guide: null };
  const corner = nearest(request.outlines.flat(), cursor, near_m);
  if (corner) return { point: corner, kind: "corner", guide: null };
  const lines = directions(request).filter((line) => distance(foot(line, cursor), cursor) <= near_m);
  lines.sort((a, b) => distance(foot(a, cursor), cursor) - distance(foot(b, cursor), cursor));
  const line = lines[0];
  const edge = nearestEdge(request);
  if (line) {
    const point = crossing(line, squareTo(request), near_m, cursor) ?? (edge && onEdge(line, edge, near_m, cursor)) ?? foot(line, cursor);
    return { point, kind: line.kind, guide: [line.from, point] };
  }
  if (edge) return { point: nearestOn(edge[0], edge[1], cursor), kind: "edge", guide: edge };
  return { point: rounded(corners[corners.length - 1], cursor), kind: null, guide: null };
}

/** The cursor, at a round distance from where the side begins. */
function rounded(from: Point | undefined, cursor: Point): Point {
  const length = from ? distance(from, cursor) : 0;
  if (!from || length < ROUND_M) return cursor;
  const share = (Math.round(length / ROUND_M) * ROUND_M) / length;
  return [from[0] + (cursor[0] - from[0]) * share, from[1] + (cursor[1] - from[1]) * share];
}

function nearest(points: Point[], cursor: Point, near_m: number): Point | null {
  let found: Point | null = null;
  let least = near_m;
  for (const point of points) {
    const away = distance(point, cursor);
    if (away <= least) [found, least] = [point, away];
  }
  return found;
}

function nearestEdge({ outlines, cursor, near_m }: SnapRequest): [Point, Point] | null {
  let found: [Point, Point] | null = null;
  let least = near_m;
  for (const ring of outlines) {
    ring.forEach((a, i) => {
      const b = ring[(i + 1) % ring.length] as Point;
      const away = distance(nearestOn(a, b, cursor), cursor);
      if (away <= least) [found, least] = [[a, b], away];
    });
  }
  return found;
}

/** Lines along and across the side before; for the first side, along and across the side of the neighbour that it leaves. */
function directions({ corners, outlines }: SnapRequest): Line[] {
  const last = corners[corners.length - 1];
  const before = corners[corners.length - 2];
  if (!last) return [];
  const ways: Point[] = before ? [unit(before, last)] : sidesThrough(outlines, last);
  return ways.flatMap((way): Line[] => [
    { from: last, way: [-way[1], way[0]], kind: "right" },
    { from: last, way, kind: "parallel" },
  ]);
}

/** Across the first side from the first corner: there a last corner makes the closing corner a right angle. */
function squareTo({ corners }: SnapRequest): Line | null {
  const [first, second] = corners;
  if (!first || !second || corners.length < 3) return null;
  const way = unit(first, second);
  return { from: first, way: [-way[1], way[0]], kind: "right" };
}

function sidesThrough(outlines: Point[][], point: Point): Point[] {
  const found: Point[] = [];
  for (const ring of outlines) {
    ring.forEach((a, i) => {
      const b = ring[(i + 1) % ring.length] as Point;
      if (distance(a, b) > 0 && distance(nearestOn(a, b, point), point) < 0.01) found.push(unit(a, b));
    });
  }
  return found;
}

function unit(a: Point, b: Point): Point {
  const length = distance(a, b) || 1;
  return [(b[0] - a[0]) / length, (b[1] - a[1]) / length];
}

/** Place of a line that is nearest to the cursor, in tenths of a metre from where the side begins. */
function foot({ from, way }: Line, cursor: Point): Point {
  const along = Math.round(((cursor[0] - from[0]) * way[0] + (cursor[1] - from[1]) * way[1]) / ROUND_M) * ROUND_M;
  return [from[0] + way[0] * along, from[1] + way[1] * along];
}

/** Where two lines meet, when that is near. */
function crossing(line: Line, other: Line | null, near_m: number, cursor: Point): Point | null {
  if (!other) return null;
  const cross = line.way[0] * other.way[1] - line.way[1] * other.way[0];
  if (Math.abs(cross) < 1e-6) return null;
  const along = ((other.from[0] - line.from[0]) * other.way[1] - (other.from[1] - line.from[1]) * other.way[0]) / cross;
  const point: Point = [line.from[0] + line.way[0] * along, line.from[1] + line.way[1] * along];
  return distance(point, cursor) <= near_m ? point : null;
}

function onEdge(line: Line, [a, b]: [Point, Point], near_m: number, cursor: Point): Point | null {
  const point = crossing(line, { from: a, way: unit(a, b), kind: "parallel" }, near_m, cursor);
  return point && distance(nearestOn(a, b, point), point) < 1e-6 ? point : null;
}
