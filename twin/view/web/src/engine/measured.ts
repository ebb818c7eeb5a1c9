/** Values of measurements from their points. */

import { Vector3 } from "three";
import type { Measurement, MeasureKind } from "./tool_api";

interface KindOfMeasure {
  /** Points that it needs, and at which it ends by itself. */
  least: number;
  most: number;
  closed: boolean;
  /** Leaves a picture behind. */
  kept: boolean;
}

const kind = (least: number, most = Infinity, closed = false, kept = true): KindOfMeasure => ({ least, most, closed, kept });

export const KINDS: Record<MeasureKind, KindOfMeasure> = {
  distance: kind(2),
  height: kind(2, 2),
  area: kind(3, Infinity, true),
  volume: kind(3, Infinity, true),
  angle: kind(3, 3),
  profile: kind(2),
  sight: kind(2, 2),
  point: kind(1, 1, false, false),
  outline: kind(3, Infinity, true, false),
};

/** Value of a measurement from its points (metres, square metres, degrees); volumes are worked out elsewhere. */
export function measured(kind: MeasureKind, points: Vector3[], done: boolean): Measurement {
  const first = points[0] ?? new Vector3();
  const last = points[points.length - 1] ?? first;
  const measurement: Measurement = { kind, id: 0, points: points.map((p) => p.toArray()), value: 0, horizontal: 0, vertical: last.z - first.z, done };
  if (kind === "height") {
    measurement.value = Math.abs(last.z - first.z);
    measurement.horizontal = Math.hypot(last.x - first.x, last.y - first.y);
  } else if (kind === "angle") {
    const [a, vertex, b] = points;
    if (a && vertex && b) {
      measurement.value = degrees(a.clone().sub(vertex), b.clone().sub(vertex));
      measurement.horizontal = degrees(a.clone().sub(vertex).setZ(0), b.clone().sub(vertex).setZ(0));
    }
  } else if (KINDS[kind].closed) {
    // Newell: the vector area of a polygon in space, from its first corner for the sake of precision.
    const area = new Vector3();
    for (let i = 1; i + 1 < points.length; i++) {
      area.add(points[i].clone().sub(first).cross(points[i + 1].clone().sub(first)));
    }
    measurement.value = area.length() / 2;
    measurement.horizontal = Math.abs(area.z) / 2;
  } else {
    for (let i = 1; i < points.length; i++) {
      measurement.value += points[i].distanceTo(points[i - 1]);
      measurement.horizontal += Math.hypot(points[i].x - points[i - 1].x, points[i].y - points[i - 1].y);
    }
  }
  return measurement;
}

function degrees(a: Vector3, b: Vector3): number {
  return a.lengthSq() * b.lengthSq() > 0 ? (a.angleTo(b) * 180) / Math.PI : 0;
}

/** Text of a value, with the unit that suits its size. */
export function valueText({ kind, value, done }: Measurement): string {
  const digits = (number: number): string => number.toLocaleString("en", { maximumFractionDigits: number < 10 ? 2 : number < 1000 ? 1 : 0 });
  if (kind === "angle") return `${value.toFixed(1)}°`;
  if (kind === "volume" && done) return `${digits(value)} m³`;
  if (KINDS[kind].closed) return value >= 1e5 ? `${digits(value / 1e4)} ha` : `${digits(value)} m²`;
  return value >= 10_000 ? `${digits(value / 1000)} km` : `${digits(value)} m`;
}
